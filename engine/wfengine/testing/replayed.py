"""A recorded history replayed on code, in a test: the code must ask for what history has, in its order, and end as it ended."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from wfengine.core.replay import Execution
from wfengine.errors import InvalidArgument
from wfengine.model import history as h
from wfengine.model.actions import CompleteWorkflow, ContinueAsNew
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wfengine.model.payload import from_json
from wfengine.runtime.registry import Definition


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How the code stands at the end of the history: `status` is what it came to, RUNNING where it waits; `output` is what it returned."""

    status: Status
    output: Any = None
    failure: FailureDetails | None = None


def replay(workflow: Callable[..., Any], history: Sequence[h.HistoryEvent] | str) -> Replayed:
    """Replay a history (events, or the JSON text of a list of them) on `workflow`, running no activity.

    Raises NonDeterminismError where the code asks for something else than history has; InvalidArgument for what is no history.
    """
    events = _read(history)
    if not events or not isinstance(events[0], h.ExecutionStarted):
        raise InvalidArgument("A history begins with ExecutionStarted; this one has no such event.")
    execution = Execution(Definition("workflow", events[0].name, workflow))
    execution.replay_whole(events)
    result = execution.end()
    execution.close()
    match result:
        case CompleteWorkflow(status=status, output=output, failure=failure):
            return Replayed(status=status, output=from_json(output), failure=failure)
        case ContinueAsNew(input=payload):
            return Replayed(status=Status.CONTINUED_AS_NEW, output=from_json(payload))
        case _:
            return Replayed(status=Status.RUNNING)


def _read(history: Sequence[h.HistoryEvent] | str) -> list[h.HistoryEvent]:
    if not isinstance(history, str):
        return list(history)
    try:
        return msgspec.json.decode(history, type=list[h.HistoryEvent])
    except msgspec.DecodeError as error:
        raise InvalidArgument(f"This is no history: {error}.") from None
