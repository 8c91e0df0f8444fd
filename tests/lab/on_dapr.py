"""A workflow driven by Dapr's own executor, in memory: each turn replays all of history, as Dapr does."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from dapr.ext.workflow import DaprWorkflowContext
from dapr.ext.workflow._durabletask import worker
from dapr.ext.workflow._durabletask.internal import helpers, protos, timer

MOST_TURNS = 100


def run_on_dapr(workflow: Callable[..., Any], answers: dict[str, Callable[[Any], Any]], given: Any = None) -> protos.CompleteWorkflowAction:
    """Play `workflow` to its end; activities are answered at once by their functions, timers come due at once."""
    new_registry: Any = worker._Registry  # it carries no types
    registry = new_registry()
    registry.add_named_orchestrator("workflow", lambda ctx, payload: workflow(DaprWorkflowContext(ctx), payload))
    payload = None if given is None else msgspec.json.encode(given).decode()
    past: list[Any] = []
    new: list[Any] = [helpers.new_workflow_started_event(), helpers.new_execution_started_event("workflow", "trip", payload)]
    for _ in range(MOST_TURNS):
        result = worker._OrchestrationExecutor(registry, logging.getLogger("dapr")).execute("trip", past, new)
        past, new = [*past, *new], []
        for action in result.actions:
            if action.HasField("completeWorkflow"):
                return action.completeWorkflow
            if action.HasField("createTimer"):
                moment = action.createTimer.fireAt.ToDatetime()
                past.append(timer.new_timer_created_event(action.id, moment))
                new.append(timer.new_timer_fired_event(action.id, moment))
            else:
                task = action.scheduleTask
                past.append(helpers.new_task_scheduled_event(action.id, task.name, task.input.value or None))
                new.append(_answer(action.id, answers[task.name], task.input.value))
    raise AssertionError(f"no end after {MOST_TURNS} turns")


def _answer(task_id: int, function: Callable[[Any], Any], payload: str) -> Any:
    try:
        result = function(msgspec.json.decode(payload) if payload else None)
    except Exception as error:  # noqa: BLE001  # whatever an activity raises is its outcome
        return helpers.new_task_failed_event(task_id, error)
    return helpers.new_task_completed_event(task_id, msgspec.json.encode(result).decode())
