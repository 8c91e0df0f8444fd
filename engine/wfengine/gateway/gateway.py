"""The gateway: sidecars for the lab and for any number of apps, all on one loop in one thread.

The engine knows nothing of it. Nothing on the loop may block; what does (DuckDB, a purge) goes to a few threads of its own.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from wfengine.errors import EngineError, EngineStopped, InvalidArgument, WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.blocking import Blocking
from wfengine.gateway.calls import CallLog
from wfengine.gateway.channels import AppChannel
from wfengine.gateway.components import PUBSUB, STATE, USUAL, Resources
from wfengine.gateway.health import Health
from wfengine.gateway.invocation.acts import InvokeActs
from wfengine.gateway.invocation.proxying import Proxy
from wfengine.gateway.invocation.room import Invocation
from wfengine.gateway.ledger import Ledger
from wfengine.gateway.metadata import Metadata
from wfengine.gateway.options import Options
from wfengine.gateway.pubsub.acts import PublishActs
from wfengine.gateway.pubsub.broker import Broker
from wfengine.gateway.pubsub.room import PubSub
from wfengine.gateway.pubsub.subscribers import Subscribers, check_rules
from wfengine.gateway.pubsub.telling import Told
from wfengine.gateway.resiliency.policies import check as check_policies
from wfengine.gateway.resiliency.running import Circuits
from wfengine.gateway.rooms import Room
from wfengine.gateway.sidecar import Service, Sidecar
from wfengine.gateway.state.acts import StateActs
from wfengine.gateway.state.memory import Memory
from wfengine.gateway.state.room import State
from wfengine.gateway.taskhub import service as taskhub
from wfengine.gateway.taskhub.hub import Hub
from wfengine.gateway.wire import dapr_pb2 as wire
from wfengine.gateway.workflows.acts import WorkflowActs
from wfengine.gateway.workflows.room import Workflows
from wfengine.runtime.engine import Engine

T = TypeVar("T")
_OPEN_WITHIN_SECONDS = 30.0
_CLOSE_WITHIN_SECONDS = 15.0
_TIDY_EVERY_SECONDS = 10.0


class Gateway:
    """Dapr's protocols, served by an engine. Every method is for any thread but the gateway's own; the engine stays the caller's to close.

    `services` are further gRPC services, each made anew for every app's sidecar: `lambda app: a_generic_rpc_handler`. `resources` are what an app
    may use that brings none of its own: a `statestore` and a `pubsub`, unless told.
    """

    def __init__(
        self,
        engine: Engine,
        options: Options | None = None,
        *,
        services: Sequence[Service] = (),
        resources: Resources = USUAL,
    ) -> None:
        _check(resources)
        self.engine = engine
        self.options = options or Options()
        self.calls = CallLog(engine.store, kept=self.options.kept_calls)
        self._blocking = Blocking()
        self._sidecars: dict[str | None, Sidecar] = {}
        self._resources = resources
        self._resources_of: dict[str | None, Resources] = {}
        self._channels: dict[str | None, AppChannel] = {}
        memory, circuits = Memory(), Circuits()
        self._broker = Broker(lambda: self._ledger)
        self._ledger = Ledger(engine.store, [memory.load, self._broker.load])
        self._state = StateActs(memory, self._ledger, self.resources)
        self._loop = asyncio.new_event_loop()
        self.hub = Hub(engine, self._loop, self._blocking)
        self._services: tuple[Service, ...] = (
            lambda app: taskhub.handlers(self.hub, app.app_id),
            *services,
            lambda app: Proxy(app, self._channels.get),  # the last one, which takes what is left
        )
        self._subscribers = Subscribers(self._broker, circuits, Told(self.calls), self.resources)
        self._rooms: tuple[Room, ...] = (
            Health(),
            Metadata(self.hub.count_workers, self._components, self._subscriptions),
            Workflows(WorkflowActs(engine, self._blocking)),
            State(self._state),
            PubSub(PublishActs(self._broker, self.resources), self._subscribers),
            Invocation(InvokeActs(self._channels.get, circuits, self.resources)),
        )
        self._thread = threading.Thread(target=self._run, name="wflab-gateway", daemon=True)
        self._thread.start()
        self._is_closed = False
        asyncio.run_coroutine_threadsafe(self._keep_tidy(), self._loop)

    # Life.

    def start(self) -> Sidecar:
        """Open the lab's own sidecar. Raises PortInUse; the gateway can be started again then, with nothing left behind."""
        self.hub.attach()
        own = App(grpc_port=self.options.grpc_port, http_port=self.options.http_port, api_token=self.options.api_token)
        return self._await(self._open(own), _OPEN_WITHIN_SECONDS)

    def close(self) -> None:
        """Close every sidecar and write what is left of the API log. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(EngineError):  # closed before: then nothing waits for programs
            self.hub.detach()
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._close_all(), self._loop).result(_CLOSE_WITHIN_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=_CLOSE_WITHIN_SECONDS)
        self._blocking.close()
        self._ledger.close()
        self.calls.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # Apps.

    def add_app(self, app: App, resources: Resources | None = None) -> Sidecar:
        """Open a sidecar for an app; its `app` has the real ports. Raises InvalidArgument for an id that has one, and PortInUse.

        `resources` are the app's own, in place of the gateway's.
        """
        if resources is not None:
            _check(resources)
        if app.api_token is None:
            app = msgspec.structs.replace(app, api_token=self.options.api_token)
        return self._await(self._open(app, resources), _OPEN_WITHIN_SECONDS)

    def remove_app(self, app_id: str) -> None:
        """Close an app's sidecar; what it has subscribed to waits for it. An app that has none is no error."""
        self._await(self._close_one(app_id), _CLOSE_WITHIN_SECONDS)

    def sidecar(self, app_id: str | None = None) -> Sidecar | None:
        """The sidecar of an app, or the lab's own."""
        return self._sidecars.get(app_id)

    def sidecars(self) -> tuple[Sidecar, ...]:
        """All that are open, in the order of their opening."""
        return tuple(self._sidecars.values())

    def resources(self, app_id: str | None = None) -> Resources:
        """The components, subscriptions and policies of an app."""
        return self._resources_of.get(app_id, self._resources)

    def subscriptions(self, app_id: str | None) -> list[tuple[str, str]]:
        """What an app subscribes to, as far as it is known: broker and topic."""
        sidecar = self._sidecars.get(app_id)
        return (
            [] if sidecar is None else [(one.subscription.pubsub, one.subscription.topic) for one in self._subscribers.listed(sidecar.app)]
        )

    # On the gateway's thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            for task in asyncio.all_tasks(self._loop):
                task.cancel()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _open(self, app: App, resources: Resources | None = None) -> Sidecar:
        if app.app_id in self._sidecars:
            raise InvalidArgument(f"There is a sidecar for {app.label} already. Pass another app_id, or remove that app first.")
        sidecar = Sidecar(app, self.options, self.calls, self._rooms, self._services)
        self._sidecars[app.app_id] = sidecar  # at once: another call for the same id must see it
        if resources is not None:
            self._resources_of[app.app_id] = resources
        try:
            await sidecar.open()
        except BaseException:
            del self._sidecars[app.app_id]
            self._resources_of.pop(app.app_id, None)
            raise
        channel = self._channels[app.app_id] = AppChannel(sidecar.app)
        self._subscribers.opened(sidecar.app, channel)
        return sidecar

    async def _close_one(self, app_id: str | None) -> None:
        sidecar = self._sidecars.pop(app_id, None)
        if sidecar is None:
            return
        await self._subscribers.closed(sidecar.app)
        await sidecar.close()
        channel = self._channels.pop(app_id, None)
        if channel is not None:
            await channel.close()
        self._resources_of.pop(app_id, None)

    async def _close_all(self) -> None:
        await asyncio.gather(*(self._close_one(app_id) for app_id in list(self._sidecars)))

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY_SECONDS)
            self._state.sweep()
            with suppress(WflabError):  # a disk that is full will be told to whoever writes
                await self._broker.tidy()

    def _components(self, app: App) -> list[wire.RegisteredComponents]:
        capabilities = {STATE: ["ETAG", "TRANSACTIONAL", "TTL", "QUERY_API"], PUBSUB: []}
        return [
            wire.RegisteredComponents(name=one.name, type=one.type, version=one.version, capabilities=capabilities.get(one.kind, []))
            for one in self.resources(app.app_id).of(app.app_id)
        ]

    def _subscriptions(self, app: App) -> list[wire.PubsubSubscription]:
        return [
            wire.PubsubSubscription(
                pubsub_name=one.pubsub,
                topic=one.topic,
                metadata=one.metadata,
                rules=wire.PubsubSubscriptionRules(
                    rules=[wire.PubsubSubscriptionRule(match=rule.match, path=rule.path) for rule in one.rules]
                ),
                dead_letter_topic=one.dead_letter_topic or "",
                type=kind,  # type: ignore[arg-type]  # the number of an enumeration's value
            )
            for one, kind in self._subscribers.listed(app)
        ]

    def _await(self, what: Coroutine[Any, Any, T], within_seconds: float) -> T:
        if self._is_closed:
            what.close()
            raise EngineStopped("The gateway is closed. Make another one to go on.")
        future: Future[T] = asyncio.run_coroutine_threadsafe(what, self._loop)
        return future.result(within_seconds)


def _check(resources: Resources) -> None:
    check_policies(resources)
    check_rules(resources)
