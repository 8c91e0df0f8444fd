"""Workflow code that waits or computes for long holds up everybody: then it is told which, and where."""

import logging
import threading
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps


@pytest.mark.slow
def test_code_that_keeps_everybody_waiting_is_named_with_its_line(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    go_on = threading.Event()

    def hogs(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("first")
        go_on.wait(30)

    engine.register_workflow(hogs)
    engine.register_activity(lambda _ctx: None, "first")
    engine.schedule_new_workflow("hogs", instance_id="w")
    eventually(lambda: engine.busy is not None)
    told = engine.busy or ""
    place = f"line {hogs.__code__.co_firstlineno + 2} of hogs"
    assert place in told
    assert "belong into activities" in told
    asking = threading.Thread(target=lambda: engine.schedule_new_workflow("hogs", instance_id="next", start_at=None), daemon=True)
    with caplog.at_level(logging.WARNING):
        asking.start()
        eventually(lambda: place in caplog.text)
    go_on.set()
    asking.join(20)
    engine.wait_for_workflow_completion("w", 20)
    engine.wait_for_workflow_completion("next", 20)
    assert engine.busy is None
