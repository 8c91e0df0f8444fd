"""The still form of a live view, where that one is not to be seen.

As an output of its own (`wf.options.display.mode = "both"`) for notebooks opened where our extension is not; and in its place until a page has said
that the extension is there.
"""

from typing import Any

from wflab import protocol
from wflab.views.bundles import MIME, bundle_of
from wflab.views.publisher import DisplayHandle

_NOTHING = {"text/plain": ""}


class Early:
    """The place of a still form that a live view is to take. To the publisher it is a view that nobody sees."""

    is_seen = False

    def __init__(self, handle: DisplayHandle) -> None:
        self.handle = handle

    def show(self, _: Any) -> bool:
        """Nothing: what stands there is no picture of this one's."""
        return False

    def part(self) -> None:
        """It stays as it is."""

    def tell(self, message: protocol.Notice | protocol.Reply | protocol.FocusMoved) -> None:
        """Nobody is there to hear it."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}


class Still:
    """Follows the live view at the publisher's slow pace, and empties itself once the still form takes that one's own place.

    To the publisher it is both a view and the place where it is shown; its thread calls everything here.
    """

    def __init__(self, handle: DisplayHandle) -> None:
        self._handle = handle

    @property
    def is_seen(self) -> bool:
        """Always: what counts is what a notebook holds when it is saved."""
        return True

    def show(self, picture: Any) -> bool:
        """Put this picture in place of the last."""
        self._handle.update(still_of(picture), raw=True)
        return False

    def part(self) -> None:
        """A still picture stays as it is."""

    def tell(self, message: protocol.Notice | protocol.Reply | protocol.FocusMoved) -> None:
        """A still picture hears nothing."""

    def update(self, _: dict[str, Any], /, *, raw: bool, metadata: dict[str, Any] | None = None) -> None:
        """The view's own output is about to hold the still form: this one is not needed any more."""
        self._handle.update(_NOTHING, raw=raw, metadata=metadata)

    def close(self) -> None:
        """There is nothing to let go of."""

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {}, {}


def still_of(picture: Any) -> dict[str, Any]:
    """HTML and text; without the snapshot, which only the extension draws."""
    return {kind: shown for kind, shown in bundle_of(picture).items() if kind != MIME}
