"""The workflows that several rows run: activities in a row, and activities side by side."""

from collections.abc import Generator
from typing import Any

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task, when_all
from wfengine.runtime.worker import WorkflowActivityContext

Steps = Generator[Task[Any], Any, Any]


def add_one(ctx: WorkflowActivityContext, number: int) -> int:
    """The least an activity can do."""
    del ctx
    return number + 1


def chain(ctx: WorkflowContext, length: int) -> Steps:
    """One activity after the other, each with the former's result."""
    number = 0
    for _ in range(length):
        number = yield ctx.call_activity(add_one, input=number)
    return number


def fan_out(ctx: WorkflowContext, width: int) -> Steps:
    """All activities at once."""
    results = yield when_all([ctx.call_activity(add_one, input=number) for number in range(width)])
    return sum(results)
