"""A live view: an anywidget that shows pictures and passes on what a page says. It takes plain data and never knows a Lab.

Threads: `show`, `tell`, `part` and `close` are called by the publisher's thread only. `hear` is called by whichever thread a message arrives on (the
kernel's main thread, a subshell's, or the shell channel's) and must only enqueue.
"""

import logging
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets

from wflab import protocol
from wflab.views.bundles import bundle_of
from wflab.views.changes import change_between
from wflab.views.palette import PALETTE, Theme

BUNDLES = Path(__file__).parent.parent / "static"
_REMEMBERED_TOKENS = 256
_log = logging.getLogger(__name__)


class ViewWidget(anywidget.AnyWidget):
    """Shows one picture after another. A message comes out of `hear` exactly once, although it may arrive twice; `theme` is the page's, once one is ready."""

    _esm = traitlets.Unicode().tag(sync=True)
    own_id = traitlets.Unicode().tag(sync=True)  # by which the page finds its model
    message = traitlets.Dict().tag(sync=True)

    def __init__(self, picture: Any, hear: Callable[[protocol.FromPage], None]) -> None:
        self.picture: Any = picture
        self.theme: Theme = "light"
        self._hear_out = hear
        self._sequence = 1
        self._is_told_in_parts = False
        self._is_whole_wanted = False
        self._tokens: dict[str, object] = {}
        self._sights: dict[str, bool] = {}
        own_id = uuid.uuid4().hex
        super().__init__(_esm=bundle_text(picture.view), message=_shown(1, picture), own_id=own_id, model_id=own_id)
        self.on_msg(self._hear)
        listen_everywhere(self.comm, self._receive)

    @property
    def is_seen(self) -> bool:
        """Whether anybody may be looking; true until every page has said that nobody is."""
        return not self._sights or any(list(self._sights.values()))

    def show(self, picture: Any) -> bool:
        """Draw a new picture; whether it differed from the one shown, but for its clock."""
        is_new = not _same(picture, self.picture)
        if not is_new and not self._is_whole_wanted:
            return False
        change = None if self._is_whole_wanted else change_between(self.picture, picture)
        self.picture = picture
        self._sequence += 1
        self._is_told_in_parts, self._is_whole_wanted = change is not None, False
        self.message = _shown(self._sequence, picture)
        if change is not None:
            part, delta = change
            self.tell(protocol.ShowChange(since=self._sequence - 1, seq=self._sequence, picture=part, delta=delta))
        return is_new

    def repaint(self) -> None:
        """Have the next picture shown in the palette of now, even if it is the same. Any thread may call it."""
        self._is_whole_wanted = True

    def part(self) -> None:
        """The lab is closed: what is shown stays as it is, for pages to come, too, and nothing on it ticks or can be pressed."""
        self._sequence += 1
        self._is_told_in_parts = False
        self.message = _shown(self._sequence, self.picture, is_closed=True)

    def tell(self, message: protocol.ShowChange | protocol.Notice | protocol.Reply | protocol.FocusMoved) -> None:
        """Say something beside the picture. Such a message is JSON: bytes in it are base64, unlike in the picture."""
        self.send(msgspec.to_builtins(message))

    def _should_send_property(self, key: str, value: Any) -> bool:
        """The state holds the whole picture, for pages to come; a page that is there needs no more than the change."""
        is_quiet = key == "message" and self._is_told_in_parts
        return not is_quiet and bool(super()._should_send_property(key, value))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)
        data, metadata = live or ({}, {})
        return {**data, **bundle_of(self.picture)}, metadata

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        self._receive(content)

    def _receive(self, content: object) -> None:
        match protocol.read_from_page(content):
            case (protocol.Act(token=token) | protocol.Request(id=token)) as message if self._is_new(token):
                if isinstance(message, protocol.Request) and message.what == "refresh":  # it missed something
                    self._is_whole_wanted = self._is_told_in_parts
                self._hear_out(message)
            case protocol.Ready(theme=theme, page=page) as message:
                self.theme = theme
                self._sights[page] = True
                self._is_whole_wanted = self._sequence > 1  # it may have begun to hear only now
                self._hear_out(message)
            case protocol.Sight(page=page, is_seen=is_seen) as message:
                self._sights[page] = is_seen
                self._hear_out(message)
            case (protocol.SetFocus() | protocol.Switch()) as message:
                self._hear_out(message)
            case _:  # a repetition, or a newer page's message
                pass

    def _is_new(self, token: str) -> bool:
        """Whether this message was not heard before; two threads may ask at once, and one of them is told so."""
        if len(self._tokens) > _REMEMBERED_TOKENS:
            self._tokens.pop(next(iter(self._tokens)), None)
        mine = object()
        return self._tokens.setdefault(token, mine) is mine  # one step of the interpreter: needs no lock


def listen_everywhere(comm: Any, receive: Callable[[object], None]) -> None:
    """Hear a comm's custom messages while a cell blocks the main thread.

    ipykernel 7.4 asks `_reply_subshell_for` where each message goes, in the thread of the shell channel, and would answer: to the shell
    that published last, which is the blocked one. This answers: where the page asked; and has the message received on the spot, for front
    ends that ask for nothing. The message comes once more by the normal way. Older kernels have no such hook and need none.
    """
    if not hasattr(comm, "_reply_subshell_for"):
        return

    def route(data: object, default: str | None) -> str | None:
        if isinstance(data, dict) and data.get("method") == "custom":
            try:
                receive(data.get("content"))
            except Exception:  # noqa: BLE001  # raised here it would end the kernel's channel; the normal way brings the message, and the error, again
                _log.exception("a click could not be passed on")
        return default

    comm._reply_subshell_for = route  # noqa: SLF001  # there is no public way; tests/lab/views asks whether this one still works


@cache
def bundle_text(view: str) -> str:
    """A view's JavaScript; says how to build it where it is missing."""
    path = BUNDLES / f"{view}.js"
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The view's JavaScript {path} is missing: this is a checkout in which it was not built yet. "
            "Run `make lab` once, or: cd extension && npm ci && npm run build."
        ) from None


def _shown(sequence: int, picture: Any, *, is_closed: bool = False) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=picture, palette=dict(PALETTE.changed), is_closed=is_closed))


def _same(picture: Any, other: Any) -> bool:
    """Whether a page would show the same. Where the clock runs by itself, the page's own goes on too."""
    if type(picture) is not type(other):
        return False
    return bool(picture == (msgspec.structs.replace(other, now=picture.now) if picture.ticks or picture.is_over else other))
