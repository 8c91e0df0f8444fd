"""A gateway on ports of its own, in front of a real engine; and how tests speak to it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from dapr.clients import DaprClient

from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import Options
from wfengine.gateway.sidecar import Sidecar
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

ANY_PORT = {"grpc_port": 0, "http_port": 0}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(Store.open(tmp_path / "lab.duckdb")) as running:
        yield running


@pytest.fixture
def open_gateway(engine: Engine) -> Iterator[Callable[..., Gateway]]:
    """Make a gateway with these options; closed at the end."""
    with ExitStack() as open_ones:

        def opened(**options: Any) -> Gateway:
            return open_ones.enter_context(Gateway(engine, Options(**{**ANY_PORT, **options})))

        yield opened


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway]) -> Gateway:
    return open_gateway()


@pytest.fixture
def orders(gateway: Gateway) -> Sidecar:
    """The sidecar of an app that does not listen itself."""
    return gateway.add_app(App(app_id="orders"))


@pytest.fixture
def shipping(gateway: Gateway) -> Sidecar:
    """The sidecar of another one."""
    return gateway.add_app(App(app_id="shipping"))


@pytest.fixture
def http(orders: Sidecar) -> Iterator[httpx.Client]:
    """A client that is the app `orders`."""
    with httpx.Client(base_url=orders.http_address, timeout=30) as client:
        yield client


@pytest.fixture
def dapr(orders: Sidecar, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaprClient]:
    """Dapr's own client, as the app `orders` has it."""
    monkeypatch.setenv("DAPR_HTTP_PORT", str(orders.app.http_port))
    with DaprClient(orders.grpc_address) as client:
        yield client


@pytest.fixture
def dapr_by_http(dapr: DaprClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaprClient]:
    """The same, for calls of apps by HTTP: it makes a loop for each, and closes none."""
    made: list[asyncio.AbstractEventLoop] = []
    make = asyncio.new_event_loop

    def recorded() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", recorded)
    yield dapr
    for loop in made:
        loop.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def calls(gateway: Gateway, engine: Engine) -> Callable[..., list[dict[str, Any]]]:
    """The rows of the API log, oldest first; `api` picks those of one API."""

    def rows(api: str | None = None) -> list[dict[str, Any]]:
        assert gateway.calls.flush()
        with engine.store.cursor() as cursor:
            found = cursor.execute("SELECT * FROM api_calls ORDER BY occurred_at")
            names = [column[0] for column in found.description or ()]
            made = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return [row for row in made if api in {None, row["api"]}]

    return rows
