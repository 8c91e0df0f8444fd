"""What a person can do about a compensation that did not do its work: try it again, let it be, or say that it is settled.

Each is a row of `audit`, which the trace reads back (`analytics.saga_acts`), so it outlives the process. A retry is a run of its own: one call of the
same activity with the same input and the same idempotency key. The run that failed stays as it is (docs/decisions/0014-retrying-a-compensation.md).
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model import history as h
from wfengine.model.instance import Instance
from wfengine.model.payload import UNSET, from_json
from wfengine.model.work import AuditRow, HistoryRow
from wfengine.runtime.engine import Engine
from wflab.analytics.asking import standing_of, state_of
from wflab.analytics.call_sites import call_sites
from wflab.analytics.saga_acts import VERBS, UndoActs, Verb, acts_of, wording
from wflab.analytics.saga_trace import LIVE_UNDO, Pair, Trace, trace_of
from wflab.analytics.sources import source_of

NAME = "retry_compensation"
PATIENCE_SECONDS = 30
_ACTS = """
    SELECT who, what, why, occurred_at FROM audit
    WHERE instance = $key AND split_part(what, ' ', 1) IN (SELECT unnest($verbs)) ORDER BY position
"""
_OPEN = "SELECT 1 FROM instances WHERE name = $name AND status IN ('RUNNING', 'SUSPENDED', 'STALLED', 'PENDING') LIMIT 1"


def retry_compensation(ctx: Any, given: dict[str, Any]) -> Any:
    """One undo again. The key tells the activity that it is the work it was asked for before, should it have been done after all."""
    result = yield ctx.call_activity(given["activity"], input=given["input"], app_id=given["app_id"], idempotency_key=given["key"])
    return result


class Undoing:
    """One per lab. `audit` makes the row that an act is recorded with, `told` hears whose saga looks otherwise now."""

    def __init__(self, engine: Engine, audit: Callable[[str, str], AuditRow], told: Callable[[str], None]) -> None:
        self._engine = engine
        self._audit = audit
        self._told = told

    def take_up(self) -> None:
        """Go on with retries that were under way when the lab was closed: their code is ours, and no cell defines it."""
        with self._engine.store.cursor() as cursor:
            is_open = cursor.execute(_OPEN, {"name": NAME}).fetchone() is not None
        if is_open:
            self._engine.register_workflow(retry_compensation, NAME)

    def trace_of(self, instance: Instance, rows: Sequence[HistoryRow], acts: Mapping[str, UndoActs]) -> Trace:
        """The saga of a run as it stands, with what was done about it."""
        held_up = [held.event_id for held in standing_of(self._engine, instance).held_up]
        sites = call_sites(source_of(self._engine, instance.key).text)
        return trace_of(instance, rows, sites=sites, held_up=held_up, acts=acts)

    def acts(self, key: int) -> dict[str, UndoActs]:
        """What was done about an execution's compensations, by the id of the step."""
        with self._engine.store.cursor() as cursor:
            rows = cursor.execute(_ACTS, {"key": key, "verbs": list(VERBS)}).fetchall()
        return acts_of([(who, what, why, at.replace(tzinfo=UTC)) for who, what, why, at in rows], self._outcome)

    def retry(self, instance_id: str, pair: Pair, *, where: str, input: Any = UNSET) -> str:
        """Call the undo once more, in a run of its own whose id this gives; durable when it returns.

        `input` replaces what the undo was given; one that was never asked for has none. Raises InvalidArgument where the undo cannot be called again.
        """
        instance = self._checked(instance_id, pair)
        if pair.undo is None:
            raise InvalidArgument(
                f"{pair.step} has no undo. Once its effect is taken back some other way, say so: .resolve({pair.step!r}, note='...')."
            )
        if pair.acts.redone in LIVE_UNDO or pair.backward == "running":
            raise InvalidArgument(f"{pair.undo} is being retried already.")
        event = self._event(instance, pair)
        if event is None and input is UNSET:
            raise InvalidArgument(
                f"{pair.undo} was never asked for, so it is not recorded what it is to be given. Say it: .retry({pair.undo!r}, input=...)."
            )
        if event is not None and event.is_inline:
            raise InvalidArgument(
                f"{pair.undo} is an inline step, whose function is in the workflow's code. Do it by hand, then .resolve(...)."
            )
        app_id = None if event is None else event.app_id
        if self._engine.registry.find("activity", pair.undo, app_id=app_id) is None:
            raise InvalidArgument(f"Activity {pair.undo!r} is not defined in this kernel. Run the cell that defines it, then retry.")
        given = from_json(event.input) if event is not None and input is UNSET else input
        self._engine.register_workflow(retry_compensation, NAME)
        run = f"undo-{uuid.uuid4().hex}"
        # first the word, then the deed: a retry that nobody knows of would be worse than one that never came to be
        self._record(instance, "retry", pair, where, run=run)
        self._engine.schedule_new_workflow(
            NAME,
            input={"activity": pair.undo, "input": given, "app_id": app_id, "key": pair.key},
            instance_id=run,
            tags={"undo_of": instance_id},
        )
        self._told(instance_id)
        return run

    def settle(self, instance_id: str, pair: Pair, verb: Verb, why: str, *, where: str) -> None:
        """Skip: leave the effect as it is. Resolve: it was taken back by other means. Both need a reason."""
        if not why.strip():
            raise InvalidArgument("Say why: whoever comes after wants to know." if verb == "skip" else "Say how it was settled.")
        self._record(self._checked(instance_id, pair), verb, pair, where, why=why.strip())
        self._told(instance_id)

    def _checked(self, instance_id: str, pair: Pair) -> Instance:
        instance = state_of(self._engine, instance_id)
        if pair.backward in {"planned", "running"} and not instance.status.is_terminal:
            raise InvalidArgument(f"{instance.name} itself is still to undo {pair.step}. Wait for its end, or terminate it.")
        if not pair.is_left:
            raise InvalidArgument(f"There is nothing to be done about {pair.step}: it is {pair.forward}, and its undo {pair.backward}.")
        return instance

    def _event(self, instance: Instance, pair: Pair) -> h.TaskScheduled | None:
        if pair.undo_call is None or not pair.undo_call.attempts:
            return None
        number = pair.undo_call.attempts[0].event_id
        events = (row.event for row in self._engine.store.history(instance.key))
        return next((event for event in events if isinstance(event, h.TaskScheduled) and event.event_id == number), None)

    def _record(self, instance: Instance, verb: Verb, pair: Pair, where: str, *, why: str | None = None, run: str = "") -> None:
        what = wording(verb, pair.undo or pair.step, pair.id, run)
        row = msgspec.structs.replace(self._audit(what, where), instance_id=instance.instance_id, key=instance.key, why=why)
        self._engine.record_act_soon(row).result(PATIENCE_SECONDS)

    def _outcome(self, run: str) -> tuple[str, str]:
        state = self._engine.get_workflow_state(run)
        if state is None:
            return "", "its run is gone"
        return str(state.status), "" if state.failure is None else state.failure.message
