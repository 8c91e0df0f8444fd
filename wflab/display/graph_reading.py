"""One execution's history, read on from where it was read last, and the source that its calls are placed in."""

from functools import cached_property

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wflab.analytics.call_sites import call_sites, planned_of
from wflab.analytics.race_rounds import races_in
from wflab.analytics.sources import source_of
from wflab.views.group_fold import GroupFold

_REGISTERED = "SELECT source FROM definitions WHERE kind = 'workflow' AND name = $name ORDER BY position DESC LIMIT 1"


class Read:
    """One execution, read so far."""

    def __init__(self, engine: Engine, instance: Instance, parent_group: str) -> None:
        self._engine = engine
        self._parent_group = parent_group
        self.instance = instance
        self.key = instance.key
        self.ends: list[HistoryRow] = []  # the first and the last row
        self.is_registered = True
        self._is_certain = False
        self._asked: set[str | None] = set()
        self._source: str | None = None
        self._begin(None)

    def on(self, instance: Instance) -> None:
        """Read what is new."""
        self.instance = instance
        if not self._is_certain:
            self._find_source()
        rows = self._engine.store.history(self.key, self.fold.rows)
        if rows:
            self.fold.take(rows)
            self.ends = [self.ends[0] if self.ends else rows[0], rows[-1]]

    def _find_source(self) -> None:
        """Before its first turn a run's source is what is registered, or was when a lab was open last."""
        recorded = self._recorded()
        self._is_certain = recorded is not None or self.instance.status.is_terminal
        definition = self._engine.registry.find("workflow", self.instance.name, self.instance.code_hash, app_id=self.instance.app_id)
        self.is_registered = definition is not None
        found = recorded or (definition.source if definition is not None else self._last_registered)
        if found != self._source:
            self._begin(found)

    def _recorded(self) -> str | None:
        """What the record has of the code that runs now. That it has nothing is remembered: code elsewhere never has a source here."""
        code_hash = self.instance.code_hash
        if code_hash in self._asked:
            return None
        source = source_of(self._engine, self.key)
        if code_hash is None or source.is_recorded:
            self._asked.add(code_hash)
        return source.text

    @cached_property
    def _last_registered(self) -> str | None:
        """Nobody else registers anything in this record while it is open here."""
        with self._engine.store.cursor() as cursor:
            found = cursor.execute(_REGISTERED, {"name": self.instance.name}).fetchone()
        return None if found is None else found[0]

    def _begin(self, source: str | None) -> None:
        self._source = source
        self.sites = None if source is None else planned_of(source)
        self.fold = GroupFold(self.instance.name, call_sites(source), self._parent_group, raced=races_in(source))
