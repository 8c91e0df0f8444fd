"""One app's subscription to one topic, at work: messages are handed to whoever takes them for the app, until each is settled.

An answer is success, retry or drop. What is to be tried again waits a while, longer each time, and others overtake it. A message that cannot be had
goes to the dead letter topic, if there is one: at once, unless a policy of resiliency says how often to try (as in Dapr). While nobody listens
nothing is tried and nothing counted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple, Protocol

import msgspec

from wfengine.errors import WflabError
from wfengine.gateway.channels import AppUnreachable
from wfengine.gateway.components import Subscription
from wfengine.gateway.pubsub.broker import Broker, Draft, Message, Outcome, Topic
from wfengine.gateway.pubsub.envelope import Envelope, wrapped
from wfengine.gateway.pubsub.rules import route_of
from wfengine.gateway.resiliency.policies import Policy
from wfengine.gateway.resiliency.running import Attempt, Circuits

MOST_IN_HAND = 100
FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
_log = logging.getLogger("wfengine.gateway")


class Verdict(Enum):
    """What became of handing over a message."""

    SUCCESS = "success"
    RETRY = "retry"
    DROP = "drop"


class Handed(NamedTuple):
    """A verdict, with what the app said to it; `status` is HTTP's, where there is one."""

    verdict: Verdict
    said: str | None = None
    status: int | None = None


class Taker(Protocol):
    """Whoever takes messages for an app: its HTTP or gRPC port, or a stream."""

    async def take(self, message: Message, event: Envelope, path: str) -> Handed:
        """Hand one over. Raises AppUnreachable where nobody is there."""


class Delivery:
    """The deliveries to an app of one topic. `start`, then `add` takers; all on the gateway's loop."""

    def __init__(
        self,
        broker: Broker,
        app_id: str,
        subscription: Subscription,
        policy: Policy,
        circuits: Circuits,
        dead_letter: Callable[[Draft], Awaitable[None]],
    ) -> None:
        self.subscription = subscription
        self.topic = Topic(subscription.pubsub, subscription.topic)
        self.takers: list[Taker] = []
        self._broker = broker
        self._app_id = app_id
        self._policy = policy
        self._circuits = circuits
        self._dead_letter = dead_letter
        self._news = asyncio.Event()
        self._in_hand: dict[int, asyncio.Task[None]] = {}
        self._turn = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Subscribe, and begin to deliver."""
        await self._broker.subscribe(self.topic, self._app_id, self._news.set)
        self._task = asyncio.create_task(self._run())

    def add(self, taker: Taker) -> None:
        """Have messages handed to one more."""
        self.takers.append(taker)
        self._news.set()

    def remove(self, taker: Taker) -> None:
        """And to one less; what it has in hand goes to another."""
        with suppress(ValueError):
            self.takers.remove(taker)

    async def stop(self) -> None:
        """Deliver no more; what is in hand is delivered again some time."""
        self._broker.leave(self.topic, self._app_id)
        tasks = [*self._in_hand.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._news.clear()
            for message in self._broker.waiting(self.topic, self._app_id):
                if len(self._in_hand) >= MOST_IN_HAND or not self.takers:
                    break
                if message.position not in self._in_hand:
                    self._in_hand[message.position] = asyncio.create_task(self._deliver(message))
            await self._news.wait()

    async def _deliver(self, message: Message) -> None:
        try:
            await self._until_settled(message)
        except WflabError as error:  # the record cannot be written just now: it is delivered again
            _log.warning("A message of %s could not be settled: %s", self.topic.name, error)
            await asyncio.sleep(FIRST_WAIT_SECONDS)
        except Exception:  # noqa: BLE001  # the others go on
            _log.exception("A message of %s could not be delivered.", self.topic.name)
            await asyncio.sleep(LONGEST_WAIT_SECONDS)
        finally:
            self._in_hand.pop(message.position, None)
            self._news.set()

    async def _until_settled(self, message: Message) -> None:
        try:
            event = self._event(message)
        except (ValueError, RecursionError):
            await self._refuse(message, 0, "It is no CloudEvent; subscribe with rawPayload to take it as it is.")
            return
        path = route_of(self.subscription.rules, event) if self.subscription.rules else ""
        if path is None:
            await self._refuse(message, 0, "No route of the subscription matches it.")
            return
        wait, attempts = FIRST_WAIT_SECONDS, 0
        while True:
            if message.has_expired(datetime.now(UTC)):
                await self._refuse(message, attempts, "Its time to live was over.", is_expired=True)
                return
            if not self.takers:
                return  # it waits until there is one again
            handed: Handed | None = None
            try:
                attempts += 1
                handed = await self._circuits.run(self._policy, self._app_id, lambda: self._attempt(message, event, path))
            except AppUnreachable:
                attempts -= 1  # nobody was there to fail
            except WflabError as error:
                handed = Handed(Verdict.RETRY, str(error))
            if attempts and handed is not None:
                if handed.verdict is Verdict.SUCCESS:
                    await self._broker.settle(message, self._app_id, "success", attempts)
                    return
                if handed.verdict is Verdict.DROP or self.subscription.dead_letter_topic:
                    await self._refuse(message, attempts, handed.said)
                    return
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    async def _attempt(self, message: Message, event: Envelope, path: str) -> Attempt[Handed]:
        if not self.takers:
            raise AppUnreachable("Nobody takes messages for the app just now.")
        self._turn += 1
        handed = await self.takers[self._turn % len(self.takers)].take(message, event, path)
        return Attempt(handed, handed.verdict is Verdict.RETRY, handed.status)

    def _event(self, message: Message) -> Envelope:
        if self.subscription.metadata.get("rawPayload", "").lower() == "true":
            return wrapped(message.draft.data, topic=self.topic.name, pubsub=self.topic.pubsub)
        event = msgspec.json.decode(message.draft.data)
        if not isinstance(event, dict):
            raise ValueError("a CloudEvent is a JSON object")  # noqa: TRY004  # the publisher's text is at fault
        return event

    async def _refuse(self, message: Message, attempts: int, said: str | None, *, is_expired: bool = False) -> None:
        """Settle it without success: in the dead letter topic, if there is one."""
        topic = self.subscription.dead_letter_topic
        if topic:
            await self._dead_letter(msgspec.structs.replace(message.draft, topic=Topic(self.topic.pubsub, topic), expires_at=None))
        outcome: Outcome = "dead letter" if topic else "expired" if is_expired else "dropped"
        await self._broker.settle(message, self._app_id, outcome, attempts, said)
