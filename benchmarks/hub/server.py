"""A sidecar for benchmarks/gateway.py, until its standard input is closed; it prints the port. `server.py wflab DATABASE` or `server.py durabletask`."""

import socket
import sys
from pathlib import Path

MOST_THREADS = 400


def wflab(path: Path) -> None:
    """Durable: every turn is synced to the disk before its effects are let go."""
    from wfengine.gateway.gateway import Gateway
    from wfengine.gateway.options import Options
    from wfengine.runtime.engine import Engine
    from wfengine.store.store import Store

    with Engine(Store.open(path)) as engine, Gateway(engine, Options(grpc_port=0, http_port=0)) as gateway:
        sidecar = gateway.sidecar()
        assert sidecar is not None
        print(sidecar.app.grpc_port, flush=True)
        sys.stdin.read()


def durabletask() -> None:
    """In memory: nothing outlives the process."""
    from concurrent import futures

    from durabletask.testing import create_test_backend

    # its ten threads would be gone with ten streams, or ten who wait
    pool = futures.ThreadPoolExecutor
    futures.ThreadPoolExecutor = lambda max_workers=None, **more: pool(max_workers=MOST_THREADS, **more)  # type: ignore[assignment,misc]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    create_test_backend(port=port)
    print(port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    wflab(Path(sys.argv[2])) if sys.argv[1] == "wflab" else durabletask()
