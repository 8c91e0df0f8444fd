"""What kernel and page say to each other about a view, whatever the view shows. The twin is extension/src/protocol/messages.ts."""

from typing import Any, Literal

import msgspec

ViewName = Literal["run", "graph", "timeline", "replay", "saga", "inbox", "dashboard", "recipes", "api_log"]


class Focus(msgspec.Struct, frozen=True, kw_only=True):
    """The one thing that all views of a lab look at: a run, and in it a group of calls, a call (`span_id`) or one attempt of it."""

    instance_id: str
    group: str | None = None
    span_id: str | None = None
    attempt: int | None = None


class ShowPicture(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="picture", omit_defaults=True):
    """Kernel to page: draw this. `seq` grows by one with each picture of a view.

    `palette` holds the states that have other colours than ours: light, what is readable on it, dark, what is readable on that. `is_closed`: the lab
    behind it was closed, and this was the last.
    """

    seq: int
    picture: msgspec.Struct
    palette: dict[str, tuple[str, str, str, str]] = {}
    is_closed: bool = False


class ShowChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="change"):
    """Kernel to page: the picture that comes after the one with the number `since`, without its spans; `delta` makes those of the ones that are there."""

    since: int
    seq: int
    picture: msgspec.Struct
    delta: msgspec.Struct


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="notice"):
    """Kernel to page: what became of the act with this token, where the picture will not show it."""

    text: str
    token: str | None = None
    level: Literal["info", "error"] = "info"


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reply"):
    """Kernel to page: the answer to the request of this id, or why there is none."""

    id: str
    data: Any = None
    error: str | None = None


class FocusMoved(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="focus"):
    """Kernel to page: what the lab looks at now."""

    focus: Focus | None


class Act(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="act"):
    """Page to kernel: do this. It may arrive twice; `token` tells the second time from another click.

    `instance_id` is None for the view's own run, `key` is the execution that was looked at. `verb` says how a person answered, `comment` what they
    added.
    """

    act: Literal["raise"]
    token: str
    wait_id: str
    event: str
    data: Any = None
    instance_id: str | None = None
    verb: Literal["approve", "reject", "respond", "edit"] | None = None
    comment: str | None = None
    key: int | None = None


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ready"):
    """Page to kernel: a page draws this view, in this theme. `page` tells several pages apart."""

    theme: Literal["light", "dark"]
    page: str = ""


class Sight(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="sight"):
    """Page to kernel: whether anybody can see the view in this page. While nobody can anywhere, nothing is sent."""

    page: str
    is_seen: bool


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="request"):
    """Page to kernel: a question that only the kernel can answer, with a Reply of the same id."""

    id: str
    what: str
    arguments: dict[str, Any] = {}


class SetFocus(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="set_focus"):
    """Page to kernel: a person turned to this."""

    focus: Focus | None


class Switch(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="switch"):
    """Page to kernel: show another view in this one's place: of the same run, or of the run `instance_id`."""

    view: ViewName
    instance_id: str | None = None


ToPage = ShowPicture | ShowChange | Notice | Reply | FocusMoved
FromPage = Act | Ready | Sight | Request | SetFocus | Switch


def as_data(message: ToPage) -> dict[str, Any]:
    """The message as plain data for a comm; bytes stay bytes."""
    data: dict[str, Any] = msgspec.to_builtins(message, builtin_types=(bytes,))
    return data


def read_from_page(data: object) -> FromPage | None:
    """The message of a page; None for what is no message of ours, or of a newer page."""
    try:
        message: FromPage = msgspec.convert(data, type=FromPage)
    except msgspec.ValidationError:
        return None
    return message
