"""Where the inbox gets its pictures from: the waits that the engine has in mind, with what people noted of them."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime
from typing import Any

import msgspec

from wfengine.errors import EngineStopped, InvalidArgument
from wfengine.model.instance import TERMINAL, Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.operations import Awaited
from wflab import protocol
from wflab.analytics.asking import standing_of, state_of, steps_now
from wflab.analytics.durations import span_text
from wflab.analytics.sources import source_of
from wflab.answers import complaints
from wflab.decisions import Decided, Decisions
from wflab.display.source import no_such_question
from wflab.protocol.inbox import BulkOutcome, InboxDetail, InboxOutcome, InboxPicture
from wflab.views.graph import execution_graph
from wflab.views.head import milliseconds
from wflab.views.inbox_picture import NO_NOTES, PAGE, Notes, inbox_picture, items_of, ordered, started_of, what_next
from wflab.views.markdown import tree_of
from wflab.views.payloads import one_line
from wflab.views.picture import drawn_graph

NOTED = ("delegate", "snooze", "wake", "ignore", "restore")
MOST_LISTED = 20
BULK_SECONDS = 25.0
_MOST_STEPS = 8
_MOST_HISTORY = 50
_MOST_OUTPUTS = 3
_NOTES = "SELECT instance, what, why FROM audit WHERE split_part(what, ' ', 1) IN (SELECT unnest($noted)) ORDER BY position"
_HISTORY = "SELECT occurred_at, who, what, from_where, why FROM audit WHERE instance_id = $id ORDER BY position DESC LIMIT $most"
_RECENT = """
    SELECT instance_id, status, created_at, updated_at FROM instances
    WHERE name = $name AND status IN (SELECT unnest($over)) ORDER BY key DESC LIMIT 3
