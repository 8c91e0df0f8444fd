"""Acts on many runs at once: first what they would be done to, then, once their number was said, done, each a row of `audit`."""

from collections.abc import Callable, Sequence
from time import monotonic

import msgspec

from wfengine.errors import InvalidArgument, WflabError
from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.protocol.dashboard import DashboardBulk

VERBS = ("terminate", "suspend", "resume", "rerun")
MOST_LISTED = 20
WITHIN_SECONDS = 20.0
# What a rerun begins with: the first attempt of the call that failed last.
_FAILED_CALL = """
    SELECT min(s.event_id) FROM history AS s
    WHERE s.instance = $key AND s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated') AND coalesce(s.task_execution_id, s.detail ->> '$.instance_id') = (
        SELECT coalesce(c.task_execution_id, c.detail ->> '$.instance_id') FROM history AS f JOIN history AS c
            ON c.instance = f.instance AND c.event_id = f.event_id AND c.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated')
        WHERE f.instance = $key AND f.type IN ('TaskFailed', 'ChildWorkflowInstanceFailed') ORDER BY f.sequence DESC LIMIT 1
    )
"""
Audit = Callable[[str, str], AuditRow]


def bulk(engine: Engine, keys: Sequence[int], verb: str, count: int | None, audit: Audit) -> DashboardBulk:
    """The dry run of an act on the newest executions `keys`; with their right `count`, the act. Raises InvalidArgument where that is not so many now.

    What is not done within 20 seconds is left, and told.
    """
    if verb not in VERBS:
        raise InvalidArgument(f"{verb!r} cannot be done to many; there are {', '.join(VERBS)}.")
    wanted = engine.store.instances(keys)
    fitting = [one for one in wanted if _fits(one, verb)]
    result = DashboardBulk(
        verb=verb,
        count=len(fitting),
        unfit=len(wanted) - len(fitting),
        would=[(one.instance_id, one.name, one.status.value) for one in fitting[:MOST_LISTED]],
    )
    if count is None:
        return result
    if count != len(fitting):
        raise InvalidArgument(f"{len(fitting):,} can be acted on now, not {count:,}. Nothing was done; look again.")
    done = 0
    errors: list[tuple[str, str]] = []
    deadline = monotonic() + WITHIN_SECONDS
    for one in fitting:
        if monotonic() > deadline:
            errors.append(("the rest", f"there was no time for {len(fitting) - done - len(errors):,} more; do it again for them"))
            break
        try:
            _do(engine, one, verb, audit(f"{verb}, one of {count}", "dashboard"))
            done += 1
        except WflabError as error:
            errors.append((one.instance_id, str(error)))
    return msgspec.structs.replace(result, done=done, failed=len(errors), errors=errors[:MOST_LISTED])


def _fits(one: Instance, verb: str) -> bool:
    match verb:
        case "terminate":
            return one.status not in TERMINAL
        case "suspend":
            return one.status in {Status.PENDING, Status.RUNNING}
        case "resume":
            return one.status is Status.SUSPENDED
        case _:
            return one.status is Status.FAILED and one.parent is None


def _do(engine: Engine, one: Instance, verb: str, audit: AuditRow) -> None:
    match verb:
        case "terminate":
            engine.terminate_workflow(one.instance_id, audit=audit)
        case "suspend":
            engine.pause_workflow(one.instance_id, audit=audit)
        case "resume":
            engine.resume_workflow(one.instance_id, audit=audit)
        case _:
            with engine.store.cursor() as cursor:
                found = cursor.execute(_FAILED_CALL, {"key": one.key}).fetchone()
            if found is None or found[0] is None:
                raise InvalidArgument("It failed in its own code, not in a call that could be made again; start it anew.")
            told = msgspec.structs.replace(audit, key=one.key, instance_id=one.instance_id)
            engine.rerun_workflow_from_event(one.instance_id, int(found[0]), audit=told)
