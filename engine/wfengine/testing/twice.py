"""An instance whose every turn is played twice: by an execution that is kept and by one rebuilt from history. Both must ask for the same.

So whatever is played here is tested for its determinism along the way. Once a history is long, it is replayed only each time it has grown
by an eighth, and at its end: the cost of a turn stays what is new, and a replay checks all the turns before it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from wfengine.core.disagreement import told
from wfengine.core.replay import Execution, WorkflowFunction
from wfengine.core.transitions import ClaimKey, Transition, apply
from wfengine.errors import NonDeterminismError
from wfengine.model.actions import Action, CompleteWorkflow, ContinueAsNew, ExecutionResult, RecordPatch
from wfengine.model.history import ExecutionStarted, HistoryEvent
from wfengine.model.instance import Instance
from wfengine.model.propagation import Chunk, PropagationScope, passed_on
from wfengine.model.work import HistoryRow

REPLAYED_EVERY_TURN_UP_TO_EVENTS = 200
_MEND = (
    "In workflow code take time, chance and ids from ctx (current_utc_datetime, random(), new_guid()), and leave files, globals that change "
    "and other services to activities."
)


class PlayedTwice:
    """One execution of `workflow`. `history` is what an engine would have recorded of it, `rows` the same with the turns that took it up."""

    def __init__(self, workflow: WorkflowFunction, instance: Instance) -> None:
        self.instance = instance
        self.history: list[HistoryEvent] = []
        self.rows: list[HistoryRow] = []
        self._workflow = workflow
        self._kept = Execution(workflow)
        self._replay_from = 0

    def turn(self, events: Sequence[HistoryEvent], *, now: datetime, claim_key: ClaimKey) -> tuple[ExecutionResult, Transition]:
        """Let these events arrive together. Raises NonDeterminismError where the two plays ask for different things."""
        result = self._kept.advance(events)
        if len(self.history) >= self._replay_from or _is_end(result):
            self._play_again(events, result)
            size = len(self.history)
            self._replay_from = 0 if size < REPLAYED_EVERY_TURN_UP_TO_EVENTS else size + size // 8
        transition = apply(self.instance, events, result, now=now, claim_key=claim_key, pass_on=self._passed_on)
        self.instance = transition.instance
        own = [row for row in transition.commit.history if row.key == self.instance.key]
        self.rows += own
        self.history += [row.event for row in own]
        return result, transition

    def rebuilt(self) -> Execution:
        """Another execution, made of history alone."""
        execution = Execution(self._workflow)
        execution.replay(self.history)
        return execution

    def inline(self, task_id: int) -> Callable[..., Any] | None:
        """The function of a `ctx.step` that is asked for."""
        return self._kept.inline(task_id)

    def awaited_events(self) -> list[str]:
        """Names, without regard to case, of the external events that the code waits for."""
        return self._kept.awaited_events()

    def close(self) -> None:
        """Drop the suspended code; its `finally` blocks run here."""
        self._kept.close()

    def _passed_on(self, scope: PropagationScope, rows: list[HistoryRow]) -> str | None:
        one = self.instance
        events = [*self.history, *(row.event for row in rows)]
        own = Chunk(instance_id=one.instance_id, name=one.name, events=events, app_id=one.app_id)
        received = next((event.propagated for event in events if isinstance(event, ExecutionStarted)), None)
        return passed_on(scope, own, received)

    def _play_again(self, events: Sequence[HistoryEvent], result: ExecutionResult) -> None:
        try:
            execution = self.rebuilt()
        except NonDeterminismError as error:
            raise self._differs(error.event_id, error.recorded, error.attempted) from error
        again = execution.advance(events)
        execution.close()
        first, second = _without_traces(result), _without_traces(again)
        if first == second:
            return
        if first.actions == second.actions:
            raise self._differs(-1, f"custom status {first.custom_status!r}", f"custom status {second.custom_status!r}")
        place = next((n for n, pair in enumerate(zip(first.actions, second.actions, strict=False)) if pair[0] != pair[1]), None)
        if place is None:
            raise self._differs(-1, f"{len(first.actions)} actions", f"{len(second.actions)} actions")
        one, other = first.actions[place], second.actions[place]
        raise self._differs(getattr(one, "id", -1), _told(one, other), _told(other, one))

    def _differs(self, event_id: int, recorded: str, attempted: str) -> NonDeterminismError:
        return NonDeterminismError(
            f"Workflow {self.instance.name!r} is not deterministic: it asked for {recorded}, and when its history was played again, "
            f"for {attempted}. {_MEND}",
            event_id=event_id,
            recorded=recorded,
            attempted=attempted,
        )


def _is_end(result: ExecutionResult) -> bool:
    return bool(result.actions) and isinstance(result.actions[-1], CompleteWorkflow | ContinueAsNew)


def _without_traces(result: ExecutionResult) -> ExecutionResult:
    """A traceback shows how an exception travelled, which may be another way each time."""
    match result.actions:
        case [CompleteWorkflow(failure=failure) as end] if failure is not None:
            bare = msgspec.structs.replace(failure, stack_trace=None)
            return msgspec.structs.replace(result, actions=[msgspec.structs.replace(end, failure=bare)])
        case _:
            return result


def _told(action: Action, other: Action) -> str:
    """An action as the call that makes it; where `other` is the same call, with what is not so there."""
    match action:
        case CompleteWorkflow(failure=None):
            call = "its end"
        case CompleteWorkflow():
            call = "failing"
        case ContinueAsNew():
            call = "continue_as_new"
        case RecordPatch():
            call = f"is_patched({action.name!r})"
        case _:
            call = told(action)
    if type(action) is not type(other):
        return call
    here, there = msgspec.structs.asdict(action), msgspec.structs.asdict(other)
    different = [f"{name} {value!r}" for name, value in here.items() if name not in {"id", "name"} and there[name] != value]
    return f"{call} with {', '.join(different)}" if different else call
