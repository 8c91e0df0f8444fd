"""What the replay shows: a run's steps, with the variables of its code at each. The twin is extension/src/protocol/replay.ts.

Step k is the k-th time the workflow's code went on and ran to where it waits next; steps count from 1. Values of variables are shared: a detail names
their places in the `values` that come with it, each `[text]` or `[text, [[name, value], ...]]`. Lines count from 1 within a source.
"""

from typing import Any, Literal

import msgspec

from wflab.protocol.head import RunHead

Change = Literal["added", "changed", "removed", "same"]


class SourceText(msgspec.Struct, frozen=True, kw_only=True):
    """A function's text. `first` is the number of its first line where it was written; `hits` pairs of line and how often it ran."""

    name: str
    text: str
    first: int
    hits: list[tuple[int, int]]


class Variable(msgspec.Struct, frozen=True, array_like=True):
    """`value` and `old` are places in `values`; -1 for none."""

    name: str
    change: Change
    value: int
    old: int = -1


class FrameView(msgspec.Struct, frozen=True, kw_only=True):
    """A function that waits. `source` is a place in the picture's sources; None where its text is not known."""

    name: str
    source: int | None
    line: int
    variables: list[Variable]


class StepCall(msgspec.Struct, frozen=True, array_like=True):
    """The call whose end a step took up, as `Focus` names it: `span_id` the call's, `group` its call-site; `attempt` is None for what has no attempts."""

    span_id: str
    group: str
    attempt: int | None


class StepNote(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote about a step: `seq` is the event that the step took up, `line` and `event` are the step's own. `at` in milliseconds."""

    id: str
    step: int
    seq: int
    line: int | None
    event: str
    text: str
    who: str
    at: float


class TakenLine(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the step took up. `payload`: it has a result or data that a fork may replace."""

    seq: int
    type: str
    text: str
    payload: bool = False


class AskedLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the code asked for, and on which line of the workflow."""

    text: str
    line: int | None = None


class OpenLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was under way after the step. Times in milliseconds."""

    kind: str
    name: str
    attempt: int
    since: float
    until: float | None = None


class HeardLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the code printed or logged when it ran first."""

    level: str
    text: str


class StepDetail(msgspec.Struct, frozen=True, kw_only=True):
    """All about a step. `line` is where the workflow's function went on, `waits` where it waits now, `lines` what ran, as (source, line).

    `at` is when its event was recorded, `clock` what the workflow's own clock said; `changed` names variables. `call` is None for the start and the like.
    """

    number: int
    seq: int
    turn: int
    event: str
    outcome: str
    at: float
    clock: float
    line: int | None
    waits: int | None
    lines: list[tuple[int, int]]
    changed: list[str]
    frames: list[FrameView]
    call: StepCall | None
    taken: list[TakenLine]
    asked: list[AskedLine]
    open: list[OpenLine]
    open_total: int
    heard: list[HeardLine]
    is_replaying: bool
    code_ran: bool
    ends: bool


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Steps, and the values that they name. The answer to `steps`."""

    steps: list[StepDetail]
    values: list[Any]


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """Where history and the code given part. `step` is the one in which the code asked; `seq` the event at issue, `event_id` the action's number (-1: none).

    `expected` is what history has, `produced` what the code asks for, `line` where within its source with the text of that line; `edit` are the lines
    of the difference between the two sources around it; `recipe` is code that would keep old runs going.
    """

    step: int
    seq: int
    event_id: int
    expected: str
    produced: str
    line: int | None
    source_line: str
    cause: str
    edit: str
    recipe: str
    message: str


class ReplayPicture(RunHead, frozen=True, kw_only=True):
    """A run, step by step. `level`: whether code was run for it (`code`), or only events are known (`events`).

    `outcomes`, `sizes` and `marks` have one letter per step: what it took up (S C F T E R as in `views.replay_picture`, X where the code disagrees), how long
    it was waited for (0-9), and R for a retry, E for an event, N for the end of a generation. `banners` say in words what is special; `diff` is how the code was edited
    since. `hints` tells what the page may ask of the kernel.
    """

    view: Literal["replay"] = "replay"
    why: str
    level: Literal["code", "events"]
    is_reading: bool
    position: int
    label: str
    banners: list[str]
    diff: str
    sources: list[SourceText]
    steps_total: int
    outcomes: str
    sizes: str
    marks: str
    failures: list[int]
    details: Details
    divergence: Divergence | None
    notes: list[StepNote]
    left_out: list[str]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of the chain that says where a value came from."""

    text: str
    step: int | None = None
    line: int | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `explain`."""

    chain: list[Link]


class StepHits(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `hits`: the steps at which a breakpoint holds."""

    steps: list[int]


class StepFound(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `step_of`: the step that took up the end of a call, None where there is none."""

    step: int | None


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `note` and `remove_note`: the notes that stand now."""

    notes: list[StepNote]


class ForkPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `fork_plan`: what a fork would take over as it is recorded, and what will be done again. `payload` is the result that may be edited, as JSON text."""

    at: int
    reused: list[str]
    reused_total: int
    again: list[str]
    again_total: int
    edits: str | None
    payload: str | None


class Forked(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `fork`."""

    instance_id: str


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `export_test`: the file that was written."""

    path: str
