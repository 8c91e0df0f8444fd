"""What the store can be asked, kept in dictionaries: the part of DuckDB. It knows only commits that are durable."""

from collections.abc import Iterable
from datetime import datetime

from wfengine.model.instance import Instance, Status
from wfengine.model.work import CircuitRow, Commit, HistoryRow


class Record:
    """Rows by execution; the newest status row is an execution's present state."""

    def __init__(self) -> None:
        self.next_key = 1
        self._history: dict[int, list[HistoryRow]] = {}
        self._instances: dict[int, Instance] = {}
        self._circuits: dict[str, CircuitRow] = {}

    def apply(self, commit: Commit) -> None:
        """Take a commit's rows up."""
        for row in commit.history:
            self._history.setdefault(row.key, []).append(row)
        for instance in commit.runs:
            self._instances[instance.key] = instance
            self.next_key = max(self.next_key, instance.key + 1)
        for circuit in commit.circuits:
            self._circuits[circuit.name] = circuit
        for key in commit.purged:
            self._history.pop(key, None)
            self._instances.pop(key, None)

    def live(self) -> list[tuple[Instance, list[HistoryRow]]]:
        """Every execution that has not ended, with its whole history."""
        return [(one, list(self._history.get(key, ()))) for key, one in sorted(self._instances.items()) if not one.status.is_terminal]

    def ids(self) -> list[tuple[int, str, Status]]:
        """The newest execution of every instance id."""
        newest = {one.instance_id: one for _, one in sorted(self._instances.items())}
        return [(one.key, one.instance_id, one.status) for one in newest.values()]

    def history(self, key: int) -> list[HistoryRow]:
        """An execution's events, in order."""
        return list(self._history.get(key, ()))

    def instance(self, key: int) -> Instance | None:
        """The present state of one execution."""
        return self._instances.get(key)

    def instances(self, keys: Iterable[int]) -> list[Instance]:
        """The present state of these executions; unknown ones are left out."""
        return [self._instances[key] for key in sorted(keys) if key in self._instances]

    def find(self, instance_id: str) -> Instance | None:
        """The newest execution of an instance id."""
        found = [one for one in self._instances.values() if one.instance_id == instance_id]
        return max(found, key=lambda one: one.key, default=None)

    def children(self, key: int) -> list[Instance]:
        """The executions that this one started, by key."""
        return [one for _, one in sorted(self._instances.items()) if one.parent is not None and one.parent.key == key]

    def circuits(self) -> list[CircuitRow]:
        """The present state of every circuit."""
        return list(self._circuits.values())

    def ended_to_purge(self) -> list[tuple[int, str, datetime]]:
        """Nothing here is ever purged by itself."""
        return []

    def family(self, instance_id: str, *, recursive: bool) -> list[tuple[int, str]]:
        """All executions of an id, and with `recursive` those of its children, theirs, and so on."""
        found = {key: one.instance_id for key, one in self._instances.items() if one.instance_id == instance_id}
        size = 0
        while recursive and size < len(found):
            size = len(found)
            ids = set(found.values())
            for key, one in self._instances.items():
                if one.instance_id in ids or (one.parent is not None and one.parent.key in found):
                    found[key] = one.instance_id
        return sorted(found.items())
