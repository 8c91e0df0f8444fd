"""Unit tests of workflows, as `wf.testing.run(workflow, input, mocks=...)`: no lab, no engine, no file, no waiting."""

from wfengine.testing.answers import IfCalled, Takes
from wfengine.testing.playing import Outcome, run
from wfengine.testing.replayed import Replayed, replay
from wfengine.testing.stage import Call, Event, NeverEnds

__all__ = ["Call", "Event", "IfCalled", "NeverEnds", "Outcome", "Replayed", "Takes", "replay", "run"]
