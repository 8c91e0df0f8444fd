"""HTTP connections as uvicorn serves them, but for one thing: a caller that does not get its headers said within a time is shown out."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def impatient(header_seconds: float) -> type[H11Protocol]:
    """The protocol of connections that wait so long for a request's headers."""

    class Impatient(H11Protocol):
        """Shows out who is slow; uvicorn's own timer is only for connections that have been quiet since their last answer."""

        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(exc)

        def _watch(self) -> None:
            if self.conn.their_state is not h11.IDLE:
                self._unwatch()
            elif self._timer is None:
                self._timer = self.loop.call_later(header_seconds, self._show_out)

        def _unwatch(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _show_out(self) -> None:
            self._timer = None
            if not self.transport.is_closing():
                self.transport.close()

    return Impatient
