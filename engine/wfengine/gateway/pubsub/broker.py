"""The broker that is built in: what is published and not yet settled, who subscribes to what, and how each message ended for each of them.

All of it is decided on the gateway's loop and written by the ledger. A message is kept until every app that has ever subscribed to its topic has
settled it. One that nobody subscribes to is kept for a while, for those who come later: so it does not matter whether publishers or subscribers start first.
"""

import asyncio
import base64
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import duckdb
import msgspec

from wfengine.gateway.ledger import Changes, Ledger, answered
from wfengine.store.rows import Row, naive

Outcome = Literal["success", "dropped", "dead letter", "expired"]
KEPT_FOR_NOBODY = timedelta(days=1)
NEVER_SUBSCRIBED: frozenset[str] = frozenset()


class Topic(NamedTuple):
    """A topic of a broker."""

    pubsub: str
    name: str


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is to be published; `data` is what subscribers get."""

    topic: Topic
    id: str
    data: bytes
    content_type: str
    is_raw: bool = False
    app_id: str | None = None
    expires_at: datetime | None = None


class Message(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One that was published; `position` is its place among all."""

    position: int
    draft: Draft
    published_at: datetime

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is up."""
        return self.draft.expires_at is not None and self.draft.expires_at <= now


class _Written:
    """A change whose rows are known but for their positions."""

    def __init__(self, made: Callable[[Callable[[], int]], Changes]) -> None:
        self.done: Future[None] = Future()
        self._made = made

    def decide(self, position: Callable[[], int]) -> Changes:
        return self._made(position)

    def settle(self, error: Exception | None) -> None:
        answered(self.done, None, error)


class Broker:
    """On the gateway's loop, but for `load`. Apps are named by their ids; '' is the lab's own."""

    def __init__(self, submit: Callable[[], Ledger]) -> None:
        self._ledger = submit
        self._messages: dict[Topic, dict[int, Message]] = {}
        self._subscribers: dict[Topic, dict[str, int]] = {}  # with the position of the row
        self._settled: dict[int, dict[str, int]] = {}  # of a message: who has settled it, with the position of that row
        self._wakers: dict[tuple[Topic, str], Callable[[], None]] = {}
        self._is_loaded = False

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read what an earlier gateway has left; once, before the loop has anything to do with it."""
        if self._is_loaded:
            return
        self._is_loaded = True
        for row in cursor.execute("SELECT * FROM pubsub_messages ORDER BY position").fetchall():
            message = _message(row)
            self._messages.setdefault(message.draft.topic, {})[message.position] = message
        for position, pubsub, topic, app_id, _ in cursor.execute("SELECT * FROM pubsub_subscribers ORDER BY position").fetchall():
            self._subscribers.setdefault(Topic(pubsub, topic), {})[app_id] = position
        for position, message, app_id in cursor.execute("SELECT position, message, app_id FROM pubsub_deliveries").fetchall():
            self._settled.setdefault(message, {})[app_id] = position

    async def publish(self, drafts: Sequence[Draft]) -> None:
        """Take messages; they are durable then, all or none. Raises StoreError and its like."""
        now = datetime.now(UTC)
        made: list[Message] = []

        def rows(position: Callable[[], int]) -> Changes:
            made.extend(Message(position=position(), draft=draft, published_at=now) for draft in drafts)
            return Changes([("pubsub_messages", _row(message)) for message in made])

        await self._write(rows)
        for message in made:
            self._messages.setdefault(message.draft.topic, {})[message.position] = message
        for topic in {draft.topic for draft in drafts}:
            self._wake(topic)

    async def subscribe(self, topic: Topic, app_id: str, wake: Callable[[], None]) -> None:
        """From now on messages of the topic wait for the app; `wake` is called when there is one to be had."""
        self._wakers[topic, app_id] = wake
        known = self._subscribers.setdefault(topic, {})
        if app_id in known:
            return
        known[app_id] = 0
        now = naive(datetime.now(UTC))

        def rows(position: Callable[[], int]) -> Changes:
            known[app_id] = position()
            return Changes([("pubsub_subscribers", (known[app_id], topic.pubsub, topic.name, app_id, now))])

        await self._write(rows)

    def leave(self, topic: Topic, app_id: str) -> None:
        """The app takes nothing just now; what is published goes on to wait for it."""
        self._wakers.pop((topic, app_id), None)

    def waiting(self, topic: Topic, app_id: str) -> Iterator[Message]:
        """What the app has not settled, oldest first."""
        return (one for one in list(self._messages.get(topic, {}).values()) if app_id not in self._settled.get(one.position, {}))

    async def settle(self, message: Message, app_id: str, outcome: Outcome, attempts: int, error: str | None = None) -> None:
        """The message has ended for this app. When it has for all that subscribe, it is deleted."""
        topic, position = message.draft.topic, message.position
        settled = self._settled.setdefault(position, {})
        if app_id in settled or position not in self._messages.get(topic, {}):
            return
        settled[app_id] = 0
        if settled.keys() >= self._subscribers.get(topic, {}).keys():
            deleted = self._forget(message)
            await self._write(lambda _: Changes((), deleted()))
            return
        at = naive(datetime.now(UTC))

        def rows(number: Callable[[], int]) -> Changes:
            settled[app_id] = number()
            return Changes([("pubsub_deliveries", (settled[app_id], position, app_id, outcome, attempts, at, error))])

        await self._write(rows)

    async def tidy(self) -> None:
        """Forget what nobody has come for, and what has expired."""
        now = datetime.now(UTC)
        doomed = [
            message
            for topic, messages in self._messages.items()
            for message in messages.values()
            if message.has_expired(now) or (not self._subscribers.get(topic) and message.published_at + KEPT_FOR_NOBODY < now)
        ]
        deleted = [self._forget(message) for message in doomed]
        if deleted:
            await self._write(lambda _: Changes((), [one for made in deleted for one in made()]))

    def _forget(self, message: Message) -> Callable[[], list[tuple[str, int]]]:
        """Drop it from memory; what is called on the ledger's thread then, once earlier writes have their positions, tells the rows to delete."""
        self._messages.get(message.draft.topic, {}).pop(message.position, None)
        settled = self._settled.pop(message.position, {})
        return lambda: [
            ("pubsub_messages", message.position),
            *(("pubsub_deliveries", number) for number in settled.values() if number),
        ]

    def _wake(self, topic: Topic) -> None:
        for (about, _), wake in list(self._wakers.items()):
            if about == topic:
                wake()

    async def _write(self, made: Callable[[Callable[[], int]], Changes]) -> None:
        work = _Written(made)
        self._ledger().submit(work)
        await asyncio.wrap_future(work.done)


def _row(message: Message) -> Row:
    draft = message.draft
    text, is_base64 = _stored(draft.data)
    return (
        message.position,
        draft.topic.pubsub,
        draft.topic.name,
        draft.id,
        draft.app_id,
        text,
        is_base64,
        draft.is_raw,
        draft.content_type,
        naive(message.published_at),
        naive(draft.expires_at),
    )


def _stored(data: bytes) -> tuple[str, bool]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\x00"
    return (base64.b64encode(data).decode(), True) if "\x00" in text else (text, False)


def _message(row: Sequence[Any]) -> Message:
    position, pubsub, topic, name, app_id, text, is_base64, is_raw, content_type, published_at, expires_at = row
    draft = Draft(
        topic=Topic(pubsub, topic),
        id=name,
        data=base64.b64decode(text) if is_base64 else text.encode(),
        content_type=content_type,
        is_raw=is_raw,
        app_id=app_id,
        expires_at=None if expires_at is None else expires_at.replace(tzinfo=UTC),
    )
    return Message(position=position, draft=draft, published_at=published_at.replace(tzinfo=UTC))
