"""Run: the handle of one instance. It holds nothing but an id; whatever it tells is asked of the engine."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from wfengine.errors import InstanceNotFound, InvalidArgument, WflabError, WorkflowFailed
from wfengine.model.failure import FailureDetails
from wfengine.model.history import ExecutionStarted, ForkedFrom
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import UNSET, from_json
from wflab.analytics.asking import sentence, spans_now, standing_of, state_of, steps_now
from wflab.analytics.frames import history_frame, steps_frame
from wflab.analytics.sources import source_of
from wflab.analytics.span_frames import events_frame, spans_frame
from wflab.analytics.steps import Step, open_waits
from wflab.analytics.why import FREE
from wflab.display.graph_handle import GraphHandle
from wflab.display.graph_source import GraphSource
from wflab.display.replay_code import Code
from wflab.display.replay_handle import ReplayHandle
from wflab.display.replay_source import ReplaySource
from wflab.display.saga_handle import SagaHandle
from wflab.display.saga_source import SagaSource
from wflab.display.timeline_handle import TimelineHandle
from wflab.display.timeline_source import TimelineSource
from wflab.views.diff import RunDiff

if TYPE_CHECKING:
    from wflab.lab import Lab

_WAKE_SECONDS = 0.25


class Run:
    """One instance: its state, what it waits for, what can be done with it. Display it to watch it live."""

    def __init__(self, lab: "Lab", instance_id: str) -> None:
        self._lab = lab
        self._id = instance_id

    # Its state.

    @property
    def id(self) -> str:
        """The instance id."""
        return self._id

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self._state().name

    @property
    def app_id(self) -> str | None:
        """The app whose workflow it is; None for the lab's own."""
        return self._state().app_id

    @property
    def status(self) -> Status:
        """Where it stands: PENDING, RUNNING, COMPLETED, FAILED, TERMINATED, SUSPENDED or STALLED."""
        return self._state().status

    @property
    def input(self) -> Any:
        """What it was started with."""
        return from_json(self._state().input)

    @property
    def output(self) -> Any:
        """What it returned; None before its end."""
        return from_json(self._state().output)

    @property
    def custom_status(self) -> str | None:
        """What the workflow published with `ctx.set_custom_status`."""
        return self._state().custom_status

    @property
    def failure(self) -> FailureDetails | None:
        """Why it failed, or what stalls it."""
        return self._state().failure

    @property
    def failure_details(self) -> FailureDetails | None:
        """`failure`, by the name that it has in Dapr."""
        return self.failure

    def why(self) -> str:
        """One sentence: what it waits for, since when, and who can wake it."""
        engine = self._lab.engine
        if engine.trouble is not None:  # then the newest history may be unreadable, and the sentence does without it
            return sentence(engine, self._state(), [], FREE)
        state = self._state()
        standing = standing_of(engine, state)
        return sentence(engine, state, steps_now(engine, state, engine.store.history(state.key), standing), standing)

    def source(self) -> str | None:
        """The source of the workflow that it started with, as it was registered; None before its first turn, and where no source was to be had."""
        return source_of(self._lab.engine, self._state().key).text

    def history(self) -> pd.DataFrame:
        """The recorded events, in order, as a DataFrame."""
        return history_frame(self._lab.engine.history(self._id))

    def steps(self) -> pd.DataFrame:
        """One row per activity, child workflow, timer and wait; see `steps_frame` for the columns."""
        _, steps = self._state_and_steps()
        return steps_frame(steps)

    def spans(self) -> pd.DataFrame:
        """One row per attempt, timer, wait, child and band, of the run itself first; see `spans_frame` for the columns."""
        state = self._state()
        standing = standing_of(self._lab.engine, state)
        return spans_frame(spans_now(self._lab.engine, state, self._lab.engine.store.history(state.key), standing))

    def events(self) -> pd.DataFrame:
        """The recorded events with whom and what each is about, without payloads; see `events_frame` for the columns."""
        state = self._state()
        return events_frame(state, self._lab.engine.store.history(state.key))

    def timeline(self, against: "Run | str | None" = None) -> TimelineHandle:
        """The run over time: a row for each call with its attempts, pauses and waits. `against` is a run to compare with, else its version's last 100."""
        other = against.id if isinstance(against, Run) else against
        return TimelineHandle(self._lab.displays, TimelineSource(self._lab.engine, self._state().instance_id, against=other))

    def awaits(self) -> list[str]:
        """The names of the events it waits for just now; none where it has ended."""
        return self._awaited() or []

    def replay(self, step: int | None = None, code: Code = None, *, source: bool = False) -> ReplayHandle:
        """The run step by step, with the variables of its code at each; `step` is where to begin (the end). No activity runs, and the live run is not touched.

        The code is the version that the run started with, from this kernel's memory. `code=fn` replays the history on other code (`"current"`: on what is
        registered now) and shows where the two part; `source=True` runs the source that was recorded, which is done only where you say so.
        """
        lab = self._lab
        found = ReplaySource(
            lab.engine, self._state().instance_id, noting=lab.noting, fork=self._fork, position=step, code=code, source=source
        )
        return ReplayHandle(lab.displays, found)

    def _fork(self, at: int, edit: Mapping[int | str, Any] | None, code: Any) -> str:
        """For the replay's page: the id of a fork at this place in history."""
        return self.fork(at, edit=edit, code=code).id

    def diff(self, other: "Run | str") -> RunDiff:
        """This run (a) and another (b; of any lab, or an id of this one) laid beside each other, step by step; display it, or take `.df()`."""
        b = other if isinstance(other, Run) else self._lab.get(other)
        return RunDiff(*self._state_and_steps(), *b._state_and_steps())  # noqa: SLF001  # it is one of us

    # Waiting for it.

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the end (at most `timeout` seconds) and give the output; Ctrl-C ends the waiting, not the workflow.

        Raises WorkflowFailed where it failed or was terminated, TimeoutError where the time is up.
        """
        return _output(self._lab.engine.wait_for_workflow_completion(self._id, timeout))

    def __await__(self) -> Generator[Any, None, Any]:
        return self._finished().__await__()

    async def _finished(self) -> Any:
        ended = asyncio.wrap_future(self._lab.engine.when_finished(self._id))
        try:
            while not ended.done():  # ipykernel's Ctrl-C cancels a waiting cell, but does not wake its loop to hear of it
                await asyncio.wait({ended}, timeout=_WAKE_SECONDS)
            return _output(ended.result())
        finally:
            ended.cancel()

    # Acting on it. Every act is a row of `audit`.

    def raise_event(self, name: str, data: Any = None) -> None:
        """Deliver an external event; durable when this returns."""
        self._lab.engine.raise_workflow_event(self._id, name, data=data, audit=self._lab.audit(f"raise_event {name}", "run"))

    def approve(self, name: str | None = None, data: Any = True) -> None:  # noqa: FBT002  # it is a payload, not a switch
        """Answer the event it waits for with True (or `data`); `name` says which where it waits for several."""
        self._answer(name, data, "approve")

    def reject(self, name: str | None = None, data: Any = False) -> None:  # noqa: FBT002  # likewise
        """Answer the event it waits for with False (or `data`)."""
        self._answer(name, data, "reject")

    def suspend(self) -> None:
        """Let it rest: what arrives waits, in order, until `resume()`."""
        self._lab.engine.pause_workflow(self._id, audit=self._lab.audit("suspend", "run"))

    def resume(self) -> None:
        """Let it go on."""
        self._lab.engine.resume_workflow(self._id, audit=self._lab.audit("resume", "run"))

    def terminate(self, output: Any = None, *, recursive: bool = True) -> None:
        """End it now, with its children; activities under way are not stopped, their results are ignored."""
        self._lab.engine.terminate_workflow(self._id, output=output, recursive=recursive, audit=self._lab.audit("terminate", "run"))

    def purge(self, *, recursive: bool = True, force: bool = False) -> None:
        """Delete an ended instance with its whole history (and its children's); with `force` whatever its state."""
        self._lab.engine.purge_workflow(self._id, recursive=recursive, force=force, audit=self._lab.audit("purge", "run"))

    def rerun(self, from_event: int, *, input: Any = UNSET, instance_id: str | None = None) -> "Run":
        """A new run that shares the past of this ended one up to the activity, timer or child `from_event` and does that again.

        `from_event` is an `event_id` of `history()`, `input` replaces what the activity or child was given. The source stays as it is.
        """
        new_id = self._lab.engine.rerun_workflow_from_event(
            self._id,
            from_event,
            new_instance_id=instance_id,
            input=input,
            audit=self._lab.audit(f"rerun of {self._id} from event {from_event}", "run"),
        )
        return Run(self._lab, new_id)

    def fork(
        self,
        at: int | None = None,
        *,
        edit: Mapping[int | str, Any] | None = None,
        code: Callable[..., Any] | str | None = None,
        instance_id: str | None = None,
    ) -> "Run":
        """A new run that shares the past of this one, running or ended, up to and including event `at`, and goes on from there.

        `at` is a `sequence` of `history()`; left out it is the last edited event, else everything recorded but the end. What was recorded after it is
        not inherited. Activities and children that are open there run (again), timers wait their whole span; children that had completed keep their
        results. This run stays as it is.

        `edit` says what is to be other: `"input"`, a `sequence`, or the name of one call or external event → the new input, result (an exception
        makes it fail) or payload; an open timer → a timedelta, or None to fire at once. `code` is another function, or the name of a registered
        workflow; without it the newest registered code runs.

        Raises NonDeterminismError where the shared past does not agree with the code, InvalidArgument, PayloadError; then nothing was recorded.
        """
        where = "" if at is None else f" at event {at}"
        new_id = self._lab.engine.fork_workflow(
            self._id, at, edit=edit, code=code, new_instance_id=instance_id, audit=self._lab.audit(f"fork of {self._id}{where}", "run")
        )
        return Run(self._lab, new_id)

    @property
    def forked_from(self) -> ForkedFrom | None:
        """The run whose past this fork or rerun shares (`instance_id`), and the last event that it shares (`at`, a `sequence`); None for any other."""
        started = self._lab.engine.history(self._id)[0].event
        return started.forked_from if isinstance(started, ExecutionStarted) else None

    def _answer(self, name: str | None, data: Any, verb: str) -> None:
        lab = self._lab
        wait = None if lab.engine.trouble is not None else self._wait(name)
        if wait is not None:
            decided = lab.decisions.decide_and_wait(self._id, wait.id, wait.name, data, verb=verb, where="run", key=self._state().key)
            if not decided.won:  # somebody was quicker, which is no mistake
                hint = "" if name is None else f" run.raise_event({name!r}, ...) would send another, kept until the workflow asks again."
                print(f"{decided.reason}.{hint}")  # noqa: T201
            return
        event = self._awaited_event(verb) if name is None else name
        waits = self._awaited()
        lab.engine.raise_workflow_event(self._id, event, data=data, audit=lab.audit(f"{verb} {event}", "run"))
        if waits is not None and event.casefold() not in {wait.casefold() for wait in waits}:
            listed = f" (it waits for {', '.join(waits)})" if waits else ""
            print(f"kept: {self.name} does not wait for {event!r} just now{listed}.")  # noqa: T201  # else a slip of the pen goes unnoticed

    def _wait(self, name: str | None) -> Step | None:
        """The wait that is meant: the oldest open one of this name, or the only one; else the one that was closed last. None where there is none."""
        _, steps = self._state_and_steps()
        asked = [step for step in steps if step.kind == "event" and step.note != "received"]
        meant = [step for step in asked if name is None or step.name.casefold() == name.casefold()]
        still_open = open_waits(meant)
        if len(still_open) == 1 or (still_open and name is not None):
            return still_open[0]
        closed = [] if still_open else [step for step in meant if step.ended_at is not None]
        return max(closed, key=lambda step: step.ended_at or step.created_at, default=None)

    def _awaited(self) -> list[str] | None:
        """The events it waits for; None where it has ended, or the record cannot be read just now."""
        if self._lab.engine.trouble is not None:
            return None
        state, steps = self._state_and_steps()
        return None if state.status.is_terminal else sorted({wait.name for wait in open_waits(steps)})

    def _awaited_event(self, verb: str) -> str:
        state, steps = self._state_and_steps()
        names = sorted({wait.name for wait in open_waits(steps)})
        if len(names) == 1:
            return names[0]
        if state.status.is_terminal:
            raise InvalidArgument(
                f"{state.name} ({self._id}) is {state.status}: it waits for nothing any more, and events for it are discarded."
            )
        if not names:
            raise InvalidArgument(
                f"{state.name} ({self._id}) is {state.status} and waits for no event, so there is nothing to {verb}. "
                f"run.{verb}('event_name') sends the event all the same; it is kept until the workflow asks."
            )
        raise InvalidArgument(f"{state.name} waits for several events: {', '.join(names)}. Say which: run.{verb}({names[0]!r}).")

    def _state(self) -> Instance:
        return state_of(self._lab.engine, self._id)

    def _state_and_steps(self) -> tuple[Instance, list[Step]]:
        state = self._state()
        standing = standing_of(self._lab.engine, state)
        return state, steps_now(self._lab.engine, state, self._lab.engine.store.history(state.key), standing)

    # Showing it.

    def graph(self) -> GraphHandle:
        """The execution graph: one node for each call-site, live while the run goes on; also `.df()` and `.networkx()`."""
        self._state()
        return GraphHandle(self._lab.displays, GraphSource(self._lab.engine, self._id))

    def saga(self) -> SagaHandle:
        """What it did and what it took back: each step beside its undo, live; also `.df()`, `.retry()`, `.skip()`, `.resolve()`."""
        self._state()
        return SagaHandle(self._lab.displays, SagaSource(self._lab.engine, self._lab.undoing, self._id))

    def _ipython_display_(self) -> None:
        try:
            self._lab.displays.show(self._lab.source("run", self._id))
        except WflabError:  # purged, or its lab is closed: its text says so
            print(repr(self))  # noqa: T201  # the cell's output

    def __eq__(self, other: object) -> bool:
        return (self._lab is other._lab and self._id == other._id) if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._id)

    def __repr__(self) -> str:
        try:
            state = self._state()
        except InstanceNotFound:
            return "Run(purged)"
        except WflabError as error:
            return f"Run({self._id}: {error})"
        return f"Run({state.name}, {state.status})"


def _output(ended: Instance) -> Any:
    if ended.status is Status.COMPLETED:
        return from_json(ended.output)
    raise WorkflowFailed(ended.instance_id, ended.name, ended.status, ended.failure)
