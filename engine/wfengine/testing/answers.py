"""What a played workflow gets when it calls something: the answer it was promised (a mock), or the function itself.

An answer is a value, an exception (instance or class) that is raised, a function of the input or of (ctx, input), `Takes(span, answer)` for
one that takes virtual time, or a list of such, one for each attempt. So a list that is itself the value stands in a list: `[[1, 2]]`.
`IfCalled` around any of these says that it need not be called.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Literal

import msgspec

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument, NonRetryableError
from wfengine.model.failure import FailureDetails, failure_of
from wfengine.model.history import TaskScheduled
from wfengine.model.instance import Instance
from wfengine.model.payload import from_json, to_json
from wfengine.runtime.registry import Definition
from wfengine.runtime.worker import WorkflowActivityContext

Kind = Literal["activity", "workflow"]


class Takes(msgspec.Struct, frozen=True):
    """An answer that comes after `span` of virtual time."""

    span: timedelta
    answer: Any = None


class IfCalled(msgspec.Struct, frozen=True):
    """An answer that may go unused; a mock that is not one of these, and that nobody called, fails the test."""

    answer: Any = None


class Answered(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What came of one attempt; payloads are JSON text."""

    result: str | None = None
    failure: FailureDetails | None = None
    after: timedelta = timedelta(0)


class Answers:
    """Mocks by name, and the functions that workflow code was seen to call. `patched` names the patches that count; None: all."""

    def __init__(self, mocks: Mapping[Any, Any], *, mocks_only: bool = False, patched: frozenset[str] | None = None) -> None:
        given = {name_of(callee): answer for callee, answer in mocks.items()}
        self._mocks = {name: answer.answer if isinstance(answer, IfCalled) else answer for name, answer in given.items()}
        self._expected = {name for name, answer in given.items() if not isinstance(answer, IfCalled)}
        self._mocks_only = mocks_only
        self._patched = patched
        self._given: dict[str, int] = {}
        self._seen: dict[tuple[Kind, str], tuple[Callable[..., Any], Definition]] = {}

    def note(self, kind: Kind, callee: Callable[..., Any] | str) -> None:
        """Keep a function under the name that history will know it by; one that has an answer is not needed."""
        if isinstance(callee, str) or name_of(callee) in self._mocks:
            return
        key = kind, name_of(callee)
        if key not in self._seen or self._seen[key][0] is not callee:
            self._seen[key] = callee, Definition(kind, key[1], callee)

    def applies(self, patch_name: str) -> bool:
        """Whether this patch is there."""
        return self._patched is None or patch_name in self._patched

    def uncalled(self, called: set[str]) -> list[str]:
        """The mocks that were to be called and are not among these names."""
        return sorted(self._expected - called)

    # What the stage asks.

    def of_attempt(self, task: TaskScheduled, context: WorkflowActivityContext, function: Callable[..., Any] | None) -> Answered:
        """Make one attempt of an activity, or of an inline step whose `function` this is. Raises InvalidArgument where nobody knows what it does."""
        if function is not None:
            return self.of_step(task.name, function, task.input)
        return self.of_activity(task.name, context, task.input)

    def child(self, instance: Instance) -> Definition | None:
        """The code to play for a child workflow that starts; None where it has an answer. Raises InvalidArgument where it has neither."""
        return self.workflow(instance.name)

    def of_child(self, instance: Instance) -> Answered:
        """The promised answer of a child workflow that is not played."""
        return self.of_workflow(instance.name, instance.input)

    # By kind.

    def workflow(self, name: str) -> Definition | None:
        """The code to play for a child workflow; None where it has an answer. Raises InvalidArgument where it has neither."""
        mock = self._mocks.get(name)
        if inspect.isgeneratorfunction(mock) or inspect.iscoroutinefunction(mock):
            return Definition("workflow", name, mock)
        if name in self._mocks:
            return None
        return self._seen_as("workflow", name)

    def of_activity(self, name: str, context: WorkflowActivityContext, payload: str | None) -> Answered:
        """Make one attempt of an activity. Raises InvalidArgument where nobody knows what it does."""
        if name in self._mocks:
            return self._mocked("activity", name, context, payload)
        self._refuse_real("activity", name)
        definition = self._seen_as("activity", name)
        return _answered(f"the result of activity {name!r}", lambda: definition(context, from_json(payload)))

    def of_step(self, name: str, function: Callable[..., Any], payload: str | None) -> Answered:
        """Run an inline step's function, unless it has an answer."""
        if name in self._mocks:
            return self._mocked("step", name, None, payload)
        self._refuse_real("step", name)
        return _answered(f"the result of step {name!r}", lambda: function(*from_json(payload)))

    def of_workflow(self, name: str, payload: str | None) -> Answered:
        """The promised answer of a child workflow that is not played."""
        return self._mocked("child workflow", name, None, payload)

    def _refuse_real(self, kind: str, name: str) -> None:
        if self._mocks_only:
            raise InvalidArgument(
                f"The workflow calls {kind} {name!r}, which has no mock, and mocks_only=True: add mocks={{{name!r}: ...}}."
            )

    def _seen_as(self, kind: Kind, name: str) -> Definition:
        seen = self._seen.get((kind, name))
        if seen is None:
            called = "activity" if kind == "activity" else "child workflow"
            raise InvalidArgument(
                f"The workflow calls {called} {name!r} by its name only. Say what it answers, or which function it is: "
                f"run(..., mocks={{{name!r}: ...}})."
            )
        return seen[1]

    def _mocked(self, kind: str, name: str, context: WorkflowActivityContext | None, payload: str | None) -> Answered:
        answer = self._mocks[name]
        if isinstance(answer, list):
            place = self._given.get(name, 0)
            if place >= len(answer):
                raise InvalidArgument(
                    f"The mock of {kind} {name!r} has {len(answer)} answers, and attempt number {place + 1} was made. Add one to the list; "
                    "if the list is itself the value, put it into a list."
                )
            self._given[name] = place + 1
            answer = answer[place]
        after = timedelta(0)
        if isinstance(answer, Takes):
            answer, after = answer.answer, answer.span
        came = _answered(f"the mocked result of {kind} {name!r}", lambda: _outcome(answer, context, payload))
        return msgspec.structs.replace(came, after=after)


