"""A real kernel in a process of its own, for what only shows there: rendered errors, Ctrl-C, restarts, kill -9."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

STOP_AGAIN_SECONDS = 5.0
PATIENCE_SECONDS = 60.0
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Shown:
    """What a cell showed, without colours. `error` is the rendered traceback, `messages` all that came on iopub."""

    status: str = "ok"
    text: str = ""
    printed: str = ""
    complained: str = ""
    error: str = ""
    html: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def mishap(self) -> str:
        """What a person reads of an error, wherever it was shown."""
        return (self.error or self.complained).strip()


class Kernel:
    """One kernel whose working directory is `folder`."""

    def __init__(self, folder: Path) -> None:
        self._manager = KernelManager(kernel_name="python3")
        # the kernel of the same environment, and no start-up files of the person who runs the tests
        self._manager.start_kernel(
            cwd=str(folder),
            env={
                **os.environ,
                "IPYTHONDIR": str(folder / ".ipython"),
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._client: BlockingKernelClient = self._connected()
        self.pid = int(self.run("import os; os.getpid()").text)

    def _connected(self) -> BlockingKernelClient:
        client = self._manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE_SECONDS)
        return client

    def run(self, code: str) -> Shown:
        """Run a cell to its end."""
        return self.finish(self.begin(code))

    def begin(self, code: str) -> str:
        """Start a cell and come back at once with its id."""
        return str(self._client.execute(code, allow_stdin=False))

    def finish(self, request: str) -> Shown:
        """Wait for the end of a cell."""
        shown = Shown()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self._client.get_iopub_msg(timeout=left)
            except Empty:
                break
            if message["parent_header"].get("msg_id") != request:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                shown.status = self._reply(request)["content"]["status"]
                return shown
            _take(shown, message)
        raise TimeoutError(f"the cell did not end; it showed {shown}")

    def said(self, request: str, word: str) -> None:
        """Wait until a running cell has printed `word`."""
        printed = ""
        while word not in printed:
            message = self._client.get_iopub_msg(timeout=PATIENCE_SECONDS)
            if message["parent_header"].get("msg_id") == request and message["msg_type"] == "stream":
                printed += message["content"]["text"]

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of `code`."""
        reply = self._client.complete(code, len(code), reply=True, timeout=PATIENCE_SECONDS)
        return list(reply["content"]["matches"])

    def stop(self, request: str) -> Shown:
        """The Stop button, pressed again every few seconds until the cell ends: one that comes between two bytecodes of ipykernel can be lost."""
        ended = threading.Event()

        def press() -> None:
            os.kill(self.pid, signal.SIGINT)  # what the button does; the manager's own call wants an event loop on this thread
            while not ended.wait(STOP_AGAIN_SECONDS):
                os.kill(self.pid, signal.SIGINT)

        pressing = threading.Thread(target=press, daemon=True)
        pressing.start()
        try:
            return self.finish(request)
        finally:
            ended.set()
            pressing.join()

    def restart(self) -> None:
        """Restart as the menu does: the kernel is asked to go, and killed only if it does not."""
        self._client.stop_channels()
        self._manager.restart_kernel()
        self._client = self._connected()
        self.pid = int(self.run("import os; os.getpid()").text)

    def kill(self) -> None:
        """kill -9, and a new kernel in its place, as the server does it."""
        self._client.stop_channels()
        os.kill(self.pid, signal.SIGKILL)
        self._manager.restart_kernel(now=True)
        self._client = self._connected()
        self.pid = int(self.run("import os; os.getpid()").text)

    def _reply(self, request: str) -> dict[str, Any]:
        while True:
            reply: dict[str, Any] = self._client.get_shell_msg(timeout=PATIENCE_SECONDS)
            if reply["parent_header"].get("msg_id") == request:
                return reply

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _take(shown: Shown, message: dict[str, Any]) -> None:
    shown.messages.append(message)
    kind, content = message["msg_type"], message["content"]
    if kind == "stream":
        text = _COLOURS.sub("", content["text"])
        if content["name"] == "stdout":
            shown.printed += text
        else:
            shown.complained += text
    elif kind == "error":
        shown.error = _COLOURS.sub("", "\n".join(content["traceback"]))
    elif kind in {"execute_result", "display_data"} or (kind == "update_display_data" and _is_of(shown, content)):
        shown.text = content["data"].get("text/plain", shown.text)
        shown.html = content["data"].get("text/html", shown.html)


def _is_of(shown: Shown, update: dict[str, Any]) -> bool:
    """Whether an update is for something that this cell displays: one for an earlier cell's display can arrive while this one runs."""
    displays = [m["content"]["transient"].get("display_id") for m in shown.messages if m["msg_type"] == "display_data"]
    return update["transient"]["display_id"] in displays
