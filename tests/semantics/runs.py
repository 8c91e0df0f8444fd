"""What every test of a row says about runs."""

from collections.abc import Callable
from typing import Any

import wflab as wf

Opener = Callable[..., wf.Lab]
WITHIN_SECONDS = 20
FALSY: list[Any] = [0, False, "", [], {}]


def begun(lab: wf.Lab, workflow: Callable[..., Any] | str, input: Any = None, instance_id: str | None = None) -> wf.Run:
    """A run that has had its first turn."""
    run = lab.start(workflow, input, instance_id)
    lab.engine.wait_for_workflow_start(run.id, WITHIN_SECONDS)
    return run


def kinds(run: wf.Run) -> list[str]:
    """The types of its events, in order."""
    return list(run.history()["type"])
