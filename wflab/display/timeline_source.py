"""The timeline of a run as it goes on: its spans, those of its children and of the generations before, and questions about them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pandas as pd

from wfengine.errors import EnginePaused, InstanceNotFound, InvalidArgument
from wfengine.model import history as h
from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.runtime.standing import Standing
from wflab import protocol
from wflab.analytics.asking import sentence, standing_of, state_of
from wflab.analytics.call_sites import call_sites
from wflab.analytics.race_rounds import races_in
from wflab.analytics.sources import source_of
from wflab.analytics.span import Span
from wflab.analytics.span_fold import SpanFold
from wflab.analytics.span_frames import spans_frame
from wflab.analytics.step import Step
from wflab.display.baseline import baseline_of
from wflab.display.source import no_such_question
from wflab.views.head import milliseconds
from wflab.views.payloads import payload_of
from wflab.views.span_table import SpanTable
from wflab.views.timeline_calls import Calls, calls_in, times_of_group
from wflab.views.timeline_picture import timeline_of

MOST_RELATIVES = 200
_MOST_OPEN = 200
_DEEPEST = 4
_MOST_GENERATIONS = 20
_GENERATIONS = """
    SELECT key FROM executions WHERE instance_id = $id AND key < $key ORDER BY key DESC LIMIT $most
