"""Who is alive, and what ids are taken. Used by the engine's thread only.

An instance id belongs to its newest execution; the ids of ended executions stay known, so that asking for them needs no query.
"""

from collections.abc import Iterable
from datetime import datetime

from wfengine.model.instance import Instance
from wfengine.runtime.clock import Clock
from wfengine.runtime.ended import RecentlyEnded
from wfengine.runtime.residents import Resident


class Population:
    """All live executions by key and by id. `clock` may be exchanged (virtual time)."""

    def __init__(self, clock: Clock, next_key: int) -> None:
        self.clock = clock
        self._residents: dict[int, Resident] = {}
        self._keys: dict[str, int] = {}
        self._ended = RecentlyEnded()
        self._next_key = next_key
        self._claimed: set[str] = set()

    def of_id(self, instance_id: str) -> Resident | None:
        """The live execution of this id."""
        key = self._keys.get(instance_id)
        return None if key is None else self._residents.get(key)

    def of_key(self, key: int) -> Resident | None:
        """The live execution of this key."""
        return self._residents.get(key)

    def recently_ended(self, instance_id: str) -> Instance | None:
        """The final state of the id's newest execution, if it ended not long ago; else ask the store."""
        return None if self.of_id(instance_id) is not None else self._ended.find(instance_id)

    def key_of(self, instance_id: str) -> int | None:
        """The newest execution of this id, ended or not."""
        return self._keys.get(instance_id)

    def all(self) -> Iterable[Resident]:
        """Every live execution."""
        return self._residents.values()

    def know(self, instance_id: str, key: int) -> None:
        """This id's newest execution is `key`."""
        self._keys[instance_id] = key

    def add(self, resident: Resident) -> None:
        """It lives from now on."""
        self._residents[resident.instance.key] = resident
        self._keys[resident.instance.instance_id] = resident.instance.key

    def remove(self, key: int) -> None:
        """It lives no more; its id stays known."""
        self._residents.pop(key, None)

    def remember_end(self, instance: Instance) -> None:
        """Its final state will be asked for."""
        self._ended.remember(instance)

    def forget(self, instance_id: str, key: int) -> None:
        """The execution is purged."""
        if self._keys.get(instance_id) == key:  # else the id has been used again
            del self._keys[instance_id]
            self._ended.forget(instance_id)

    def new_key(self) -> int:
        """The next free key."""
        key = self._next_key
        self._next_key += 1
        return key

    def begin_claims(self) -> None:
        """A turn is about to claim ids for what it starts."""
        self._claimed.clear()

    def claim_key(self, instance_id: str | None) -> int | None:
        """A key for a new execution of this id; None where a live one (or another start of this turn) has the id. For None: the successor's."""
        if instance_id is not None:
            if instance_id in self._claimed or self.of_id(instance_id) is not None:
                return None
            self._claimed.add(instance_id)
        return self.new_key()

    def now_for(self, resident: Resident) -> datetime:
        """The time to stamp what happens to this instance with: never before what happened to it last."""
        return max(self.clock.now(), resident.instance.updated_at)
