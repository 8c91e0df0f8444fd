"""What the state API does, for both doors. A store is one for all apps that use it by its name; keys carry the app's id, unless the component says otherwise.

The operations of one request are all done or none of them, also outside of a transaction: Dapr promises less.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.components import STATE, Component, Resources
from wfengine.gateway.ledger import Ledger
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.state.memory import EtagMismatch, Memory, Operation, Place, Sweep, Value, Write
from wfengine.gateway.state.querying import Query, answer

SEPARATOR = "||"
TTL = "ttlInSeconds"
MOST_OPERATIONS = 10_000
_LONGEST_KEY = 1024
_LONGEST_TTL = timedelta(days=36_500)
ResourcesOf = Callable[[str | None], Resources]


class Asked(NamedTuple):
    """One operation as a caller asks for it: its key without prefix."""

    key: str
    data: bytes | None
    etag: str | None
    concurrency: str
    metadata: Mapping[str, str]


class Found(msgspec.Struct, frozen=True):
    """What is under a key; all empty where nothing is."""

    key: str
    data: bytes | None = None
    etag: str | None = None
    metadata: dict[str, str] = {}


class StateActs:
    """On the gateway's loop. `resources_of` says which stores an app may use."""

    def __init__(self, memory: Memory, ledger: Ledger, resources_of: ResourcesOf) -> None:
        self._memory = memory
        self._ledger = ledger
        self._resources_of = resources_of

    def get(self, app: App, store: str, keys: Sequence[str]) -> list[Found]:
        """What is durable under each key, in their order."""
        component = self._component(app, store)
        now = datetime.now(UTC)
        return [_found(key, self._memory.read(Place(store, kept_key(component, app, key)), now)) for key in keys]

    async def save(self, app: App, store: str, asked: Sequence[Asked]) -> None:
        """Save and delete. Raises a Refusal: 409 where an ETag does not match."""
        what = next((one.key for one in asked if one.data is None), None)
        told = (
            (f"failed saving state in state store {store}", "ERR_STATE_SAVE")
            if what is None
            else (f"failed deleting state with key {what}", "ERR_STATE_DELETE")
        )
        try:
            await self._write(app, store, asked, *told)
        except EtagMismatch as error:
            raise Refusal(409, told[1], f"{told[0]}: {error}") from error

    async def transact(self, app: App, store: str, asked: Sequence[Asked]) -> None:
        """Likewise as a transaction, whose every failure is one of the transaction in Dapr."""
        told = ("error while executing state transaction", "ERR_STATE_TRANSACTION")
        try:
            await self._write(app, store, asked, *told)
        except EtagMismatch as error:
            raise Refusal(500, told[1], f"{told[0]}: {error}") from error

    def query(self, app: App, store: str, text: str) -> tuple[list[Found], str]:
        """The app's values that a query asks for, and the token of the next page."""
        component = self._component(app, store)
        prefix = kept_key(component, app, "")
        now = datetime.now(UTC)
        mine = [
            (place.key.removeprefix(prefix), value)
            for place, value in list(self._memory.values.items())
            if place.store == store and place.key.startswith(prefix) and value.is_there(now)
        ]
        try:
            page, token = answer(Query.parse(text), mine)
        except (ValueError, TypeError, RecursionError) as error:
            raise Refusal(500, "ERR_STATE_QUERY", f"state store {store} query failed: {error}") from None
        return [_found(key, value) for key, value in page], token

    def sweep(self) -> None:
        """Have what has expired deleted, if there is any."""
        if self._memory.expired(datetime.now(UTC)):
            self._ledger.submit(Sweep(self._memory))

    async def _write(self, app: App, store: str, asked: Sequence[Asked], message: str, code: str) -> None:
        component = self._component(app, store)
        if len(asked) > MOST_OPERATIONS:
            raise Refusal(400, code, f"{message}: more than {MOST_OPERATIONS} operations in one request. Send several.")
        now = datetime.now(UTC)
        operations = [
            Operation(
                place=Place(store, kept_key(component, app, one.key)),
                data=one.data,
                etag=one.etag,
                concurrency="first-write" if one.concurrency == "first-write" else "last-write" if one.concurrency == "last-write" else "",
                expires_at=_expiry(one.metadata, now, message, code),
            )
            for one in asked
        ]
        if not operations:
            return
        write = Write(self._memory, app.app_id, operations)
        self._ledger.submit(write)
        try:
            await asyncio.wrap_future(write.done)
        except EtagMismatch:
            raise
        except WflabError as error:
            raise Refusal(500, code, f"{message}: {error}") from error

    def _component(self, app: App, store: str) -> Component:
        resources = self._resources_of(app.app_id)
        found = resources.component(STATE, store, app.app_id)
        if found is not None:
            return found
        if not any(one.kind == STATE for one in resources.components):
            raise Refusal(500, "ERR_STATE_STORE_NOT_CONFIGURED", f"state store {store} is not configured")
        raise Refusal(400, "ERR_STATE_STORE_NOT_FOUND", f"state store {store} is not found")


def kept_key(component: Component, app: App, key: str) -> str:
    """The key with the prefix that the component asks for (`keyPrefix`: appid, name, none or a word)."""
    if SEPARATOR in key:
        raise Refusal(400, "ERR_MALFORMED_REQUEST", f"input key/keyPrefix '{key}' can't contain '{SEPARATOR}'")
    if len(key) > _LONGEST_KEY:
        raise Refusal(400, "ERR_MALFORMED_REQUEST", f"A key has at most {_LONGEST_KEY} characters, not {len(key)}.")
    match component.option("keyPrefix") or "appid":
        case "none":
            return key
        case "name":
            return f"{component.name}{SEPARATOR}{key}"
        case "appid" | "namespace":
            return key if app.app_id is None else f"{app.app_id}{SEPARATOR}{key}"
        case word:
            return f"{word}{SEPARATOR}{key}"


def _found(key: str, value: Value | None) -> Found:
    if value is None:
        return Found(key)
    expiry = {} if value.expires_at is None else {"ttlExpireTime": value.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return Found(key, value.data, value.etag, expiry)


def _expiry(metadata: Mapping[str, str], now: datetime, message: str, code: str) -> datetime | None:
    """When the value's time is up; -1 is never."""
    text = metadata.get(TTL)
    if text is None:
        return None
    try:
        seconds = int(text)
        return None if seconds < 0 else now + min(timedelta(seconds=seconds), _LONGEST_TTL)
    except (ValueError, OverflowError):
        raise Refusal(400, code, f"{message}: {TTL} is a whole number of seconds, not {text!r:.40}.") from None