def _outcome(answer: Any, context: WorkflowActivityContext | None, payload: str | None) -> Any:
    if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
        raise answer
    if not callable(answer):
        return answer
    value = from_json(payload)
    match _parameters(answer):
        case 0:
            return answer()
        case 1:
            return answer(value)
        case _:
            return answer(context, value)


def _parameters(function: Callable[..., Any]) -> int:
    """How many values a function wants; one where it does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 1
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return 1
    return sum(p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD} for p in parameters)


def _answered(what: str, attempt: Callable[[], Any]) -> Answered:
    try:
        value = attempt()
        if inspect.iscoroutine(value):
            value = _awaited(value)
        return Answered(result=None if value is None else to_json(value, what))
    except KeyboardInterrupt:
        raise  # the person at the test wants it to end
    except BaseException as error:  # noqa: BLE001  # whatever an activity raises is its outcome
        return Answered(failure=failure_of(error, non_retryable=isinstance(error, NonRetryableError)))


def _awaited(work: Coroutine[Any, Any, Any]) -> Any:
    """The outcome of a coroutine, also where a loop already runs, as in a notebook's cell."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    outcome: list[Any] = []
    errors: list[BaseException] = []

    def elsewhere() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001  # raised again on the caller's side
            errors.append(error)
        done.set()

    done = threading.Event()
    threading.Thread(target=elsewhere, name="wflab-async-activity", daemon=True).start()
    done.wait()
    if errors:
        raise errors[0]
    return outcome[0]
