"""The run's live display: an anywidget that shows a picture and passes clicks on. It takes plain data and never knows a Lab.

Threads: `show` and `tell` are called by the publisher's thread only. `on_act` is called by whichever thread a click arrives on (the
kernel's main thread, a subshell's, or the shell channel's) and must only enqueue.
"""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import msgspec
import traitlets

from wflab import protocol
from wflab.views.card import static_bundle
from wflab.views.palette import Theme

BUNDLE = Path(__file__).parent.parent / "static" / "widget.js"
_REMEMBERED_TOKENS = 256
_log = logging.getLogger(__name__)


class RunView(anywidget.AnyWidget):
    """Shows one run. A click comes out of `on_act` exactly once, although it may arrive twice; `theme` is the page's, once one is ready."""

    _esm = traitlets.Unicode().tag(sync=True)
    message = traitlets.Dict().tag(sync=True)

    def __init__(self, picture: protocol.Picture, on_act: Callable[[protocol.Act], None]) -> None:
        self.picture = picture
        self.theme: Theme = "light"
        self._on_act = on_act
        self._sequence = 1
        self._tokens: dict[str, object] = {}
        super().__init__(_esm=bundle_text(), message=_shown(1, picture))
        self.on_msg(self._hear)
        listen_everywhere(self.comm, self._receive)

    def show(self, picture: protocol.Picture) -> bool:
        """Draw a new picture; whether it differed from the one shown, but for its clock."""
        if _same(picture, self.picture):
            return False
        self.picture = picture
        self._sequence += 1
        self.message = _shown(self._sequence, picture)
        return True

    def tell(self, notice: protocol.Notice) -> None:
        """Say what became of a click."""
        self.send(protocol.as_data(notice))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        live = super()._repr_mimebundle_(**kwargs)
        data, metadata = live or ({}, {})
        return {**data, **static_bundle(self.picture)}, metadata

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        self._receive(content)

    def _receive(self, content: object) -> None:
        match protocol.read_from_page(content):
            case protocol.Act() as act if self._is_new(act.token):
                self._on_act(act)
            case protocol.Ready(theme=theme):
                self.theme = theme
            case _:  # a repetition, or a newer page's message
                pass

    def _is_new(self, token: str) -> bool:
        """Whether this click was not heard before; two threads may ask at once, and one of them is told so."""
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
def bundle_text() -> str:
    """The widget's JavaScript; says how to build it where it is missing."""
    try:
        return BUNDLE.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"The views' JavaScript {BUNDLE} is missing: this is a checkout in which it was not built yet. "
            "Run `make lab` once, or: cd extension && npm ci && npm run build."
        ) from None


def _shown(sequence: int, picture: protocol.Picture) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=picture))


def _same(picture: protocol.Picture, other: protocol.Picture) -> bool:
    """Whether a page would show the same. Where the clock runs by itself, the page's own goes on too."""
    return picture == (msgspec.structs.replace(other, now=picture.now) if picture.ticks or picture.is_over else other)
