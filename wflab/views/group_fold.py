"""A history gathered into groups of calls, one for each call-site, row by row: what the graph knows of a run without looking at each call again.

A picture of a hundred thousand calls is made four times a second from these columns; only rows that are new since the last picture are read.
Order matters: a group's place in `groups` is where it appeared, and nothing before it ever depends on what comes after.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from math import nan

import numpy as np

from wfengine.model.failure import FailureDetails
from wfengine.model.history import ExecutionResumed, ExecutionSuspended, PatchRecorded
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import CallSite, Sites
from wflab.analytics.draft import Draft, finished, standing_of
from wflab.analytics.fingerprints import fingerprint
from wflab.analytics.race_rounds import NO_RACES, KnownRaces
from wflab.analytics.step import START, Step, StepState
from wflab.analytics.step_fold import StepFold
from wflab.views.head import milliseconds
from wflab.views.marks import Mark, Marks
from wflab.views.palette import BADNESS
from wflab.views.race_fold import Races, Round

CODES = {state: code for code, state in enumerate(BADNESS)}
RACE = "race"
_KINDS = {"event": "event_wait"}
_LIGHT_FROM = 24


class CallGroup:
    """All calls of one call-site, as columns in the order asked for: state codes, moments (milliseconds since the epoch), attempts."""

    def __init__(self, identity: str, kind: str, name: str, line: int | None) -> None:
        self.id = identity
        self.kind = kind
        self.name = name
        self.line = line
        self.drafts: list[Draft] = []
        self.states = bytearray()
        self.began = array("d")
        self.ended = array("d")  # not a number while it is open
        self.attempts = array("l")
        self.failures: dict[int, FailureDetails] = {}
        self.fingerprints: Counter[str] = Counter()
        self.causes: tuple[str, ...] = ()
        self.members: tuple[str, ...] = ()  # of a race
        self.rounds = 0
        self.at_first = 0  # how many were asked for in its first turn
        self.turn = 0
        self.open = 0
        self._is_open = bytearray()

    def add(self, draft: Draft) -> int:
        """Take one more call in; its place in the group."""
        self.drafts.append(draft)
        self.states.append(0)
        self.began.append(0.0)
        self.ended.append(nan)
        self.attempts.append(0)
        self._is_open.append(1)
        self.open += 1
        return len(self.drafts) - 1

    def mark(self, index: int, *, is_open: bool) -> None:
        """Say whether a call is open, at the very row that changed it."""
        self.open += is_open - self._is_open[index]
        self._is_open[index] = is_open

    def open_drafts(self) -> list[Draft]:
        """The calls that are open."""
        return [self.drafts[index] for index in np.flatnonzero(np.frombuffer(bytes(self._is_open), dtype=np.uint8))]

    def follow(self, index: int) -> None:
        """Read off a call that has changed."""
        draft = self.drafts[index]
        state, phase = (draft.state, "done") if draft.state is not None else standing_of(draft)
        self.states[index] = CODES[state.value]
        first = draft.attempts[0].started_at if draft.attempts else None
        self.began[index] = milliseconds(first or draft.created_at)
        self.ended[index] = milliseconds(draft.ended_at) if draft.ended_at is not None and phase == "done" else nan
        self.attempts[index] = len(draft.attempts)
        if state is StepState.FAILED or index in self.failures:
            self._follow_failure(index, draft.failure if state is StepState.FAILED else None)
        if self.kind == "activity" and len(self.drafts) > _LIGHT_FROM:
            draft.input = draft.result = None  # asked of the record where somebody wants to see them

    def told(self, failure: FailureDetails) -> str:
        """What makes two failures the same one."""
        return fingerprint(failure.error_type, failure.message) or failure.error_type

    def _follow_failure(self, index: int, failure: FailureDetails | None) -> None:
        before = self.failures.pop(index, None)
        if before is not None:
            self.fingerprints[self.told(before)] -= 1
        if failure is not None:
            self.failures[index] = failure
            self.fingerprints[self.told(failure)] += 1


class GroupFold:
    """The groups of one execution and what led to what. `take` reads rows on; the same rows in any portions give the same groups.

    `edges` maps (source, target) to whether the code went back: the target was there before the source. `version` grows whenever a group or an
    edge is new, so that whoever has laid them out knows that it may keep its places.
    """

    def __init__(self, workflow: str, sites: Sequence[CallSite] = (), parent_group: str = "", *, raced: KnownRaces = NO_RACES) -> None:
        self.group_key = f"{parent_group}/workflow {workflow}" if parent_group else f"workflow {workflow}"
        self.groups: dict[str, CallGroup] = {}
        self.edges: dict[tuple[str, str], bool] = {}
        self.version = 0
        self.rows = 0
        self.marks = Marks(self.group_key)
        self._sites = Sites(sites)
        self._fold = StepFold()
        self._home: dict[str, tuple[CallGroup, int]] = {}
        self._places: dict[tuple[str, str, bool, bool], tuple[str, str, int | None]] = {}
        self._turn = 0
        self._asked: list[Draft] = []
        self._latest = START  # the group that was asked for last
        self._ended_now: dict[str, None] = {}
        self._loose: dict[str, None] = {}
        self._led: set[str] = set()
        self._races = Races(raced)
        self._order: dict[str, int] = {START: -1}

    def take(self, rows: Iterable[HistoryRow]) -> None:
        """Read these rows, which follow those read before."""
        fold = self._fold
        changed: dict[str, tuple[CallGroup, int]] = {}
        for row in rows:
            if row.turn and row.turn != self._turn:
                self._next_turn(row.turn)
            fold.take(row)
            self.rows += 1
            if fold.touched:
                for draft in fold.touched:
                    changed[draft.id] = self._meet(draft, row.turn)
                fold.touched.clear()
            else:
                self._take_system(row)
        self._settle_race()
        for group, index in changed.values():
            group.follow(index)

    def open_steps(self, most: int) -> list[Step] | None:
        """What is open, as steps; None where that is more than `most`."""
        if sum(group.open for group in self.groups.values()) > most:
            return None
        found = (draft for group in self.groups.values() if group.open for draft in group.open_drafts())
        return [finished(draft) for draft in found]

    def find(self, event_id: int) -> tuple[CallGroup, int] | None:
        """The call that this attempt, timer or wait is of."""
        draft = self._fold.attempt_of(event_id)
        return self._home.get(f"a{event_id}" if draft is None else draft.id)

    def of_call(self, identity: str) -> tuple[CallGroup, int] | None:
        """The call of this id, such as `a3`."""
        return self._home.get(identity)

    def lost(self) -> list[tuple[CallGroup, int]]:
        """The timers and waits that have lost a race."""
        return [self._home[draft.id] for draft in self._races.losers()]

    def latest_race(self, race: str) -> tuple[Round | None, list[tuple[CallGroup, int]]]:
        """The newest round of a race, and who runs in it."""
        newest = self._races.newest_of(race)
        return newest, [] if newest is None else [self._home[draft.id] for draft in newest.drafts]

    def race_with(self, name: str) -> Round | None:
        """The newest round that this group ran in."""
        return self._races.newest_with(name)

    def in_order(self) -> list[CallGroup | Mark]:
        """Groups and marks as they appeared."""
        return sorted([*self.groups.values(), *self.marks.all.values()], key=lambda one: self._order[one.id])

    def _take_system(self, row: HistoryRow) -> None:
        """What is no call, timer or wait."""
        at = row.event.occurred_at
        match row.event:
            case ExecutionSuspended(reason=reason):
                self._settle_race()
                newest = self._races.newest_with(self._latest)
                self._notice(self.marks.suspend(at, reason, self._latest if newest is None else newest.race))
            case ExecutionResumed():
                self.marks.resume(at)
            case PatchRecorded(name=name):
                ended = next(reversed(self._ended_now), START)
                self._notice(self.marks.patch(at, name, self._raced(ended, self._races.newest_with(ended))))
            case _:
                pass

    def _notice(self, mark: Mark) -> None:
        if mark.id not in self._order:
            self._order[mark.id] = len(self._order)
            self.version += 1

    def _next_turn(self, turn: int) -> None:
        self._settle_race()
        if not self._asked:  # what ended then has led to nothing yet
            self._loose.update(self._ended_now)
        self._turn = turn
        self._asked, self._ended_now = [], {}

    def _meet(self, draft: Draft, turn: int) -> tuple[CallGroup, int]:
        home = self._home.get(draft.id)
        if home is None:
            home = self._welcome(draft)
        group, index = home
        group.mark(index, is_open=draft.state is None)
        self._races.follow(draft)
        if draft.done_turn and draft.done_turn == turn and not draft.unasked and not draft.is_detached:
            self._ended_now[group.id] = None
        return home

    def _welcome(self, draft: Draft) -> tuple[CallGroup, int]:
        sort = (draft.kind, draft.name, draft.unasked, draft.is_detached)
        known = self._places.get(sort) or self._places.setdefault(sort, self._place(draft))
        identity, kind, line = known
        group = self.groups.get(identity)
        causes = () if draft.unasked else self._causes(identity)
        if group is None:
            group = self._add(CallGroup(identity, kind, draft.name, line), causes)
        for cause in causes:
            self._link(cause, identity)
        if draft.turn != group.turn:
            group.rounds += 1
            group.turn = draft.turn
        if group.rounds == 1:
            group.at_first += 1
        if not draft.unasked:
            self._asked.append(draft)
            self._latest = identity
        home = self._home[draft.id] = (group, group.add(draft))
        return home

    def _place(self, draft: Draft) -> tuple[str, str, int | None]:
        kind = _KINDS.get(draft.kind, draft.kind)
        place, line = self._sites.place_of(kind, draft.name, is_asked=not draft.unasked, is_detached=draft.is_detached)
        return f"{self.group_key}/{place}", kind, line

    def _add(self, group: CallGroup, causes: tuple[str, ...]) -> CallGroup:
        group.causes = causes
        self.groups[group.id] = group
        self._order[group.id] = len(self._order)
        self.version += 1
        return group

    def _causes(self, identity: str) -> tuple[str, ...]:
        """What ended in this turn, and what was over before and had led nowhere: waiting for several looks like that."""
        if self._loose:
            over = [name for name in self._loose if name not in self._ended_now and (name == identity or not self.groups[name].open)]
            for name in over:
                del self._loose[name]
                if name not in self._led:
                    self._ended_now[name] = None
        for name in self._ended_now:
            self._loose.pop(name, None)
        rounds = {name: self._races.newest_with(name) for name in self._ended_now}
        left = {name for name, newest in rounds.items() if newest is not None and newest.has_left(name)}
        leading = [name for name in rounds if name not in left] or list(rounds)
        return tuple(dict.fromkeys(self._raced(name, rounds[name]) for name in leading)) or (START,)

    def _raced(self, name: str, newest: Round | None) -> str:
        """The race that this one ran in, since what follows follows from the race."""
        return name if newest is None or newest.is_lost_by(name) else newest.race

    def _link(self, source: str, target: str, *, leads: bool = True) -> None:
        if leads:
            self._led.add(source)
        if (source, target) not in self.edges:
            self.edges[source, target] = self._order[source] >= self._order[target]
            self.version += 1

    def _settle_race(self) -> None:
        """At the end of a turn it is plain whether what it asked for is a race."""
        asked = self._asked
        if len(asked) < 2:  # noqa: PLR2004  # a race takes two
            return
        for site, drafts in self._races.among(asked):
            members = tuple(self._home[draft.id][0].id for draft in drafts)
            if len(set(members)) < len(members):  # two timers of one length: which is which is not told
                continue
            identity = f"{self.group_key}/{RACE} " + " | ".join(name.rpartition("/")[2] for name in members)
            race = self.groups.get(identity)
            if race is None:
                race = self._add(CallGroup(identity, RACE, "first of", site.line), members)
                race.members = members
            race.rounds += 1
            self._races.begin(identity, members, drafts, site)
            for name in members:
                self._link(name, identity, leads=False)  # a call that has lost may be waited for later on
