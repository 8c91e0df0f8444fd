"""Who subscribes to what just now: what resources declare, what apps say when they are asked, and the streams they have opened.

An app is asked once it listens. Streams and ports of one app share its messages.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.channels import AppChannel, AppUnreachable
from wfengine.gateway.components import PUBSUB, Resources, Subscription
from wfengine.gateway.pubsub.asking import subscriptions_of
from wfengine.gateway.pubsub.broker import Broker, Draft, Topic
from wfengine.gateway.pubsub.delivery import Delivery, Taker
from wfengine.gateway.pubsub.rules import compiled
from wfengine.gateway.pubsub.takers import GrpcTaker, HttpTaker
from wfengine.gateway.pubsub.telling import Told
from wfengine.gateway.resiliency.policies import policy_for_component
from wfengine.gateway.resiliency.running import Circuits
from wfengine.gateway.wire import dapr_pb2 as wire

_ASK_AGAIN_SECONDS = 0.2
_ASK_AGAIN_AFTER_REFUSAL_SECONDS = 2.0
_log = logging.getLogger("wfengine.gateway")


class Subscribed(NamedTuple):
    """One subscription and how it came about."""

    subscription: Subscription
    kind: int  # wire.PubsubSubscriptionType


def check_rules(resources: Resources) -> None:
    """Raise InvalidArgument for a rule of a declared subscription that cannot be read, before anything depends on it."""
    for rule in (rule for one in resources.subscriptions for rule in one.rules):
        if rule.match.strip():
            compiled(rule.match)


class Subscribers:
    """The deliveries of all apps, on the gateway's loop."""

    def __init__(self, broker: Broker, circuits: Circuits, told: Told, resources_of: Callable[[str | None], Resources]) -> None:
        self.told = told
        self._broker = broker
        self._circuits = circuits
        self._resources_of = resources_of
        self._deliveries: dict[str, dict[Topic, Delivery]] = {}
        self._lists: dict[str, list[Subscribed]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    def listed(self, app: App) -> list[Subscribed]:
        """What an app subscribes to, as far as it is known."""
        return list(self._lists.get(app.app_id or "", ()))

    def opened(self, app: App, channel: AppChannel) -> None:
        """An app has a sidecar now: it is asked as soon as it listens."""
        if app.app_port is not None:
            self._asking[app.app_id or ""] = asyncio.create_task(self._ask(app, channel))

    async def closed(self, app: App) -> None:
        """It has none any more."""
        key = app.app_id or ""
        asking = self._asking.pop(key, None)
        if asking is not None:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        self._lists.pop(key, None)
        await asyncio.gather(*(delivery.stop() for delivery in self._deliveries.pop(key, {}).values()))

    async def take(self, app: App, subscription: Subscription, taker: Taker, kind: int) -> Delivery:
        """Have messages of a topic handed to one taker more; give it back with `leave`."""
        key, topic = app.app_id or "", Topic(subscription.pubsub, subscription.topic)
        mine = self._deliveries.setdefault(key, {})
        delivery = mine.get(topic)
        if delivery is None:
            policy = policy_for_component(self._resources_of(app.app_id), app.app_id, topic.pubsub, "inbound")
            delivery = mine[topic] = Delivery(self._broker, key, subscription, policy, self._circuits, self._dead_letter)
            self._lists.setdefault(key, []).append(Subscribed(subscription, kind))
            await delivery.start()
        delivery.add(taker)
        return delivery

    async def leave(self, app: App, delivery: Delivery, taker: Taker) -> None:
        """The taker takes no more; with the last one the subscription rests, and its messages wait."""
        delivery.remove(taker)
        key = app.app_id or ""
        mine = self._deliveries.get(key, {})
        if not delivery.takers and mine.get(delivery.topic) is delivery:
            del mine[delivery.topic]
            self._lists[key] = [one for one in self._lists.get(key, []) if one.subscription is not delivery.subscription]
            await delivery.stop()

    async def _dead_letter(self, draft: Draft) -> None:
        await self._broker.publish([draft])

    async def _ask(self, app: App, channel: AppChannel) -> None:
        while not await channel.listens():  # noqa: ASYNC110  # another program does not tell us
            await asyncio.sleep(_ASK_AGAIN_SECONDS)
        declared = self._resources_of(app.app_id).declared(app.app_id)
        await self._begin(app, channel, declared, wire.DECLARATIVE)
        while True:
            try:
                wishes = await subscriptions_of(channel)
                break
            except AppUnreachable:
                await asyncio.sleep(_ASK_AGAIN_SECONDS)
            except WflabError as error:
                _log.warning("%s It is asked again.", error)
                await asyncio.sleep(_ASK_AGAIN_AFTER_REFUSAL_SECONDS)
        await self._begin(app, channel, wishes, wire.PROGRAMMATIC)

    async def _begin(self, app: App, channel: AppChannel, subscriptions: Iterable[Subscription], kind: int) -> None:
        taker = GrpcTaker(channel, self.told) if app.app_protocol == "grpc" else HttpTaker(channel, self.told)
        known = {Topic(one.subscription.pubsub, one.subscription.topic) for one in self.listed(app)}
        for one in subscriptions:
            topic = Topic(one.pubsub, one.topic)
            if topic in known:
                _log.warning("%s subscribes to %s twice; the first is taken.", app.label, topic.name)
                continue
            if self._resources_of(app.app_id).component(PUBSUB, one.pubsub, app.app_id) is None:
                _log.warning("%s subscribes to %s of a pubsub %r that it does not have.", app.label, topic.name, one.pubsub)
                continue
            known.add(topic)
            try:
                await self.take(app, one, taker, kind)
            except WflabError as error:
                _log.warning("%s could not be subscribed to %s: %s", app.label, topic.name, error)
