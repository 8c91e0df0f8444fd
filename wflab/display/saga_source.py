"""The saga of a run as it goes on, what would have been if another step had failed, and what people do about undos that did not work."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import msgspec

from wfengine.errors import EnginePaused, InstanceNotFound, InvalidArgument, WflabError
from wfengine.model import history as h
from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.payload import from_json
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.analytics.asking import sentence, standing_of, state_of, steps_now
from wflab.analytics.call_sites import call_sites
from wflab.analytics.saga_acts import UndoActs, Verb
from wflab.analytics.saga_rehearsal import Injected, Part, rehearse
from wflab.analytics.saga_trace import Pair, Trace
from wflab.analytics.sources import source_of
from wflab.display.source import no_such_question
from wflab.undoing import Undoing
from wflab.views.saga_picture import detail_of, saga_picture, story_of

MOST_MEMBERS = 200


class _Read(NamedTuple):
    """What was read of a run."""

    instance: Instance
    rows: list[HistoryRow]
    acts: dict[str, UndoActs]
    trace: Trace


class SagaSource:
    """A source (see `source.Source`)."""

    freezes = False

    def __init__(self, engine: Engine, undoing: Undoing, instance_id: str) -> None:
        self.instance_id = instance_id
        self._engine = engine
        self._undoing = undoing
        self._retries: set[str] = set()
        self._latest: protocol.SagaPicture | None = None
        self._ended: _Read | None = None

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Its run, and the runs that retry its compensations."""
        return self.instance_id in instance_ids or not self._retries.isdisjoint(instance_ids)

    def picture(self) -> protocol.SagaPicture:
        """The run as it stands; while the record cannot be read, or once it is purged, as it stood."""
        try:
            self._latest = self._drawn()
        except (EnginePaused, InstanceNotFound) as error:
            if self._latest is None:
                raise
            gone = "history purged; what was seen last" if isinstance(error, InstanceNotFound) else str(error)
            return msgspec.structs.replace(self._latest, why=gone, ticks=False)
        return self._latest

    def trace(self) -> Trace:
        """The pairs. Raises InstanceNotFound."""
        return self._read().trace

    def answer(self, request: protocol.Request) -> Any:
        """All about a `pair`, the `members` of a group, a `rehearsal` with another step failing, and `act`, with its dry run."""
        given = request.arguments
        match request.what:
            case "pair":
                return msgspec.to_builtins(detail_of(self._pair(str(given.get("pair")))))
            case "members":
                return self._members(str(given.get("pair")))
            case "rehearsal":
                return msgspec.to_builtins(self.rehearsal(int(given.get("place", -1))))
            case "act":
                return msgspec.to_builtins(self._act(given))
        raise no_such_question(request)

    def rehearsal(self, place: int) -> protocol.SagaStory:
        """What would be undone if the step at this place among those of `failing` had failed: played with what this run recorded, no activity runs.

        Raises InvalidArgument where the workflow is not defined in this kernel, or does not come to that step.
        """
        instance = state_of(self._engine, self.instance_id)
        rows = self._engine.store.history(instance.key)
        failing = [pair.step for pair in self.trace().pairs if pair.call is not None]
        if not 0 <= place < len(failing):
            raise InvalidArgument("This run has no such step.")
        part = self._part(instance, rows)
        name = failing[place]
        number = Counter(failing[: place + 1])[name]
        calls = [call for call in rehearse(part).calls if call.name == name and not call.is_undo]
        if len(calls) < number:
            raise InvalidArgument(f"With what this run recorded the workflow does not come to {name} when it is played again.")
        went = rehearse(part, Injected(identity=calls[number - 1].identity, how="fails"))
        return story_of(went.traces[-1], went.outcome.history[0].occurred_at)

    def act(self, verb: Verb, wanted: str, *, why: str = "", count: int | None = None, input: Any = None, where: str) -> list[str]:
        """Carry out an act on the pairs of this name (a step's, an undo's, or an id); `input` holds the new input in a list. Gives the runs of retries.

        Raises InvalidArgument where none is meant, or several and `count` does not say how many.
        """
        pairs = self._meant(wanted)
        if len(pairs) != (1 if count is None else count):
            ids = ", ".join(pair.id for pair in pairs[:8])
            raise InvalidArgument(
                f"{len(pairs)} of {wanted} are meant ({ids}{', ...' if len(pairs) > 8 else ''}). "  # noqa: PLR2004  # a line of ids
                f"For all of them: .{verb}({wanted!r}, ..., count={len(pairs)}); for one, its id."
            )
        return self._carry_out(verb, pairs, why, input, where)

    def _drawn(self) -> protocol.SagaPicture:
        engine = self._engine
        instance, rows, _, trace = self._read()
        why = ""
        if instance.status not in TERMINAL:
            standing = standing_of(engine, instance)
            why = sentence(engine, instance, steps_now(engine, instance, rows, standing), standing)
        return saga_picture(instance, rows, trace, now=engine.now(), why=why, ticks=not engine.virtual_time.is_on)

    def _read(self) -> "_Read":
        """The run and its saga; of a run that has ended only what people did since is read again."""
        instance = state_of(self._engine, self.instance_id)
        acts = self._undoing.acts(instance.key)
        ended = self._ended
        if ended is not None and ended.instance == instance and ended.acts == acts:
            return ended
        is_known = ended is not None and ended.instance == instance
        rows = ended.rows if ended is not None and is_known else self._engine.store.history(instance.key)
        read = _Read(instance, rows, acts, self._undoing.trace_of(instance, rows, acts))
        self._retries = {act.run for one in acts.values() for act in one.acts if act.run}
        if instance.status in TERMINAL:
            self._ended = read
        return read

    def _pair(self, wanted: str) -> Pair:
        found = next((pair for pair in self.trace().pairs if pair.id == wanted), None)
        if found is None:
            raise InvalidArgument("This pair is not in the record any more.")
        return found

    def _meant(self, wanted: str) -> list[Pair]:
        pairs = self.trace().pairs
        by_id = [pair for pair in pairs if pair.id == wanted]
        named = by_id or [pair for pair in pairs if wanted in {pair.step, pair.undo}]
        if not named:
            known = ", ".join(dict.fromkeys(pair.undo or pair.step for pair in pairs)) or "nothing"
            raise InvalidArgument(f"No step and no undo of this run is called {wanted!r}; there are {known}.")
        return [pair for pair in named if pair.is_left] or named[:1]  # one that needs nothing says so itself

    def _members(self, first: str) -> list[dict[str, Any]]:
        """The calls of a group, those that are not clean first."""
        pairs = self.trace().pairs
        place = next((place for place, pair in enumerate(pairs) if pair.id == first), None)
        if place is None:
            raise InvalidArgument("This group is not in the record any more.")
        members = []
        for pair in pairs[place:]:
            if pair.step != pairs[place].step:
                break
            members.append(pair)
        members.sort(key=lambda pair: not pair.needs_attention)
        return [
            {"id": pair.id, "step": pair.step, "forward": pair.forward, "undo": pair.undo or "", "backward": pair.backward}
            for pair in members[:MOST_MEMBERS]
        ]

    def _act(self, given: Any) -> protocol.SagaActed:
        verb, wanted, why, count = given.get("verb"), given.get("pairs"), str(given.get("why") or ""), given.get("count")
        if verb not in {"retry", "skip", "resolve"} or not isinstance(wanted, list):
            raise InvalidArgument("An act is retry, skip or resolve, on pairs.")
        by_id = {pair.id: pair for pair in self.trace().pairs}
        pairs = [by_id[one] for one in wanted if one in by_id and by_id[one].is_left]
        if count is None:
            return protocol.SagaActed(count=len(pairs), pairs=[pair.undo or pair.step for pair in pairs], done=False, told="")
        if count != len(pairs) or not pairs:
            raise InvalidArgument(f"It is {len(pairs)} now, not {count}. Nothing was done; look again.")
        self._carry_out(verb, pairs, why, None, "saga view")
        names = ", ".join(dict.fromkeys(pair.undo or pair.step for pair in pairs))
        told = {"retry": f"{names} is called again", "skip": f"{names} is skipped", "resolve": f"{names} is marked as settled"}[verb]
        return protocol.SagaActed(count=len(pairs), pairs=[pair.id for pair in pairs], done=True, told=told)

    def _carry_out(self, verb: Verb, pairs: Sequence[Pair], why: str, input: Any, where: str) -> list[str]:
        runs = []
        for done, pair in enumerate(pairs):
            try:
                if verb == "retry":
                    changed = {"input": input[0]} if isinstance(input, list) else {}
                    runs.append(self._undoing.retry(self.instance_id, pair, where=where, **changed))
                else:
                    self._undoing.settle(self.instance_id, pair, verb, why, where=where)
            except WflabError as error:
                if not done:
                    raise
                raise InvalidArgument(f"{done} of {len(pairs)} were done, then: {error}") from error
        return runs

    def _part(self, instance: Instance, rows: Sequence[HistoryRow]) -> Part:
        """This run, to be rehearsed with what it recorded."""
        registry = self._engine.registry
        definition = registry.find("workflow", instance.name, instance.code_hash, app_id=instance.app_id)
        if definition is None:
            raise InvalidArgument(
                f"Workflow {instance.name!r} is not defined in this kernel. Run the cell that defines it, then try again."
            )
        recorded: defaultdict[str, list[str | None]] = defaultdict(list)
        for step in steps_now(self._engine, instance, list(rows), standing_of(self._engine, instance)):
            if step.kind in {"activity", "child"} and step.state == "COMPLETED":
                recorded[step.name].append(step.result)
        events = [(row.event.name, from_json(row.event.input)) for row in rows if isinstance(row.event, h.EventRaised)]
        source = source_of(self._engine, instance.key).text
        return Part(
            name=instance.name,
            function=definition.function,
            input=from_json(instance.input),
            recorded=recorded,
            events=events,
            sites=call_sites(source or definition.source),
            find=lambda name: registry.find("workflow", name),
        )
