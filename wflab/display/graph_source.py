"""The execution graph of a run as it goes on. Histories are read on from where they were read last, so that a picture costs what is new."""

from collections.abc import Collection
from datetime import UTC
from typing import Any

import msgspec

from wfengine.errors import InstanceNotFound, InvalidArgument
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wfengine.runtime.standing import Standing
from wflab import protocol
from wflab.analytics.asking import sentence, standing_of, state_of
from wflab.analytics.why import FREE
from wflab.display.graph_reading import Read
from wflab.display.source import no_such_question
from wflab.views.graph_calls import Wanted, detail_of, find_call, find_group, page_of
from wflab.views.graph_nodes import RunGraph
from wflab.views.graph_picture import Laying, graph_picture
from wflab.views.head import milliseconds

_MOST_OPEN = 200
_MOST_GENERATIONS = 24
_DEEPEST = 6
_GENERATIONS = """
    WITH own AS (SELECT key, generation, status, created_at, updated_at FROM executions WHERE instance_id = $id AND key <= $key)
    SELECT generation, status, created_at, updated_at, count(*) OVER () AS total FROM own
    WHERE key >= coalesce((SELECT max(key) FROM own WHERE generation = 0), 0) ORDER BY generation DESC LIMIT $most
"""


class GraphSource:
    """A source (see `source.Source`). What a page opens, it opens for all pages that show this view: what is shown is asked of the record here."""

    freezes = False

    def __init__(self, engine: Engine, instance_id: str) -> None:
        self.instance_id = instance_id
        self._engine = engine
        self._read: dict[str, Read] = {}
        self._expanded: set[str] = set()
        self._children: set[str] = set()
        self._path: tuple[str, ...] = ()
        self._laying = Laying()
        self._standing = FREE
        self._latest: protocol.GraphPicture | None = None

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Its run, and children that are expanded in it."""
        return self.instance_id in instance_ids or not self._children.isdisjoint(instance_ids)

    def picture(self) -> protocol.GraphPicture:
        """The run as it stands; once it is purged, as it stood."""
        try:
            self._latest = self._drawn()
        except InstanceNotFound:
            if self._latest is None:
                raise
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """`expand` a child in place or fold it, open a `scope`, `tidy` the places, list `calls` of a group, tell all about one `call`."""
        given = request.arguments
        match request.what:
            case "expand":
                group = str(given.get("group"))
                (self._expanded.add if given.get("open") else self._expanded.discard)(group)
                return None
            case "scope":
                self._path = tuple(str(step) for step in given.get("path", ()))
                return None
            case "tidy":
                self._laying.tidy()
                return None
            case "calls":
                wanted = _read_wanted(given)
                return msgspec.to_builtins(page_of(*find_group(self.graph(), wanted.group), wanted, self._engine.store.history_of_actions))
            case "call":
                run, home, index = find_call(self.graph(), str(given.get("span_id")))
                return msgspec.to_builtins(detail_of(run, home, index, self._engine.store.history_of_actions))
        raise no_such_question(request)

    def graph(self) -> RunGraph:
        """The groups of the run and of what is expanded in it, read up to now. Raises InstanceNotFound."""
        self._children.clear()
        return self._followed(state_of(self._engine, self.instance_id), "", 0)

    def _drawn(self) -> protocol.GraphPicture:
        engine = self._engine
        run = self.graph()
        instance = run.instance
        read = self._read[""]
        missing = not read.is_registered and not run.is_over and not run.fold.groups
        strips = [f"waiting for a worker: none registered for `{instance.name}`"] if missing else []
        generations, total = self._generations(instance)
        return graph_picture(
            run,
            read.ends,
            now=engine.now(),
            why=self._why(run, self._standing),
            ticks=not engine.virtual_time.is_on,
            path=self._path,
            generations=generations,
            generations_total=total,
            strips=strips,
            laying=self._laying,
            important=engine.registry.of_importance("high"),
        )

    def _followed(self, instance: Instance, parent_group: str, depth: int) -> RunGraph:
        read = self._read.get(parent_group)
        if read is None or read.key != instance.key:
            read = self._read[parent_group] = Read(self._engine, instance, parent_group)
        standing = standing_of(self._engine, instance)  # before the history: see `asking`
        if not depth:
            self._standing = standing
        read.on(instance)
        run = RunGraph(instance=instance, fold=read.fold, sites=read.sites, held_up=[held.event_id for held in standing.held_up])
        for group in [] if depth >= _DEEPEST else [name for name in self._expanded if name in read.fold.groups]:
            child = self._child(run, group)
            if child is not None:
                self._children.add(child.instance_id)
                run.inner[group] = self._followed(child, group, depth + 1)
        return run

    def _child(self, run: RunGraph, group: str) -> Instance | None:
        """The worst of the group's children, as its node names it."""
        drafts = [draft for draft in run.fold.groups[group].drafts if draft.child_id]
        if not drafts:
            return None
        place = min(range(len(drafts)), key=lambda index: run.fold.groups[group].states[index])
        return self._engine.get_workflow_state(drafts[place].child_id or "")

    def _why(self, run: RunGraph, standing: Standing) -> str:
        """The sentence; of very many open calls their node says enough."""
        steps = None if run.is_over else run.fold.open_steps(_MOST_OPEN)
        return "" if steps is None else sentence(self._engine, run.instance, steps, standing)

    def _generations(self, instance: Instance) -> tuple[list[protocol.Generation], int]:
        if instance.generation == 0 and instance.status != "CONTINUED_AS_NEW":
            return [], 0
        with self._engine.store.cursor() as cursor:
            given = {"id": instance.instance_id, "key": instance.key, "most": _MOST_GENERATIONS}
            found = cursor.execute(_GENERATIONS, given).fetchall()
        told = [
            protocol.Generation(number=number, state=status, began=_ms(began), ended=_ms(changed) if status == "CONTINUED_AS_NEW" else None)
            for number, status, began, changed, _ in reversed(found)
        ]
        return told, found[0][4] if found else 0


def _read_wanted(given: Any) -> Wanted:
    try:
        return msgspec.convert(given, type=Wanted)
    except msgspec.ValidationError as error:
        raise InvalidArgument(f"These calls cannot be asked for: {error}.") from None


def _ms(at: Any) -> float:
    return milliseconds(at if at.tzinfo else at.replace(tzinfo=UTC))
