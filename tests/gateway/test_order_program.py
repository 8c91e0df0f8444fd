"""An order program in Dapr's own style, unchanged: two services, state, pub/sub both ways, invocation, a workflow with approval and compensation.

`wflab run -f` starts it, it runs to its end, and the API log shows each call.
"""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import wflab as wf
from tests.gateway.running import free_ports
from tests.waiting import eventually

pytestmark = [pytest.mark.gateway, pytest.mark.timeout(600)]
PROGRAM = Path(__file__).parent / "programs" / "order"
ORDERS: dict[str, tuple[dict[str, Any], str]] = {
    "small": ({"total": 20, "quantity": 1, "card": "good"}, "completed"),
    "large": ({"total": 5_000, "quantity": 2, "card": "good"}, "completed"),
    "too-large": ({"total": 90_000, "quantity": 3, "card": "good"}, "not approved"),
    "stolen": ({"total": 30, "quantity": 4, "card": "stolen"}, "payment refused"),
    "many": ({"total": 40, "quantity": 99, "card": "good"}, "out of stock"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The program, with this Python and on ports that are free."""
    copy = tmp_path / "order"
    shutil.copytree(PROGRAM, copy)
    run_file = copy / "dapr.yaml"
    text = run_file.read_text("utf-8").replace("python3", sys.executable)
    for port, free in zip(("6101", "6102"), free_ports(2), strict=True):
        text = text.replace(port, str(free))
    run_file.write_text(text, "utf-8")
    return copy


@contextmanager
def running(folder: Path) -> Iterator[Callable[[], str]]:
    """`wflab run -f .`, interrupted at the end; gives what the console says."""
    console = folder / "console.txt"
    with (
        console.open("w") as out,
        subprocess.Popen([sys.executable, "-m", "wflab", "run", "-f", "."], cwd=folder, stdout=out, stderr=out) as program,
    ):

        def said() -> str:
            assert program.poll() is None, console.read_text("utf-8")
            return console.read_text("utf-8")

        try:
            yield said
            program.send_signal(signal.SIGINT)
            assert program.wait(120) == 0, console.read_text("utf-8")
        finally:
            program.kill()


def sidecar(said: Callable[[], str], app_id: str) -> str:
    """The address of an app's sidecar, as the console gives it."""
    pattern = rf"{app_id}: sidecar at HTTP (\d+)"
    eventually(lambda: re.search(pattern, said()) is not None, 120)
    return f"http://127.0.0.1:{re.findall(pattern, said())[0]}"


def place(address: str, order_id: str) -> bool:
    """Whether the order service has taken it; it may not listen yet."""
    order = {"id": order_id, **ORDERS[order_id][0]}
    return httpx.post(f"{address}/v1.0/invoke/order-service/method/orders", json=order, timeout=30).status_code == 202


def test_an_order_program_runs_to_its_end_and_the_api_log_shows_each_call(folder: Path) -> None:
    with running(folder) as said:
        orders, inventory = sidecar(said, "order-service"), sidecar(said, "inventory-service")
        first, *others = ORDERS
        eventually(lambda: place(orders, first), 120)
        assert all(place(orders, order_id) for order_id in others)

        def state(order_id: str) -> Any:
            return httpx.get(f"{orders}/v1.0/workflows/dapr/{order_id}", timeout=30).json().get("runtimeStatus")

        eventually(lambda: [state(order_id) for order_id in ORDERS] == ["COMPLETED"] * len(ORDERS), 120)
        kept = {order_id: httpx.get(f"{orders}/v1.0/state/statestore/{order_id}", timeout=30).json()["status"] for order_id in ORDERS}
        assert kept == {order_id: outcome for order_id, (_, outcome) in ORDERS.items()}
        assert httpx.get(f"{inventory}/v1.0/state/statestore/stock", timeout=30).json() == {"left": 7, "held": {"small": 1, "large": 2}}
        heard = [f"== APP - inventory-service == heard of {order_id} {outcome}" for order_id, outcome in kept.items()]
        eventually(lambda: set(heard) <= set(said().splitlines()), 120)
        assert "redis" in said(), "that the built-in store and broker stand in is said"
    with wf.Lab(folder / "wflab.duckdb") as lab:
        told_by_the_lab(lab)


def told_by_the_lab(lab: wf.Lab) -> None:
    runs = lab.runs.where(name="order_processing").df().set_index("instance_id")
    assert dict(runs["output"]) == {order_id: outcome for order_id, (_, outcome) in ORDERS.items()}
    calls = lab.api_log().df()
    counts = calls.groupby(["app_id", "api"]).size()
    for app_id, api, least in (
        ("order-service", "taskhub", 5),
        ("order-service", "invoke", 5 + 5 + 2),  # the orders that came in, and what the workflow reserved and released
        ("order-service", "state", 5),
        ("order-service", "pubsub", 5 + 2),
        ("order-service", "delivery", 2),
        ("inventory-service", "state", 5),
        ("inventory-service", "pubsub", 2),
        ("inventory-service", "delivery", 2 + 5),
    ):
        assert counts.get((app_id, api), 0) >= least, f"{app_id} {api}\n{counts}"
    assert {"stolen", "large"} <= set(calls["target"])
