"""Trips that are booked and taken back, and the hosts on which they run."""

from collections.abc import Callable
from typing import Any, Protocol

import dapr.ext.workflow as dapr
import msgspec

import wflab as wf
from tests.lab.on_dapr import run_on_dapr

WITHIN_SECONDS = 30
FAILED = (wf.TaskFailedError, dapr.TaskFailedError)


class Ending(msgspec.Struct, frozen=True):
    """How a workflow ended: with an output, or with an error of this type and message."""

    output: Any = None
    error: tuple[str, str] | None = None


class Host(Protocol):
    """Where the same function runs. Activities are answered by functions of their input."""

    def __call__(self, workflow: Callable[..., Any], answers: dict[str, Callable[[Any], Any]], /) -> Ending: ...


class World:
    """Bookings that are made and taken back. `done` and `undone` tell what happened, in order; whatever `breaks` names fails."""

    def __init__(self, *breaks: str) -> None:
        self.done: list[str] = []
        self.undone: list[tuple[str, Any]] = []
        self.breaks = breaks

    @property
    def answers(self) -> dict[str, Callable[[Any], Any]]:
        things = ("flight", "hotel", "car")
        return {f"book_{one}": self._books(one) for one in things} | {f"cancel_{one}": self._cancels(one) for one in things}

    def _books(self, thing: str) -> Callable[[Any], Any]:
        def book(given: Any) -> Any:
            if f"book_{thing}" in self.breaks:
                raise LookupError(f"no {thing}")
            self.done.append(thing)
            return {"booking": thing, "for": given}

        return book

    def _cancels(self, thing: str) -> Callable[[Any], Any]:
        def cancel(given: Any) -> None:
            self.undone.append((thing, given))
            if f"cancel_{thing}" in self.breaks:
                raise OSError(f"{thing} is lost")

        return cancel


def at_will(answers: dict[str, Callable[[Any], Any]]) -> dict[str, wf.testing.IfCalled]:
    """As mocks that need not be called."""
    return {name: wf.testing.IfCalled(answer) for name, answer in answers.items()}


def in_testing(workflow: Callable[..., Any], answers: dict[str, Callable[[Any], Any]]) -> Ending:
    outcome = wf.testing.run(workflow, mocks=at_will(answers))
    failure = outcome.failure
    return Ending(outcome.output, None if failure is None else (failure.error_type, failure.message))


def on_dapr(workflow: Callable[..., Any], answers: dict[str, Callable[[Any], Any]]) -> Ending:
    end = run_on_dapr(workflow, answers)
    if end.HasField("failureDetails"):
        return Ending(error=(end.failureDetails.errorType, end.failureDetails.errorMessage))
    return Ending(msgspec.json.decode(end.result.value) if end.result.value else None)


def register(lab: wf.Lab, answers: dict[str, Callable[[Any], Any]]) -> None:
    for name, answer in answers.items():
        lab.engine.register_activity(lambda _, given, answer=answer: answer(given), name)


def trip(ctx: Any, _: Any) -> Any:
    saga = wf.Saga(ctx)
    try:
        flight = yield saga.step("book_flight", undo="cancel_flight", input="ana")
        yield saga.step("book_hotel", undo="cancel_hotel", input=flight["booking"])
        yield saga.step("book_car", undo="cancel_car")
    except FAILED as error:
        yield from saga.compensate()
        return f"undone: {error}"
    return "booked"
