"""Saga: steps that know how to be undone, and the compensation that undoes them when a later one fails.

Plain workflow code over any context that has Dapr's `call_activity`, so it runs on Dapr as it does here. It is no context manager: leaving
a block cannot `yield`, and a suspended workflow is also left when it is merely put out of memory. You say when to compensate.
"""

import inspect
from collections.abc import Callable, Generator
from typing import Any, Protocol

import msgspec

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument, WflabError
from wfengine.model.failure import FailureDetails, failure_of
from wfengine.model.payload import UNSET

Activity = Callable[..., Any] | str
Undoing = Generator[Any, Any, None]
_FORGOTTEN = (
    "`saga.compensate()` was not awaited: write `yield from saga.compensate()`, in an `async def` workflow `await saga.compensate()`."
)


class CallsActivities(Protocol):
    """The one verb of a workflow context that a saga needs."""

    @property
    def call_activity(self) -> Callable[..., Any]:
        """As in Dapr: an activity, `input=` and `retry_policy=` → a task."""


class LeftUndone(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """A completed step that its undo could not take back, and what the undo failed with."""

    step: str
    undo: str
    failure: FailureDetails


class SagaCompensationError(WflabError):
    """The compensation is through, and some steps are not undone: `left` lists them, in the order they were tried."""

    def __init__(self, left: list[LeftUndone]) -> None:
        told = "; ".join(f"{one.undo} of {one.step}: {one.failure.error_type}: {one.failure.message}" for one in left)
        plural = "step is" if len(left) == 1 else "steps are"
        super().__init__(f"{len(left)} completed {plural} not undone. {told}")
        self.left = left


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    task: Any
    name: str
    undo: Activity | None
    undo_name: str
    undo_input: Any
    undo_retry_policy: Any
    undo_if_failed: bool
    pivot: bool


class Saga:
    """The steps of one workflow that can be undone.

    saga = wf.Saga(ctx)
    try:
        flight = yield saga.step(book_flight, undo=cancel_flight, input=order)
        yield saga.step(charge_card, undo=refund, input=order)
    except wf.TaskFailedError:
        yield from saga.compensate()  # `await saga.compensate()` in an `async def` workflow
        raise
    """

    def __init__(self, ctx: CallsActivities) -> None:
        self._call = ctx.call_activity
        # Dapr's context has no word for this, either: a compensation that is forgotten there is not told.
        self._expect_awaiting = getattr(ctx, "expect_awaiting", None)
        # Here the undo is recorded with the step it undoes; Dapr's context has no word for it.
        self._records_steps = "compensates" in inspect.signature(self._call).parameters
        self._steps: list[_Step] = []

    def step(
        self,
        activity: Activity,
        *,
        undo: Activity | None = None,
        input: Any = None,
        retry_policy: Any = None,
        undo_input: Any = UNSET,
        undo_retry_policy: Any = None,
        undo_if_failed: bool = False,
        pivot: bool = False,
        **options: Any,
    ) -> Any:
        """Call an activity that `undo`, another activity, can take back. Gives the very task of `call_activity`, to be yielded or awaited.

        The undo's input is the step's result, or `undo_input`: a value, or a function of the result. A step without `undo` has nothing to
        take back. With `undo_if_failed` the undo runs also where the step failed, since it may have happened all the same (it timed out, the
        process died): then its result is None, so say with `undo_input` what is to be taken back, and let the undo bear that there is nothing.
        A `pivot` is the point of no return: once it has completed, neither it nor what came before it is undone.
        `options` are whatever else the context's `call_activity` takes, such as `app_id`.
        """
        undo_name = "" if undo is None else _undo_name(undo)  # refused before anything is done, not when it is to be undone
        task = self._call(activity, input=input, **_given(retry_policy=retry_policy), **options)
        if undo is not None or pivot:
            self._steps.append(
                _Step(
                    task=task,
                    name=name_of(activity),
                    undo=undo,
                    undo_name=undo_name,
                    undo_input=undo_input,
                    undo_retry_policy=undo_retry_policy,
                    undo_if_failed=undo_if_failed,
                    pivot=pivot,
                )
            )
        return task

    def compensate(self) -> "Compensation":
        """Undo the completed steps, the last one first, one after the other: `yield from` it, or `await` it.

        A step still under way is waited for, since it may yet complete; one that failed has nothing to take back, unless it was said to be undone
        then, too. A pivot that has completed ends the way back. An undo that fails, after its retry policy, does not stop the others; in the end SagaCompensationError tells what is left. What was compensated once is not again.
        """
        compensation = Compensation(self._undo_all())
        if self._expect_awaiting is not None:
            self._expect_awaiting(lambda: compensation.is_awaited, _FORGOTTEN)
        return compensation

    def _undo_all(self) -> Undoing:
        left: list[LeftUndone] = []
        while self._steps:
            step = self._steps.pop()
            result = None
            try:
                result = step.task.get_result() if step.task.is_complete else (yield step.task)
            except Exception:  # noqa: BLE001  # the step failed, with whatever error type the context has: nothing to undo
                if not step.undo_if_failed:
                    continue
            else:
                if step.pivot:
                    self._steps.clear()
                    break
            if step.undo is None:
                continue
            try:
                yield self._undo(step, step.undo, result)
            except Exception as error:  # noqa: BLE001  # likewise; GeneratorExit is no Exception and ends it at once
                left.append(LeftUndone(step=step.name, undo=step.undo_name, failure=_failure(error)))
        if left:
            raise SagaCompensationError(left)

    def _undo(self, step: _Step, undo: Activity, result: Any) -> Any:
        chosen = step.undo_input
        if chosen is UNSET:
            chosen = result
        elif callable(chosen):
            chosen = chosen(result)
        link = {"compensates": step.task} if self._records_steps else {}
        return self._call(undo, input=chosen, **_given(retry_policy=step.undo_retry_policy), **link)


class Compensation:
    """A compensation to be run once, by `yield from` or by `await`."""

    def __init__(self, code: Undoing) -> None:
        self._code = code
        self.is_awaited = False

    def __iter__(self) -> Undoing:
        self.is_awaited = True
        return self._code

    __await__ = __iter__


def _undo_name(undo: Activity) -> str:
    try:
        return name_of(undo)
    except InvalidArgument:
        told = "An undo is an activity, by its function or its name; it has none. Define it with `def`, not as a lambda, and register it."
        raise InvalidArgument(f"{told} A step that is not registered is ctx.step(fn, name='...').") from None


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _failure(error: Exception) -> FailureDetails:
    """What the undo failed with; a failed task of any context carries Dapr's three parts as `details`."""
    told: Any = getattr(error, "details", None)
    if not all(isinstance(getattr(told, part, None), str) for part in ("message", "error_type")):
        return failure_of(error)
    return FailureDetails(message=told.message, error_type=told.error_type, stack_trace=told.stack_trace)
