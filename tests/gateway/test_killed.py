"""The gateway as a program of its own, killed under load: what it has acknowledged is there afterwards, and clients go on by themselves."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.waiting import eventually

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
pytestmark = pytest.mark.gateway


class Ports(NamedTuple):
    grpc: int
    http: int

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.http}"


@pytest.fixture
def ports() -> Ports:
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        return Ports(first.getsockname()[1], second.getsockname()[1])


def is_healthy(ports: Ports) -> bool:
    try:
        return httpx.get(f"{ports.address}/v1.0/healthz").status_code == 204
    except httpx.TransportError:
        return False


@contextmanager
def serving(place: Path, ports: Ports) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "wfengine.gateway", "--db", str(place), "--grpc-port", str(ports.grpc), "--http-port", str(ports.http)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as process:
        try:
            eventually(lambda: is_healthy(ports) or process.poll() is not None, 60)
            assert process.poll() is None
            yield process
        finally:
            process.kill()


class Lines:
    """A program, and the lines it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.said: list[str] = []
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def join(self) -> None:
        self._reader.join(timeout=30)

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.said.extend(line.strip() for line in self._process.stdout)


@contextmanager
def program(name: str, ports: Ports) -> Iterator[Lines]:
    environment = {**os.environ, "DAPR_GRPC_PORT": str(ports.grpc), "DAPR_HTTP_PORT": str(ports.http)}
    command = [sys.executable, str(HERE / "programs" / "python" / name)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        lines = Lines(process)
        try:
            yield lines
        finally:
            process.kill()
            lines.join()


def test_what_was_acknowledged_before_a_kill_is_delivered_and_read_after_it(tmp_path: Path, ports: Ports) -> None:
    acknowledged: list[str] = []

    def work(numbers: range) -> None:
        with httpx.Client(base_url=ports.address, timeout=5) as client:
            for number in numbers:
                name = f"order-{number}"
                try:
                    saved = client.post("/v1.0/state/statestore", json=[{"key": name, "value": number}])
                    sent = client.post("/v1.0/publish/pubsub/orders", content=name, headers={"content-type": "text/plain"})
                except httpx.TransportError:
                    continue  # killed under it: nobody has promised anything
                if (saved.status_code, sent.status_code) == (204, 204):
                    acknowledged.append(name)

    with ExitStack() as stack:
        with serving(tmp_path / "lab.duckdb", ports) as gateway:
            taker = stack.enter_context(program("take_stream.py", ports))
            eventually(lambda: "subscribed" in taker.said)
            workers = [threading.Thread(target=work, args=(range(begin, begin + 100),)) for begin in (0, 100, 200)]
            for worker in workers:
                worker.start()
            eventually(lambda: len(acknowledged) >= 20)
            gateway.send_signal(signal.SIGKILL)
            for worker in workers:
                worker.join()
            gateway.wait()
        before = len(acknowledged)
        with serving(tmp_path / "lab.duckdb", ports):
            work(range(300, 305))
            assert len(acknowledged) == before + 5
            eventually(lambda: set(acknowledged) <= set(taker.said), 60)
            found = httpx.post(f"{ports.address}/v1.0/state/statestore/bulk", json={"keys": acknowledged}, timeout=30).json()
    assert [f"order-{one['data']}" for one in found] == acknowledged


def test_a_gateway_that_is_asked_to_stop_ends_well_and_one_that_cannot_start_says_why(tmp_path: Path, ports: Ports) -> None:
    with serving(tmp_path / "lab.duckdb", ports) as gateway:
        command = [
            sys.executable,
            "-m",
            "wfengine.gateway",
            "--db",
            str(tmp_path / "other.duckdb"),
            "--http-port",
            str(ports.http),
            "--grpc-port",
            "0",
        ]
        second = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, timeout=60, check=False)
        assert (second.returncode, second.stderr.splitlines()[-1]) == (
            1,
            f"PortInUse: Port {ports.http} is in use by another program. Pass another http_port, or 0 for any free one, or stop that program.",
        )
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(60) == 0
        assert gateway.stdout is not None
        assert gateway.stdout.read() == f"serving {tmp_path / 'lab.duckdb'}: gRPC 127.0.0.1:{ports.grpc}, HTTP {ports.address}\n"
