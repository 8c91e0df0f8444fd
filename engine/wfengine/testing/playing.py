"""A whole workflow played to its end in one call, with its children, and with no engine, file, or waiting: a unit test of a workflow.

Everything is the real thing but the surroundings: the pure core decides, and each turn is played twice, so that a workflow that is not
deterministic fails its test. Time is virtual and begins at the same moment each time. `stage` says what happens when.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument, WaitTimedOut, WorkflowFailed
from wfengine.model.failure import FailureDetails
from wfengine.model.history import ExecutionStarted, HistoryEvent
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json, to_json
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.answers import Answers
from wfengine.testing.stage import Call, Event, Stage

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a played workflow ended, or stands: RUNNING, where the `timeout` came first.

    `history` holds the events of all its generations, one after the other; `calls` are those of its children, too. `unraised` are the given
    events that nobody waited for, or whose time did not come. `instance` and `rows` are its last generation, as an engine would keep it.
    """

    instance_id: str
    name: str
    status: Status
    output: Any
    failure: FailureDetails | None
    custom_status: str | None
    history: list[HistoryEvent]
    calls: list[Call]
    elapsed: timedelta
    instance: Instance
    rows: list[HistoryRow]
    unraised: list[Event] = []

    def result(self) -> Any:
        """What the workflow returned. Raises WorkflowFailed where it failed, WaitTimedOut where it is still running."""
        if not self.status.is_terminal:
            raise WaitTimedOut(f"Workflow {self.name!r} is {self.status} after {self.elapsed} of virtual time.")
        if self.status is not Status.COMPLETED:
            raise WorkflowFailed(self.instance_id, self.name, self.status, self.failure)
        return self.output

    def __repr__(self) -> str:
        came = f"failure={self.failure.message!r}" if self.failure is not None else f"output={self.output!r}"
        return f"Outcome({self.name!r}: {self.status}, {came}, calls={len(self.calls)}, elapsed={self.elapsed})"


def run(  # noqa: PLR0913  # all that may be said of a play
    workflow: Callable[..., Any],
    input: Any = None,
    *,
    mocks: Mapping[Any, Any] | None = None,
    mocks_only: bool = False,
    events: Iterable[Event | tuple[Any, ...] | str] | Mapping[str, Any] = (),
    patched: Collection[str] | Literal[False] | None = None,
    clock: datetime | None = None,
    instance_id: str = "test",
    timeout: timedelta | None = None,
    most_generations: int = 100,
) -> Outcome:
    """Play `workflow` to its end and tell what happened.

    `mocks` maps activities, steps and child workflows (a function or a name) to what they answer:

    - a value, which is the result; an exception, which is raised
    - a function, of nothing, of the input, or of (ctx, input); for a child also a workflow, a generator or `async def`, which is played
    - `Takes(timedelta(hours=1), answer)`: an answer after so much virtual time
    - a list of answers, one for each attempt; a list that is the result stands in a list, `[[1, 2]]`
    - `IfCalled(answer)`: it need not be called; a mock that is not one of these, and that nobody called, is an error

    Without a mock a function that the workflow hands over runs for real; with `mocks_only` that is refused (children are still played).
    `events` are `Event`s, (name, data, after), names, or a mapping of names to data. `patched` names the patches that `is_patched` knows of
    (None: all, False: none). `clock` is the moment at which it starts. After `timeout` of virtual time it is left as it stands; without one it
    must end, within `most_generations` of continue_as_new.

    Raises NonDeterminismError where a replay asks for something else, NeverEnds where nothing can happen any more or no end is in sight,
    InvalidArgument where a call is neither mocked nor known, or a mock was not called.
    """
    answers = Answers(mocks or {}, mocks_only=mocks_only, patched=_patches(patched))
    answers.note("workflow", workflow)  # it may call itself by name
    return play(
        workflow, input, answers, events=events, clock=clock, instance_id=instance_id, timeout=timeout, most_generations=most_generations
    )


def play(  # noqa: PLR0913  # as `run`
    workflow: Callable[..., Any],
    input: Any,
    answers: Answers,
    *,
    events: Iterable[Event | tuple[Any, ...] | str] | Mapping[str, Any] = (),
    clock: datetime | None = None,
    instance_id: str = "test",
    timeout: timedelta | None = None,
    most_generations: int = 100,
    name: str | None = None,
) -> Outcome:
    """As `run`, with answers of any kind: for whoever decides anew what comes of each attempt. Raises as `run`."""
    name = name or name_of(workflow)
    began = BEGINNING if clock is None else _aware(clock)
    if timeout is not None and not isinstance(timeout, timedelta):
        raise InvalidArgument(f"timeout is the virtual time to play for, such as timedelta(days=1), not {timeout!r}.")
    stage = Stage(answers, _events(events), began)
    started = ExecutionStarted(
        occurred_at=began, name=name, instance_id=instance_id, input=None if input is None else to_json(input, "the workflow's input")
    )
    try:
        stage.play(Definition("workflow", name, workflow), started, timeout, most_generations=most_generations)
    finally:
        stage.close()
    one = stage.generations[-1].instance
    called = {call.name for call in stage.calls}
    if one.status.is_terminal and (uncalled := answers.uncalled(called)):
        raise InvalidArgument(_told_uncalled(one, uncalled, called))
    return Outcome(
        instance_id=one.instance_id,
        name=one.name,
        status=one.status,
        output=from_json(one.output),
        failure=one.failure,
        custom_status=one.custom_status,
        history=[event for generation in stage.generations for event in generation.turns.history],
        calls=stage.calls,
        elapsed=stage.now - began,
        instance=one,
        rows=stage.generations[-1].turns.rows,
        unraised=stage.unraised,
    )


def _told_uncalled(one: Instance, uncalled: list[str], called: set[str]) -> str:
    ended = "" if one.failure is None else f" It ended with {one.failure.error_type}: {one.failure.message}."
    return (
        f"Workflow {one.name!r} never called what is mocked: {', '.join(map(repr, uncalled))}. "
        f"It called {', '.join(map(repr, sorted(called))) or 'nothing'}.{ended} "
        f"Mend the name, or say that it need not be called: mocks={{{uncalled[0]!r}: IfCalled(...)}}."
    )


def _patches(patched: Any) -> frozenset[str] | None:
    if patched is None:
        return None
    if patched is False:
        return frozenset()
    if isinstance(patched, str) or not isinstance(patched, Collection):
        raise InvalidArgument(f"patched is a set of patch names, False (no patch) or None (all of them), not {patched!r}.")
    return frozenset(patched)


def _aware(moment: Any) -> datetime:
    if not isinstance(moment, datetime):
        raise InvalidArgument(f"clock is the moment at which the workflow starts, a datetime, not {moment!r}.")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _events(given: Any) -> list[Event]:
    if isinstance(given, Mapping):
        return [_event(item) for item in given.items()]
    if isinstance(given, str | Event) or not isinstance(given, Iterable):
        raise InvalidArgument(f"events is a list of events, such as [Event('approval', data)], not {given!r}.")
    return [_event(event) for event in given]


def _event(given: Event | tuple[Any, ...] | str) -> Event:
    match given:
        case Event():
            event = given
        case str():
            event = Event(given)
        case (str() as name,) | (str() as name, _) | (str() as name, _, timedelta()):
            event = Event(name, *given[1:])
        case _:
            raise InvalidArgument(f"An event is Event(name, data, after=timedelta(...)) or (name, data, after), not {given!r}.")
    to_json(event.data, f"the data of event {event.name!r}")
    return event
