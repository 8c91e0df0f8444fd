"""What kernel and page say to each other about a whole lab: the sidebar, the status bar, the inspector, a view beside the notebook.

The twin is extension/src/protocol_lab.ts. One comm per page carries them; a page's messages come as `{"method": "custom", "content": ...}`, as
a widget's do.
"""

from typing import Any, Literal

import msgspec

from wflab.protocol.messages import Act, Focus, Notice, SetFocus, ViewName
from wflab.protocol.run import Failure


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the list. `waits_for` is a few words, empty where nothing is known or it has ended."""

    id: str
    name: str
    status: str
    started: float
    ended: float | None = None
    waits_for: str = ""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a run, or a child of one, waits for, in its execution `key`.

    `until` is its deadline, `schema` the JSON Schema of the answer as JSON text; `risk` and `requester` are what its code said of it.
    """

    key: int
    instance_id: str
    workflow: str
    wait_id: str
    event: str
    since: float
    title: str | None = None
    until: float | None = None
    schema: str | None = None
    risk: str | None = None
    requester: str | None = None


class Overview(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="overview"):
    """Kernel to page: the lab as it stands. `now` is its clock and `ticks` whether that runs by itself.

    `runs` are newest first, without the children of others; `counts` says how many of all those stand in each state. `approvals` are
    those with the nearest deadline first. `stuck` counts whatever is STALLED. `trouble` says why the engine does not go on. `palette` is
    that of a ShowPicture.
    """

    lab: str
    now: float
    ticks: bool
    runs: list[RunLine]
    runs_total: int
    counts: dict[str, int]
    approvals: list[Approval]
    approvals_total: int
    stuck: int
    trouble: str | None = None
    palette: dict[str, tuple[str, str, str, str]] = {}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where code stands: a file or a cell's name, and a line in it from 1 on; `text` is that line."""

    file: str | None = None
    line: int | None = None
    text: str = ""


class Focused(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="focused"):
    """Kernel to page: what the lab looks at now, as a title, a state and rows of a name and a value; nothing where `focus` is None."""

    focus: Focus | None
    title: str = ""
    state: str = "UNKNOWN"
    facts: list[tuple[str, str]] = []
    failure: Failure | None = None
    source: Source | None = None


class ShowView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="view"):
    """Kernel to page: the snapshot of the view that was opened under this id, or why there is none."""

    id: str
    snapshot: dict[str, Any] | None = None
    error: str | None = None


class SetTheme(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="set_theme"):
    """Page to kernel: the page's theme, at first and when it changes; figures that are made from then on follow it."""

    theme: Literal["light", "dark"]


class OpenView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="open_view"):
    """Page to kernel: show this view and keep it up to date, in ShowView messages of this id. `instance_id` may be `last`."""

    id: str
    view: ViewName
    instance_id: str | None = None


class CloseView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="close_view"):
    """Page to kernel: nobody looks at that view any more."""

    id: str


class FromView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="from_view"):
    """Page to kernel: what a view that is open under this id says, a message of a view's own (messages.FromPage)."""

    id: str
    message: dict[str, Any]


class ToView(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="to_view"):
    """Kernel to page: what that view is answered, but for pictures."""

    id: str
    message: dict[str, Any]


ToPage = Overview | Focused | ShowView | ToView | Notice
FromPage = Act | SetFocus | SetTheme | OpenView | CloseView | FromView


def as_data(message: ToPage) -> dict[str, Any]:
    """The message as plain data for a comm."""
    data: dict[str, Any] = msgspec.to_builtins(message)
    return data


def read_from_page(data: object) -> FromPage | None:
    """The message of a page; None for what is no message of ours, or of a newer page."""
    try:
        message: FromPage = msgspec.convert(data, type=FromPage)
    except msgspec.ValidationError:
        return None
    return message