"""


class _Read:
    """One execution, read so far."""

    def __init__(self, engine: Engine, instance: Instance) -> None:
        self._engine = engine
        self._source: object = None
        self._fold = SpanFold(instance)
        self.ended: list[Span] | None = None  # once it has ended

    def spans(self, instance: Instance, standing: Standing) -> list[Span]:
        """All of its spans, by reading what is new. Before its first turn nobody knows which source it will run."""
        source = source_of(self._engine, instance.key)
        if source != self._source:
            self._source = source
            self._fold = SpanFold(instance, sites=call_sites(source.text), races=races_in(source.text), file=source.origin)
        self._fold.take(self._engine.store.history(instance.key, self._fold.rows))
        spans = self._fold.spans(instance, held_up=[held.event_id for held in standing.held_up])
        self.ended = spans if instance.status in TERMINAL else None
        return spans

    @property
    def ends(self) -> list[HistoryRow]:
        """The first and the last row."""
        return [row for row in (self._fold.first, self._fold.last) if row is not None]

    @property
    def turns(self) -> list[datetime]:
        """When its code ran."""
        return list(self._fold.turns.values())

    def open_steps(self) -> list[Step] | None:
        """What it waits for; None where that is too much for a sentence."""
        return self._fold.open_steps(_MOST_OPEN)


class TimelineSource:
    """A source (see `source.Source`). `against` is a run to compare with, else the last 100 of the same version; `selection` what a person marked last."""

    freezes = False

    def __init__(self, engine: Engine, instance_id: str, *, against: str | None = None) -> None:
        self.instance_id = instance_id
        self.selection: pd.DataFrame = spans_frame([])
        self._engine = engine
        self._against = against
        self._places: dict[str, int] = {}
        self._read: dict[int, _Read] = {}
        self._relatives: set[str] = set()
        self._table = SpanTable()
        self._calls: Calls | None = None
        self._latest: protocol.TimelinePicture | None = None

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Its run, and the children in it."""
        return self.instance_id in instance_ids or not self._relatives.isdisjoint(instance_ids)

    def picture(self) -> protocol.TimelinePicture:
        """The run as it stands; while the record cannot be read, or once it is purged, as it stood."""
        try:
            self._latest = self._drawn()
        except (EnginePaused, InstanceNotFound) as error:
            if self._latest is None:
                raise
            gone = "history purged; what was seen last" if isinstance(error, InstanceNotFound) else str(error)
            return msgspec.structs.replace(self._latest, why=gone, left_out=[gone], ticks=False)
        return self._latest

    def spans(self) -> list[Span]:
        """All that the last picture was made of."""
        if self._latest is None:
            self.picture()
        return self._table.spans

    def answer(self, request: protocol.Request) -> Any:
        """`bins` of groups over stretches, the `detail` of a span, the `baseline`, and `select`, which fills `selection`."""
        given = request.arguments
        match request.what:
            case "bins":
                return msgspec.to_builtins(
                    self._bins(msgspec.convert(given.get("stretches"), list[protocol.Stretch]), given.get("groups", ()))
                )
            case "detail":
                return msgspec.to_builtins(self._detail(str(given.get("span_id"))))
            case "baseline":
                instance = state_of(self._engine, self.instance_id)
                return msgspec.to_builtins(baseline_of(self._engine, instance, self._against))
            case "select":
                return msgspec.to_builtins(self._select(given))
        raise no_such_question(request)

    def _drawn(self) -> protocol.TimelinePicture:
        engine = self._engine
        instance = state_of(engine, self.instance_id)
        standing = standing_of(engine, instance)
        read = self._reading(instance)
        spans = read.spans(instance, standing)
        steps = None if instance.status in TERMINAL else read.open_steps()
        why = "" if steps is None else sentence(engine, instance, steps, standing)
        relatives, left_out = self._others(instance, spans)
        self._calls = None
        return timeline_of(
            instance,
            read.ends,
            self._in_order(spans, relatives),
            now=engine.now(),
            why=why,
            ticks=not engine.virtual_time.is_on,
            like=self._latest,
            left_out=left_out,
            turns=read.turns,
            table=self._table,
            limits=_limits_of(engine.limits),
            minor=engine.registry.of_importance("low"),
            major=engine.registry.of_importance("high"),
        )

    def _in_order(self, spans: list[Span], relatives: list[Span]) -> Sequence[Span]:
        """In the order in which they were seen first, so that what is new comes last and a change stays small."""
        places = self._places
        every = [*spans, *relatives]
        for span in every:
            places.setdefault(span.span_id, len(places))
        return sorted(every, key=lambda span: places[span.span_id])

    def _reading(self, instance: Instance) -> _Read:
        return self._read.setdefault(instance.key, _Read(self._engine, instance))

    def _others(self, instance: Instance, spans: list[Span]) -> tuple[list[Span], list[str]]:
        """The spans of children, of theirs, and of the generations before; as many as there is room for."""
        with self._engine.store.cursor() as cursor:
            # an id may have been used before by a run that has ended, whose generations are not of this one's
            wanted = {"id": instance.instance_id, "key": instance.key, "most": min(instance.generation, _MOST_GENERATIONS)}
            before = [row[0] for row in cursor.execute(_GENERATIONS, wanted).fetchall()] if instance.generation else []
        found: list[Span] = []
        for key in reversed(before):
            one = self._engine.store.instance(key)
            if one is not None:
                found += self._spans_of(one)
        waiting = [(1, span) for span in [*spans, *found] if span.kind == "child" and span.outcome not in {"detached", "refused"}]
        count = 0
        hidden = 0
        while waiting:
            depth, span = waiting.pop(0)
            if depth > _DEEPEST or count >= MOST_RELATIVES:
                hidden += 1
                continue
            child = None if span.child_id is None else self._engine.get_workflow_state(span.child_id)
            if child is None or child.parent is None or f"{child.parent.key}:a{child.parent.task_id}" != span.span_id:
                continue
            count += 1
            self._relatives.add(child.instance_id)
            inner = self._spans_of(child)
            found += inner
            waiting += [(depth + 1, other) for other in inner if other.kind == "child"]
        notes = [f"{hidden:,} child workflows are not opened"] if hidden else []
        if instance.generation > len(before):
            notes.append(f"{instance.generation - len(before):,} earlier generations are not shown")
        return found, notes

    def _spans_of(self, instance: Instance) -> list[Span]:
        read = self._reading(instance)
        return read.spans(instance, standing_of(self._engine, instance)) if read.ended is None else read.ended

    def _bins(self, stretches: list[protocol.Stretch], groups: Collection[str]) -> protocol.Bins:
        if sum(stretch.columns for stretch in stretches) > 10_000:  # noqa: PLR2004  # no screen is so wide
            raise InvalidArgument("Bins are for the columns of a screen: at most 10,000.")
        if self._latest is None:
            self.picture()
        calls = self._calls = self._calls or calls_in(self._table)
        end = self._latest.end if self._latest else 0.0
        found = {key: times_of_group(self._table, calls, key, end) for key in groups}
        return protocol.Bins(groups={key: times.bins(stretches) for key, times in found.items() if times is not None})

    def _detail(self, span_id: str) -> protocol.SpanDetail:
        span = next((span for span in self.spans() if span.span_id == span_id), None)
        if span is None:
            raise InvalidArgument("This call is not in the record any more.")
        events: list[HistoryRow] = self._engine.store.history(span.execution)
        found = protocol.SpanDetail()
        for event in (row.event for row in events):
            match event:
                case h.TaskScheduled() | h.ChildWorkflowInstanceCreated() if event.event_id == span.event_id:
                    found = msgspec.structs.replace(found, input=payload_of(event.input))
                case h.TaskCompleted() | h.ChildWorkflowInstanceCompleted() if event.task_scheduled_id == span.event_id:
                    found = msgspec.structs.replace(found, output=payload_of(event.result))
                case h.TaskFailed() | h.ChildWorkflowInstanceFailed() if event.task_scheduled_id == span.event_id:
                    found = msgspec.structs.replace(found, error=event.failure.stack_trace or event.failure.message)
                case h.EventRaised() if span.kind == "event_wait" and event.name.casefold() == span.name.casefold() and _is_at(event, span):
                    found = msgspec.structs.replace(found, output=payload_of(event.input))
                case h.ExecutionStarted() if span.kind == "workflow":
                    found = msgspec.structs.replace(found, input=payload_of(event.input))
                case h.ExecutionCompleted() if span.kind == "workflow":
                    trace = event.failure.stack_trace or event.failure.message if event.failure else None
                    found = msgspec.structs.replace(found, output=payload_of(event.output), error=trace)
        return found

    def _select(self, given: Mapping[str, Any]) -> protocol.Selected:
        since, until = _moment(given.get("since")), _moment(given.get("until"))
        calls, groups = set(given.get("calls", ())), set(given.get("groups", ()))
        chosen = [
            span
            for span in self.spans()
            if (span.call_id in calls or span.group_key in groups)
            and span.queued_at <= until
            and (span.ended_at is None or span.ended_at >= since)
        ]
        self.selection = spans_frame(chosen)
        return protocol.Selected(count=len(chosen))


def _limits_of(limits: Limits) -> dict[str, int]:
    """By the activity's name, "" for all."""
    return {**limits.activities, **({} if limits.most_activities is None else {"": limits.most_activities})}


def _is_at(event: h.EventRaised, span: Span) -> bool:
    return span.ended_at is not None and milliseconds(event.occurred_at) == milliseconds(span.ended_at)


def _moment(ms: object) -> datetime:
    if not isinstance(ms, int | float):
        raise InvalidArgument("A selection has a begin and an end, in milliseconds.")
    return datetime.fromtimestamp(ms / 1000, UTC)
