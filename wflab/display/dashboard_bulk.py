"""The dashboard's acts on many runs: those of `lab.runs.bulk`, first as a dry run, then, once their number was said, done."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.bulk import BulkAct
from wflab.bulk_acts import BulkActs
from wflab.protocol.dashboard import DashboardBulk

VERBS = ("terminate", "suspend", "resume", "rerun")
MOST_LISTED = 20
WITHIN_SECONDS = 20.0


class Desk(NamedTuple):
    """What acts here stand on: see `bulk.Acting`."""

    engine: Engine
    audit: Callable[[str, str], AuditRow]


def bulk(desk: Desk, keys: Sequence[int], verb: str, count: int | None) -> DashboardBulk:
    """The dry run of an act on the newest executions `keys`; with their right `count`, the act. Raises InvalidArgument where that is not so many now.

    What is not done within 20 seconds is left, and told: other views wait for this one's answer.
    """
    if verb not in VERBS:
        raise InvalidArgument(f"{verb!r} cannot be done to many; there are {', '.join(VERBS)}.")
    wanted = desk.engine.store.instances(keys)
    plan = _plan(desk, wanted, verb)
    acting = [one.instance for one in plan.candidates if one.refused is None]
    dry = DashboardBulk(
        verb=verb,
        count=len(acting),
        unfit=len(wanted) - len(acting),
        would=[(one.instance_id, one.name, one.status.value) for one in acting[:MOST_LISTED]],
    )
    if count is None:
        return dry
    if count != len(acting):
        raise InvalidArgument(f"{len(acting):,} can be acted on now, not {count:,}. Nothing was done; look again.")
    concerned = {one.instance_id for one in acting}
    outcome = plan.confirm(within_seconds=WITHIN_SECONDS)
    undone = outcome[~outcome["done"] & outcome["instance_id"].isin(concerned)]
    errors = list(zip(undone["instance_id"], undone["why"], strict=True))
    return DashboardBulk(
        verb=verb,
        count=dry.count,
        unfit=dry.unfit,
        would=dry.would,
        done=len(acting) - len(errors),
        failed=len(errors),
        errors=errors[:MOST_LISTED],
    )


def _plan(desk: Desk, wanted: Sequence[Instance], verb: str) -> BulkAct:
    """A rerun is of what has FAILED: elsewhere a step may have failed and been caught."""
    chosen = [one for one in wanted if one.status is Status.FAILED] if verb == "rerun" else wanted
    acts = BulkActs(desk, chosen, "dashboard", where="dashboard")
    makes: dict[str, Callable[[], BulkAct]] = {
        "terminate": acts.terminate,
        "suspend": acts.suspend,
        "resume": acts.resume,
        "rerun": acts.rerun,
    }
    return makes[verb]()
