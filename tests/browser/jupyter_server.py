"""A real JupyterLab on loopback, offline, in a folder of its own, and a small driver for it in Chromium."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import nbformat
from playwright.sync_api import BrowserContext, Locator, Page, Request

PATIENCE_S = 60.0


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait until `condition()` is true; fail with `what` otherwise."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
    return found


class JupyterServer:
    """`with JupyterServer(folder) as server:` - a JupyterLab that serves `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.token = secrets.token_hex(16)
        self.port = _free_port()
        self._log = (folder / "jupyter.log").open("wb")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        private = self.folder / ".jupyter"
        settings = private / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
        command = [
            *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={self.port}", "--ip=127.0.0.1"),
            *(f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={self.folder}", "--LabApp.expose_app_in_browser=True"),
            *("--ServerApp.allow_remote_access=False", "--LabApp.news_url=", "--LabApp.extension_manager=readonly"),
        ]
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(private), "JUPYTERLAB_SETTINGS_DIR": str(private / "lab" / "user-settings")}
        environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"), "JUPYTER_RUNTIME_DIR": str(private / "runtime")}
        environment |= {"IPYTHONDIR": str(private / "ipython")}
        self._process = subprocess.Popen(command, env=environment, stdout=self._log, stderr=subprocess.STDOUT, start_new_session=True)
        until(self._answers, f"JupyterLab starts; see {self._log.name}")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()

    def kernels(self) -> list[dict[str, Any]]:
        """The kernels that run, as the server tells."""
        found: list[dict[str, Any]] = json.loads(self._ask("/api/kernels"))
        return found

    def shut_down_kernels(self) -> None:
        """End all of them."""
        for kernel in self.kernels():
            with suppress(urllib.error.HTTPError):  # it has just ended
                self._ask(f"/api/kernels/{kernel['id']}", "DELETE")
        until(lambda: not self.kernels(), "the kernels have ended")

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook of these code cells."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.folder / name
        nbformat.write(notebook, path)
        return path

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise AssertionError(f"JupyterLab ended: {(self.folder / 'jupyter.log').read_text()[-2000:]}")
        try:
            return bool(self._ask("/api/status"))
        except (urllib.error.URLError, ConnectionError):
            return False

    def _ask(self, path: str, method: str = "GET") -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}{path}", headers=headers, method=method)  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310  # loopback
            content: bytes = answer.read()
        return content


SLOW_MODEL = "[anywidget] Failed to initialize model."
"""anywidget's complaint of a model that took more than two seconds to begin, as on a busy machine. Its view comes and hears all the same, see test_run_display.py."""

LAST_WORD = "Kernel message validation error"
"""JupyterLab's complaint of a message that a kernel did not send whole, as may happen to the last ones of one that ends."""


class NotebookPage:
    """One notebook open in a page of a browser's window. Requests that leave the machine are kept, and so are the page's errors."""

    def __init__(self, window: BrowserContext, server: JupyterServer, name: str, *, theme: str = "light", width: int = 1400) -> None:
        self.errors: list[str] = []
        self._is_kernel_ending = False
        self.external: list[str] = []
        self._server = server
        self.page: Page = window.new_page()
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        self.page.on("pageerror", lambda error: self._keep(str(error)))
        self.page.on("request", self._note)  # which lets the browser cache what it gets, as `route` does not
        self.page.goto(f"{server.url}/lab/workspaces/{secrets.token_hex(4)}/tree/{name}?token={server.token}")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE_S * 1000)
        self.page.wait_for_function("window.jupyterapp !== undefined")
        self.show_theme(theme)
        self.wait_for_kernel()

    def _keep(self, error: str) -> None:
        if SLOW_MODEL not in error and not (self._is_kernel_ending and LAST_WORD in error):
            self.errors.append(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the page, and forget what JupyterLab has stored in the browser."""
        if not self.page.is_closed():
            self.page.evaluate("() => window.localStorage.clear()")
            self.page.close()

    def dismiss_restart_note(self) -> None:
        """A killed kernel is restarted by the server; say yes to what the Lab tells of it, if it does."""
        self.page.wait_for_function(
            "() => ['restarting', 'autorestarting', 'starting'].includes(window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status)"
            " || document.querySelector('.jp-Dialog') !== null",
            timeout=PATIENCE_S * 1000,
        )
        dialog = self.page.locator(".jp-Dialog .jp-mod-accept")
        if dialog.count():
            dialog.first.click()

    def shut_down_kernel(self) -> None:
        """End the notebook's session."""
        self._is_kernel_ending = True
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def command(self, name: str, **arguments: Any) -> None:
        """Carry out one of JupyterLab's commands."""
        self.page.evaluate("([name, args]) => window.jupyterapp.commands.execute(name, args).then(() => null)", [name, arguments])

    def start_command(self, name: str) -> None:
        """Begin one of JupyterLab's commands without waiting for its end."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def show_theme(self, theme: str) -> None:
        """Change to JupyterLab's light or dark theme. The server remembers it, so every page says which it wants."""
        self.command("apputils:change-theme", theme=f"JupyterLab {theme.title()}")
        light = "true" if theme == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")

    def wait_for_kernel(self) -> None:
        """Wait until the kernel of the notebook is idle."""
        self.page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", timeout=PATIENCE_S * 1000
        )

    def run_all(self, seconds: float = 120) -> None:
        """Run every cell and wait for the last."""
        self.page.set_default_timeout(seconds * 1000)
        self.command("notebook:run-all-cells")

    def select(self, index: int) -> None:
        """Make a cell the active one."""
        self.page.evaluate("index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index)

    def run(self, index: int) -> None:
        """Run one cell and wait for its end."""
        self.select(index)
        self.command("notebook:run-cell")

    def start(self, index: int) -> None:
        """Run one cell without waiting for its end."""
        self.select(index)
        self.start_command("notebook:run-cell")

    def cell(self, index: int) -> Locator:
        """A cell."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def output(self, index: int) -> str:
        """What a cell's outputs say."""
        return self.cell(index).locator(".jp-Cell-outputArea").inner_text()

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save")

    def _note(self, request: Request) -> None:
        if not request.url.startswith((self._server.url, self._server.url.replace("http", "ws", 1), "data:", "blob:")):
            self.external.append(request.url)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
