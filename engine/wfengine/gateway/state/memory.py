"""The newest value of every key, in memory as it is in DuckDB, and the rules by which it may change.

`values` is what is durable, and what is read; whoever writes looks at what the same batch has changed before, too. Only the ledger's thread changes it.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Literal, NamedTuple

import duckdb
import msgspec

from wfengine.errors import CallerError
from wfengine.gateway.ledger import Changes, answered
from wfengine.store.rows import Row, naive

Concurrency = Literal["first-write", "last-write", ""]


class Place(NamedTuple):
    """A store, and a key in it as it is kept: with the prefix."""

    store: str
    key: str


class Value(msgspec.Struct, gc=False, frozen=True):
    """What is kept under a key; `expires_at` is aware UTC."""

    position: int
    data: bytes
    etag: str
    app_id: str | None
    written_at: datetime
    expires_at: datetime | None = None

    def is_there(self, now: datetime) -> bool:
        """Whether its time is not up."""
        return self.expires_at is None or self.expires_at > now


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One change; `data` None deletes. `etag` is what the caller has seen."""

    place: Place
    data: bytes | None = None
    etag: str | None = None
    concurrency: Concurrency = ""
    expires_at: datetime | None = None


class EtagMismatch(CallerError):
    """Somebody else has changed the value, or made or deleted it."""

    def __init__(self, key: str) -> None:
        super().__init__(f"possible etag mismatch: the value of {key} is not the one that was read. Read it again, then save.")


class Memory:
    """All stores of a lab."""

    def __init__(self) -> None:
        self.values: dict[Place, Value] = {}
        self.pending: dict[Place, Value | None] = {}

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read everything from DuckDB, and forget what was not written."""
        columns = "store, key, position, value, is_base64, etag, app_id, written_at, expires_at"
        rows = cursor.execute(f"SELECT {columns} FROM state ORDER BY position").fetchall()  # noqa: S608  # the schema's own words
        self.values = {Place(row[0], row[1]): _value(row[2:]) for row in rows}
        self.pending = {}

    def read(self, place: Place, now: datetime) -> Value | None:
        """The durable value of a key; None where there is none, or its time is up."""
        found = self.values.get(place)
        return found if found is not None and found.is_there(now) else None

    def newest(self, place: Place) -> Value | None:
        """What is there for whoever writes next, its time up or not."""
        return self.pending[place] if place in self.pending else self.values.get(place)

    def expired(self, now: datetime) -> list[Place]:
        """Keys whose time is up."""
        return [place for place, value in list(self.values.items()) if not value.is_there(now)]


class Write:
    """Operations of one request: all of them, or none."""

    def __init__(self, memory: Memory, app_id: str | None, operations: Sequence[Operation]) -> None:
        self.done: Future[None] = Future()
        self._memory = memory
        self._app_id = app_id
        self._operations = operations
        self._made: dict[Place, Value | None] = {}

    def decide(self, position: Callable[[], int]) -> Changes:
        """See `ledger.Work`. Raises EtagMismatch."""
        now = datetime.now(UTC)
        appended: list[tuple[str, Row]] = []
        deleted: list[tuple[str, int]] = []
        for operation in self._operations:
            place = operation.place
            present = self._made[place] if place in self._made else self._memory.newest(place)
            _check(operation, present if present is not None and present.is_there(now) else None)
            if present is not None:
                deleted.append(("state", present.position))
            if operation.data is None:
                self._made[place] = None
                continue
            number = position()
            value = Value(number, operation.data, str(number), self._app_id, now, operation.expires_at)
            self._made[place] = value
            appended.append(("state", _row(place, value)))
        self._memory.pending.update(self._made)
        return Changes(appended, deleted)

    def settle(self, error: Exception | None) -> None:
        """See `ledger.Work`."""
        if error is None:
            _adopt(self._memory, self._made)
        else:
            for place in self._made:
                self._memory.pending.pop(place, None)
        answered(self.done, None, error)


class Sweep:
    """Deletes what has expired."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._gone: dict[Place, Value | None] = {}

    def decide(self, _: Callable[[], int]) -> Changes:
        """See `ledger.Work`."""
        now = datetime.now(UTC)
        deleted: list[tuple[str, int]] = []
        for place in self._memory.expired(now):
            present = self._memory.newest(place)
            if present is not None and not present.is_there(now):
                self._gone[place] = None
                deleted.append(("state", present.position))
        self._memory.pending.update(self._gone)
        return Changes((), deleted)

    def settle(self, error: Exception | None) -> None:
        """See `ledger.Work`."""
        if error is None:
            _adopt(self._memory, self._gone)


def _adopt(memory: Memory, made: Mapping[Place, Value | None]) -> None:
    for place, value in made.items():
        if value is None:
            memory.values.pop(place, None)
        else:
            memory.values[place] = value
        if memory.pending.get(place) is value:
            memory.pending.pop(place, None)


def _check(operation: Operation, present: Value | None) -> None:
    """Whether the caller may change what is there. Without a word about it the last one to write wins, unless an ETag is shown."""
    if operation.concurrency == "last-write":
        return
    if operation.etag:
        if present is None or present.etag != operation.etag:
            raise EtagMismatch(operation.place.key)
    elif operation.concurrency == "first-write" and operation.data is not None and present is not None:
        raise EtagMismatch(operation.place.key)


def _row(place: Place, value: Value) -> Row:
    try:
        text, is_base64 = value.data.decode("utf-8"), False
        is_base64 = "\x00" in text
    except UnicodeDecodeError:
        is_base64 = True
    if is_base64:
        text = base64.b64encode(value.data).decode()
    return (
        value.position,
        place.store,
        place.key,
        value.app_id,
        text,
        is_base64,
        value.etag,
        naive(value.written_at),
        naive(value.expires_at),
    )


def _value(row: Row) -> Value:
    position, text, is_base64, etag, app_id, written_at, expires_at = row
    data = base64.b64decode(text) if is_base64 else text.encode()
    return Value(
        position, data, etag, app_id, written_at.replace(tzinfo=UTC), None if expires_at is None else expires_at.replace(tzinfo=UTC)
    )
