"""Unit tests of workflows, as `wf.testing.run(workflow, input, mocks=...)`: no lab, no engine, no file, no waiting."""

from wfengine.testing.answers import IfCalled, Takes
from wfengine.testing.playing import Outcome, run
from wfengine.testing.stage import Call, Event, NeverEnds

__all__ = ["Call", "Event", "IfCalled", "NeverEnds", "Outcome", "Takes", "run"]
