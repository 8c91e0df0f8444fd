"""The histories of executions that workers run, as they were told: kept, so that a turn costs what is new and not a reading of the whole past."""

from collections.abc import Sequence

import msgspec

from wfengine.gateway.taskhub.asking import Calls, asked
from wfengine.gateway.taskhub.telling import Telling, passed_on
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model import actions as a
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.executor import WorkItem


class Told:
    """One execution: `past` is what workers were told of recorded turns, `new` of the turn under way."""

    def __init__(self, instance: Instance, past: Sequence[h.HistoryEvent]) -> None:
        self.instance = instance
        self._telling = Telling(instance.version)
        self._calls = Calls(past)
        self._patches = [event.name for event in past if isinstance(event, h.PatchRecorded)]
        self.past = self._telling.tell(past)
        self.new: list[pb.HistoryEvent] = []
        self._received = _received(past)
        self.propagated = passed_on(self._received)

    def take(self, item: WorkItem) -> None:
        """A turn begins."""
        self.instance = item.instance
        if (
            not self.past
        ):  # a first turn that was lost before is told as if for the first time: its version and patches stand on what is sent now
            self._telling = Telling(item.instance.version)
        self.new = self._telling.tell(item.new)
        if self._received is None and (received := _received(item.new)) is not None:
            self._received, self.propagated = received, passed_on(received)

    def result(self, response: pb.WorkflowResponse) -> a.ExecutionResult | FailureDetails:
        """What the worker answers, in our words."""
        found = asked(response, self.instance, self._calls, self._patches)
        if isinstance(found, a.ExecutionResult):
            if found.version is not None:
                self._telling.is_of(found.version)
            if self._received is not None and found.actions and isinstance(end := found.actions[-1], a.ContinueAsNew):
                handed_on = msgspec.structs.replace(end, propagated=self._received)
                found = msgspec.structs.replace(found, actions=[*found.actions[:-1], handed_on])
        return found

    def recorded(self, rows: Sequence[HistoryRow]) -> None:
        """The turn is recorded; `rows` are what it asked for."""
        events = [row.event for row in rows]
        self._calls.note(events)
        self._patches += [event.name for event in events if isinstance(event, h.PatchRecorded)]
        self.past += self.new
        self.past += self._telling.tell(events)
        self.new = []


def _received(events: Sequence[h.HistoryEvent]) -> str | None:
    return next((event.propagated for event in events if isinstance(event, h.ExecutionStarted)), None)
