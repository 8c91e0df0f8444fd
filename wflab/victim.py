"""`%%victim`: run a cell in a child kernel that may be killed, to see that nothing is lost.

The child is a real IPython kernel of its own; it dies of a real SIGKILL. The next cell gets a new one.
"""

import subprocess
from collections.abc import Callable
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from wfengine.errors import CallerError

_START_SECONDS = 60.0
_POLL_MS = 200


class VictimDied(CallerError):
    """The child kernel died while it ran the cell (unasked for)."""


class Victim:
    """At most one child kernel. Used from the main thread of the notebook's kernel."""

    def __init__(self) -> None:
        self._manager: KernelManager | None = None
        self._client: BlockingKernelClient | None = None

    @property
    def is_alive(self) -> bool:
        """Whether there is a child kernel."""
        return self._manager is not None and bool(self._manager.is_alive())

    def run(self, code: str, show: Callable[[str, dict[str, Any]], None]) -> bool:
        """Run `code` in the child (a new one if there is none), passing its outputs to `show(type, content)`.

        Gives False where the cell killed its own kernel. Ctrl-C interrupts the child.
        """
        client = self._ready()
        request = client.execute(code, allow_stdin=False, stop_on_error=False)  # else the cell after a failed one may be dropped
        while True:
            try:
                return self._relay(client, request, show)
            except KeyboardInterrupt:  # wherever it struck us, it is meant for the child
                if self._manager is not None:
                    self._manager.interrupt_kernel()

    def _relay(self, client: BlockingKernelClient, request: str, show: Callable[[str, dict[str, Any]], None]) -> bool:
        """Pass on what the child says until it is idle; False where it died.

        Reads the channels themselves: the client's own `get_iopub_msg` would go on reading on another thread after a Ctrl-C.
        """
        channel = client.iopub_channel
        while True:
            if channel.socket is None or not channel.socket.poll(_POLL_MS):
                if _has_replied(client, request):  # its last word was lost to a Ctrl-C
                    return True
                if self.is_alive:
                    continue
                self._forget()
                return False
            message = channel.get_msg(timeout=0)
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                return True
            if kind in {"stream", "error", "display_data", "execute_result"}:
                show(kind, content)

    def kill(self) -> bool:
        """Send it SIGKILL; False where there is none."""
        if not self.is_alive or self._manager is None:
            return False
        self._manager.shutdown_kernel(now=True)
        self._forget()
        return True

    def close(self) -> None:
        """Let go of the child, if there is one."""
        self.kill()

    def _ready(self) -> BlockingKernelClient:
        if self._client is not None and self.is_alive:
            return self._client
        self._forget()
        manager = KernelManager(kernel_name="python3")
        # Its own complaints on stderr (an unencrypted loopback connection) are no output of the cell.
        manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=_START_SECONDS)
        self._manager, self._client = manager, client
        return client

    def _forget(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        if self._manager is not None:
            self._manager.cleanup_resources()
        self._manager = self._client = None


def _has_replied(client: BlockingKernelClient, request: str) -> bool:
    while client.shell_channel.msg_ready():
        if client.shell_channel.get_msg(timeout=0)["parent_header"].get("msg_id") == request:
            return True
    return False
