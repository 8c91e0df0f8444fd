"""What a live view shows and how it answers its page. One file beside this one for each kind of view."""

from collections.abc import Callable, Collection
from typing import Any, Protocol, runtime_checkable

from wfengine.errors import InvalidArgument
from wflab import protocol


class Source(Protocol):
    """Where a view's pictures come from.

    `picture` and `answer` are called by the publisher's thread, and may take their time; `concerns` on the engine's thread, so it must not.
    """

    @property
    def instance_id(self) -> str | None:
        """The run that the view is about; None where it is about all of them."""

    @property
    def freezes(self) -> bool:
        """Whether the view turns into its static form when that run ends, wherever it is shown."""

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Whether a change of these instances may change the picture."""

    def picture(self) -> Any:
        """What is to be seen now."""

    def answer(self, request: protocol.Request) -> Any:
        """Plain data for a page's question. Raises InvalidArgument where there is no such question."""


@runtime_checkable
class TellsOfChanges(Protocol):
    """A source whose picture also changes by what is no change of an instance."""

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` at each such change, on any thread; call the result to stop that."""


def pause_of(source: Source) -> float | None:
    """How long the publisher shall wait between two pictures, in seconds, where that is longer than usual: the source's own `pause_s`."""
    pause: float | None = getattr(source, "pause_s", None)  # most have none
    return pause


def no_such_question(request: protocol.Request) -> InvalidArgument:
    """For `answer`."""
    return InvalidArgument(f"This view has no answer to {request.what!r}. Reload the page: it may be from another release.")


def reply_of(source: Source, request: protocol.Request) -> protocol.Reply:
    """The source's answer to a page's question, or why there is none.

    A `refresh` needs no more than the picture that follows every message; a source that keeps its last one has a `renew` to let go of it.
    """
    try:
        if request.what == "refresh":
            getattr(source, "renew", lambda: None)()  # most make each picture anew
            return protocol.Reply(id=request.id)
        return protocol.Reply(id=request.id, data=source.answer(request))
    except Exception as error:  # noqa: BLE001  # whatever it is, the page is told and goes on
        return protocol.Reply(id=request.id, error=str(error) or type(error).__name__)
