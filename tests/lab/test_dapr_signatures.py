"""Every name of the installed `dapr.ext.workflow` has its counterpart here, with the same parameters; what we add is listed below."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import pytest
from dapr.ext import workflow as dapr
from dapr.ext.workflow import aio as dapr_aio
from dapr.ext.workflow._durabletask import client as dapr_inner_client
from dapr.ext.workflow._durabletask import deterministic as dapr_deterministic
from dapr.ext.workflow._durabletask import task as dapr_task

import wfengine.core.tasks
import wflab
from wflab import aio

EXPORTED: dict[str, tuple[Any, Any]] = {
    **{f"wf.{name}": (getattr(dapr, name), getattr(wflab, name, None)) for name in dapr.__all__},
    **{f"wf.aio.{name}": (getattr(dapr_aio, name), getattr(aio, name, None)) for name in dapr_aio.__all__},
    # What Dapr's objects hand over to an object inside them:
    "inside WorkflowState": (dapr_inner_client.WorkflowState, wflab.WorkflowState),
    "inside DaprWorkflowContext": (dapr_deterministic.DeterministicContextMixin, wflab.DaprWorkflowContext),
    "inside WorkflowActivityContext": (dapr_task.ActivityContext, wflab.WorkflowActivityContext),
    # What its context and its `when_...` answer:
    "a Task": (dapr_task.Task, wfengine.core.tasks.Task),
}

# Made by the engine, from things of its own: no program makes them.
NOT_MADE_BY_PROGRAMS = {
    "wf.DaprWorkflowContext",
    "wf.WorkflowActivityContext",
    "wf.FailureDetails",
    *(name for name in EXPORTED if name.startswith("inside")),
}

# From messages of Dapr's protocol, and a type variable that lies about.
NOT_FOR_PROGRAMS = {"wf.PropagatedHistory.from_proto", "inside DaprWorkflowContext.T"}

BEYOND_DAPR = {
    "wf.DaprWorkflowClient(app_id)",
    "wf.DaprWorkflowClient(lab)",
    "wf.DaprWorkflowContext.call_activity(compensates)",
    "wf.DaprWorkflowContext.call_activity(idempotency_key)",
    "wf.DaprWorkflowContext.call_activity(timeout)",
    "wf.DaprWorkflowContext.wait_for_external_event(description)",
    "wf.DaprWorkflowContext.wait_for_external_event(requester)",
    "wf.DaprWorkflowContext.wait_for_external_event(risk)",
    "wf.DaprWorkflowContext.wait_for_external_event(schema)",
    "wf.DaprWorkflowContext.wait_for_external_event(title)",
    "wf.RetryPolicy(jitter)",
    "wf.RetryPolicy(non_retryable_error_types)",
    "wf.WorkflowRuntime(app_id)",
    "wf.WorkflowRuntime(lab)",
    "wf.WorkflowRuntime.activity(circuit_breaker)",
    "wf.WorkflowRuntime.activity(importance)",
    "wf.WorkflowRuntime.activity(timeout)",
    "wf.WorkflowRuntime.activity(transactional)",
    "wf.WorkflowRuntime.register_activity(circuit_breaker)",
    "wf.WorkflowRuntime.register_activity(importance)",
    "wf.WorkflowRuntime.register_activity(timeout)",
    "wf.WorkflowRuntime.register_activity(transactional)",
    "wf.WorkflowState(fetch_payloads)",
    "wf.aio.DaprWorkflowClient(app_id)",
    "wf.aio.DaprWorkflowClient(lab)",
    "wf.when_all(others)",  # only to say that it takes a list
    "wf.when_any(others)",
}


def members(of: Any) -> list[str]:
    """What a program reads of it: methods, properties, fields; of an exception only what it adds to any exception."""
    if not inspect.isclass(of):
        return []
    fields = [field.name for field in dataclasses.fields(of)] if dataclasses.is_dataclass(of) else []
    return sorted({*fields, *dir(of)} - set(dir(Exception)) - {name for name in {*fields, *dir(of)} if name.startswith("_")})


def calls() -> Iterator[tuple[str, Any, Any]]:
    """Everything that can be called: (name, Dapr's, ours)."""
    for name, (theirs, ours) in EXPORTED.items():
        if not callable(theirs) or ours is None or (inspect.isclass(theirs) and issubclass(theirs, Enum)):
            continue
        is_plain_error = inspect.isclass(theirs) and issubclass(theirs, Exception) and "__init__" not in vars(theirs)
        if name not in NOT_MADE_BY_PROGRAMS and not is_plain_error:
            yield name, theirs, ours
        for member in members(theirs):
            if callable(getattr(theirs, member, None)) and hasattr(ours, member):
                yield f"{name}.{member}", getattr(theirs, member), getattr(ours, member)


def parameters(of: Callable[..., Any]) -> list[inspect.Parameter]:
    """Without `self`, and with Dapr's `__fn`, which can only be given by position, under the name it has here."""
    found = [one for one in inspect.signature(of).parameters.values() if one.name != "self"]
    return [
        one.replace(name="function", kind=inspect.Parameter.POSITIONAL_ONLY) if one.name == "_WorkflowRuntime__fn" else one for one in found
    ]


def described(one: inspect.Parameter) -> tuple[str, str, str]:
    default = "UNSET" if one.default in (dapr.UNSET, wflab.UNSET) else repr(one.default)
    return one.name, one.kind.description, default


CALLS = [pytest.param(*call, id=call[0]) for call in calls()]


@pytest.mark.parametrize("name", EXPORTED)
def test_what_dapr_exports_is_here(name: str) -> None:
    theirs, ours = EXPORTED[name]
    assert ours is not None, f"{name} is missing"
    assert inspect.isclass(ours) == inspect.isclass(theirs)
    assert callable(ours) == callable(theirs)


@pytest.mark.parametrize("name", EXPORTED)
def test_every_method_and_property_is_here(name: str) -> None:
    theirs, ours = EXPORTED[name]
    names = {f"{name}.{member}": member for member in members(theirs)}
    assert [full for full, member in names.items() if not hasattr(ours, member) and full not in NOT_FOR_PROGRAMS] == []


@pytest.mark.parametrize("name", [name for name, (theirs, _) in EXPORTED.items() if isinstance(theirs, type) and issubclass(theirs, Enum)])
def test_a_choice_has_the_same_members_with_the_same_values(name: str) -> None:
    theirs, ours = EXPORTED[name]
    assert {one.name: one.value for one in ours} == {one.name: one.value for one in theirs}


@pytest.mark.parametrize(("name", "theirs", "ours"), CALLS)
def test_a_call_takes_the_same_parameters(name: str, theirs: Callable[..., Any], ours: Callable[..., Any]) -> None:
    """The same names in the same places, of the same kinds, with the same defaults; ours come after them, by keyword."""
    expected = parameters(theirs)
    found = parameters(ours)
    shared = [one.name for one in expected]
    assert [described(one) for one in found if one.name in shared] == [described(one) for one in expected]
    added = [one for one in found if one.name not in shared]
    assert {f"{name}({one.name})" for one in added} <= BEYOND_DAPR
    assert all(one.kind is one.VAR_POSITIONAL or (one.kind is one.KEYWORD_ONLY and one.default is not one.empty) for one in added)


@pytest.mark.parametrize(("name", "theirs", "ours"), CALLS)
def test_a_call_is_awaited_or_iterated_where_daprs_is(name: str, theirs: Callable[..., Any], ours: Callable[..., Any]) -> None:
    del name
    for asks in (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction):
        assert asks(ours) == asks(theirs)


def test_the_list_of_what_we_add_names_nothing_that_is_not_there() -> None:
    added = {
        f"{name}({one.name})"
        for name, theirs, ours in calls()
        for one in parameters(ours)
        if one.name not in {their.name for their in parameters(theirs)}
    }
    assert added == BEYOND_DAPR


def test_failure_details_take_daprs_three_parts_by_position() -> None:
    """Programs make them in their own tests; Dapr's cannot do without the trace."""
    ours, theirs = (of.FailureDetails("no stock", "LookupError", None) for of in (wflab, dapr))
    assert (ours.message, ours.error_type, ours.stack_trace) == (theirs.message, theirs.error_type, theirs.stack_trace)