"""
_OTHERS = "SELECT count(*) FROM instances WHERE status IN ('RUNNING', 'SUSPENDED', 'STALLED', 'PENDING')"


class InboxSource:
    """A source (see `source.Source`)."""

    instance_id = None
    freezes = False

    def __init__(self, engine: Engine, decisions: Decisions, *, lab: str, user: Callable[[], str]) -> None:
        self._engine = engine
        self._decisions = decisions
        self._lab = lab
        self._user = user
        self._waiting: list[Awaited] = []
        self._notes: dict[tuple[int, int], Notes] = {}
        self._notes_of = -1
        self._latest: InboxPicture | None = None

    def concerns(self, _: Collection[str]) -> bool:
        """Whatever happens may open a wait, or close one."""
        return True

    def picture(self) -> InboxPicture:
        """All that wait for an answer; once the engine has stopped, those that did."""
        engine = self._engine
        try:
            self._waiting = ordered(engine.awaited())
        except EngineStopped as stopped:
            if self._latest is None:
                raise
            return msgspec.structs.replace(self._latest, trouble=str(stopped), ticks=False)
        self._latest = inbox_picture(
            self._waiting,
            self._noted(),
            lab=self._lab,
            user=self._user(),
            now=engine.now(),
            ticks=not engine.virtual_time.is_on,
            others=0 if self._waiting else self._others(),
            trouble=engine.trouble,
        )
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """`page`s of a group, the `detail` or the `outcome` of an item, `note`s on it, and `bulk` answers with their dry run."""
        given = request.arguments
        match request.what:
            case "page":
                return self._page(given)
            case "detail":
                return msgspec.to_builtins(self._detail(*_key_of(given), str(given.get("event"))))
            case "outcome":
                key, wait_id, instance_id = *_key_of(given)[:2], str(given.get("instance_id"))
                decided = self._decisions.outcome(instance_id, wait_id, str(given.get("event")), key=key)
                return msgspec.to_builtins(_outcome(decided))
            case "note":
                return self._note(given)
            case "bulk":
                return msgspec.to_builtins(self._bulk(given))
        raise no_such_question(request)

    # What is asked.

    def _page(self, given: Mapping[str, Any]) -> dict[str, Any]:
        chosen = self._group(given)
        first = max(0, int(given.get("first", 0)))
        schemas: dict[str, int] = {}
        items = items_of(chosen[first : first + PAGE], self._noted(), schemas)
        return {"items": msgspec.to_builtins(items), "schemas": list(schemas), "total": len(chosen), "first": first}

    def _group(self, given: Mapping[str, Any]) -> list[Awaited]:
        """Those of one workflow and event; all where none is named."""
        workflow, event = given.get("workflow"), given.get("of_event")
        return [one for one in self._waiting if workflow is None or (one.instance.name, one.wait.name) == (workflow, event)]

    def _detail(self, key: int, wait_id: str, instance_id: str, event: str) -> InboxDetail:
        engine = self._engine
        instance = state_of(engine, instance_id)
        if instance.key != key:
            raise InvalidArgument(f"{wait_id} of {instance_id} was asked by an earlier use of this id.")
        steps = steps_now(engine, instance, engine.store.history(key), standing_of(engine, instance))
        asked = (one.wait for one in self._waiting if (one.instance.key, f"a{one.event.event_id}") == (key, wait_id))
        wait = next(asked, None)
        is_over = instance.status in TERMINAL
        graph = execution_graph(steps, ended=is_over)
        here = next((group.id for group in graph.groups if any(step.id == wait_id for step in group.steps)), "")
        following, late = what_next(source_of(engine, key).text, event)
        over = [str(status) for status in TERMINAL if status is not Status.CONTINUED_AS_NEW]
        with engine.store.cursor() as cursor:
            recent = cursor.execute(_RECENT, {"name": instance.name, "over": over}).fetchall()
            history = cursor.execute(_HISTORY, {"id": instance_id, "most": _MOST_HISTORY}).fetchall()
        return InboxDetail(
            status=instance.status.value,
            started=started_of(instance),
            input="" if instance.input is None else one_line(instance.input),
            steps=[(step.name, step.kind, step.state.value) for step in steps[-_MOST_STEPS:]],
            steps_total=len(steps),
            recent=[(found, status, span_text((ended - begun).total_seconds())) for found, status, begun, ended in recent],
            next=following,
            on_timeout=late,
            outputs=[(step.name, one_line(step.result)) for step in steps if step.result is not None][-_MOST_OUTPUTS:],
            graph=drawn_graph(instance, graph, is_over=is_over),
            here=here,
            description=[] if wait is None or not wait.description else tree_of(wait.description),
            history=[(milliseconds(at.replace(tzinfo=UTC)), who, what, where or "", why or "") for at, who, what, where, why in history],
        )

    def _note(self, given: Mapping[str, Any]) -> None:
        key, wait_id, instance_id = _key_of(given)
        verb, value = str(given.get("verb")), given.get("value")
        if verb not in NOTED:
            raise InvalidArgument(f"{verb!r} is nothing to note; there are {', '.join(NOTED)}.")
        if verb == "delegate" and not str(value or "").strip():
            raise InvalidArgument("Say to whom: a name.")
        if verb == "snooze":
            if not isinstance(value, int | float):
                raise InvalidArgument("Say until when.")
            value = datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
        what = f"{verb} {given.get('event')} {wait_id}"
        why = None if value is None else str(value).strip()
        self._decisions.note(instance_id, what, where="inbox", why=why, key=key).result(10)
        self._notes_of = -1

    def _bulk(self, given: Mapping[str, Any]) -> BulkOutcome:
        """Answer many at once. Without the right `count` it is a dry run: so many wait for this, and here is the beginning of the list."""
        wanted = set(given["ids"]) if isinstance(given.get("ids"), list) else None
        data, verb = given.get("data"), str(given.get("verb"))
        chosen = [one for one in self._group(given) if wanted is None or f"{one.instance.key}.a{one.event.event_id}" in wanted]
        fitting = [one for one in chosen if not complaints(one.wait.schema, data)]
        unfit = [one for one in chosen if complaints(one.wait.schema, data)]
        result = BulkOutcome(
            count=len(fitting),
            would=[(one.wait.title or one.wait.name, one.instance.instance_id) for one in fitting[:MOST_LISTED]],
            wrong=[
                (one.instance.instance_id, "; ".join(what for _, what in complaints(one.wait.schema, data))) for one in unfit[:MOST_LISTED]
            ],
        )
        if given.get("count") is None:
            return result
        if given["count"] != len(fitting):
            raise InvalidArgument(f"{len(fitting):,} wait for this now, not {given['count']}. Nothing was answered; look again.")
        if verb not in {"approve", "reject", "respond"}:
            raise InvalidArgument(f"{verb!r} is no answer for many.")
        decided: list[Future[Decided]] = [
            self._decisions.decide(
                one.instance.instance_id,
                f"a{one.event.event_id}",
                one.wait.name,
                data,
                verb=verb,
                where="inbox, many at once",
                comment=given.get("comment") or None,
                key=one.instance.key,
            )
            for one in fitting
        ]
        wait_for(decided, BULK_SECONDS)
        ended = [one for one in decided if one.done() and one.exception() is None]
        won = sum(one.result().won for one in ended)
        return msgspec.structs.replace(result, won=won, lost=len(ended) - won)

    # What is read.

    def _noted(self) -> dict[tuple[int, int], Notes]:
        """Read anew once something was noted since."""
        made = self._decisions.notes_made
        if made != self._notes_of and self._engine.trouble is None:
            with self._engine.store.cursor() as cursor:
                rows = cursor.execute(_NOTES, {"noted": list(NOTED)}).fetchall()
            self._notes = notes_of(rows)
            self._notes_of = made
        return self._notes

    def _others(self) -> int:
        if self._engine.trouble is not None:
            return 0
        with self._engine.store.cursor() as cursor:
            found = cursor.execute(_OTHERS).fetchone()
        return 0 if found is None else int(found[0])


def notes_of(rows: list[tuple[int | None, str, str | None]]) -> dict[tuple[int, int], Notes]:
    """From rows of `audit`, oldest first, to what they come to for each wait."""
    notes: dict[tuple[int, int], Notes] = {}
    for execution, what, why in rows:
        verb, _, rest = what.partition(" ")
        wait_id = rest.rpartition(" ")[2]
        if execution is None or not wait_id.startswith("a") or not wait_id[1:].isdecimal():
            continue
        place = (execution, int(wait_id[1:]))
        changes: dict[str, dict[str, Any]] = {
            "delegate": {"assignee": why or ""},
            "snooze": {"snoozed": _moment(why)},
            "wake": {"snoozed": None},
            "ignore": {"is_ignored": True},
            "restore": {"is_ignored": False},
        }
        notes[place] = msgspec.structs.replace(notes.get(place, NO_NOTES), **changes.get(verb, {}))
    return notes


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text or "")
    except ValueError:
        return None


def _key_of(given: Mapping[str, Any]) -> tuple[int, str, str]:
    key, wait_id, instance_id = given.get("key"), given.get("wait_id"), given.get("instance_id")
    if not isinstance(key, int) or not isinstance(wait_id, str) or not isinstance(instance_id, str):
        raise InvalidArgument("Which item is meant is told by key, wait_id and instance_id.")
    return key, wait_id, instance_id


def _outcome(decided: Decided) -> InboxOutcome:
    return InboxOutcome(reason=decided.reason, who=decided.who, verb=decided.verb, at=milliseconds(decided.at))
