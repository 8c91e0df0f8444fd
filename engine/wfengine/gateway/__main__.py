"""A sidecar without a notebook: `python -m wfengine.gateway --db lab.duckdb --grpc-port 50001 --http-port 3500`, until Ctrl-C or SIGTERM.

What callers have to show is read from the environment (DAPR_API_TOKEN): other users of a machine can read a command line.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from wfengine.errors import WflabError
from wfengine.gateway.components import USUAL, read_resources
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import GRPC_PORT, HTTP_PORT, Options
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; 0 when it was asked to stop, 1 with one line on stderr when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m wfengine.gateway", description="Serve a lab's file as a Dapr sidecar.")
    parser.add_argument("--db", default="wflab.duckdb", help="the lab's file (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="another address needs DAPR_API_TOKEN (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, default=GRPC_PORT, help="0 is any free one (default: %(default)s)")
    parser.add_argument("--http-port", type=int, default=HTTP_PORT, help="0 is any free one (default: %(default)s)")
    parser.add_argument(
        "--resources-path", action="append", help="Dapr's YAML of components, subscriptions and resiliency; may be repeated"
    )
    asked = parser.parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    token = os.environ.get("DAPR_API_TOKEN") or None
    try:
        options = Options(host=asked.host, grpc_port=asked.grpc_port, http_port=asked.http_port, api_token=token)
        resources = read_resources(asked.resources_path) if asked.resources_path else USUAL
        for note in resources.notes:
            print(note, file=sys.stderr)  # noqa: T201  # a command's word
        with Engine(Store.open(asked.db, holder="a gateway")) as engine, Gateway(engine, options, resources=resources) as gateway:
            (own,) = gateway.sidecars()
            print(f"serving {asked.db}: gRPC {own.grpc_address}, HTTP {own.http_address}", flush=True)  # noqa: T201  # a command's word
            stop.wait()
    except WflabError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201  # likewise
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
