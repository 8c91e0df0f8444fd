"""A sidecar for benchmarks/gateway.py, until its standard input is closed; it prints the port. `server.py wflab DATABASE` or `server.py durabletask`.

Each side is imported where it is wanted: the environment of the one has not the other.
"""

import importlib
import socket
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

MOST_THREADS = 400


def wflab(path: Path) -> None:
    """Durable: every turn is synced to the disk before its effects are let go."""
    gateway: Any = importlib.import_module("wfengine.gateway.gateway")
    options: Any = importlib.import_module("wfengine.gateway.options")
    engine: Any = importlib.import_module("wfengine.runtime.engine")
    store: Any = importlib.import_module("wfengine.store.store")
    with engine.Engine(store.Store.open(path)) as running, gateway.Gateway(running, options.Options(grpc_port=0, http_port=0)) as opened:
        print(opened.sidecar().app.grpc_port, flush=True)
        sys.stdin.read()


class _Many(futures.ThreadPoolExecutor):
    """As many threads as there are streams and people who wait: the ten of durabletask's backend would be gone at once."""

    def __init__(self, **_: Any) -> None:
        super().__init__(max_workers=MOST_THREADS)


def durabletask() -> None:
    """In memory: nothing outlives the process."""
    testing: Any = importlib.import_module("durabletask.testing")
    futures.ThreadPoolExecutor = _Many  # type: ignore[assignment,misc]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    testing.create_test_backend(port=port)
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    wflab(Path(sys.argv[2])) if sys.argv[1] == "wflab" else durabletask()
