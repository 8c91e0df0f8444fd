"""From a group's columns to what its node says. Pure; what only the engine knows comes in as arguments."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from wfengine.model.instance import TERMINAL, Instance
from wflab import protocol
from wflab.analytics.call_sites import CallSite
from wflab.analytics.draft import Draft, standing_of
from wflab.analytics.step import LOST
from wflab.views.graph_plan import Planned
from wflab.views.group_fold import RACE, CallGroup, GroupFold
from wflab.views.group_numbers import Columns, cells_of, columns_of, durations_of, errors_of, eta_of, in_order, is_open, worst_of
from wflab.views.head import milliseconds
from wflab.views.palette import BADNESS, worst
from wflab.views.payloads import one_line, payload_of

_MOST_PIPS = 8
_CALLS = {"activity", "child"}


class RunGraph(msgspec.Struct, kw_only=True):
    """One execution to draw: its groups so far, and those of the children that are expanded in it, by the group they are shown in.

    `sites` are None where no source is to be had. `held_up` are the event ids of open attempts that nobody makes.
    """

    instance: Instance
    fold: GroupFold
    sites: list[CallSite] | None = None
    held_up: Collection[int] = ()
    inner: "dict[str, RunGraph]" = {}

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.instance.status in TERMINAL


class Standings:
    """How the groups of one execution stand now."""

    def __init__(self, run: RunGraph) -> None:
        self._run = run
        self._held: dict[str, list[int]] = {}
        self._lost: dict[str, list[int]] = {}
        self._columns: dict[str, Columns] = {}
        for event_id in run.held_up:
            _note(self._held, run.fold.find(event_id))
        for home in run.fold.lost():
            _note(self._lost, home)

    def columns(self, group: CallGroup) -> Columns:
        """The columns with everything told."""
        known = self._columns.get(group.id)
        if known is None:
            held, lost = self._held.get(group.id, ()), self._lost.get(group.id, ())
            known = self._columns[group.id] = columns_of(group, held_up=held, lost=lost, is_over=self._run.is_over)
        return known

    def lost(self, group: CallGroup) -> str:
        """What is to be said of a single call that has lost its race: a timer or a wait is over with it, a call goes on."""
        if 0 in self._lost.get(group.id, ()):
            return LOST
        newest = self._run.fold.race_with(group.id)
        if newest is None or not newest.is_lost_by(group.id) or not group.drafts[0].is_open:
            return ""
        return LOST if self._run.is_over else f"{LOST}, goes on"

    def counts(self) -> dict[str, int]:
        """Of all calls, timers and waits."""
        total: dict[str, int] = {}
        for group in self._run.fold.groups.values():
            if group.kind != RACE:
                for state, count in self.columns(group).counts.items():
                    total[state] = total.get(state, 0) + count
        return in_order(total)


def node_of(run: RunGraph, standings: Standings, group: CallGroup, now: datetime, *, frame: str | None = None) -> protocol.GraphGroup:
    """What a group's node says."""
    if group.kind == RACE:
        return _race(run, standings, group, frame)
    columns = standings.columns(group)
    counts = columns.counts
    open_ones = is_open(columns.codes)
    is_single = len(group.drafts) == 1
    first = group.drafts[0]
    child = _child_of(group, columns)
    return protocol.GraphGroup(
        id=group.id,
        name=group.name,
        kind=group.kind,
        state=worst(counts),
        line=group.line,
        count=len(group.drafts),
        counts=counts,
        cells="" if is_single else cells_of(columns.codes),
        durations=None if is_single and group.kind not in _CALLS else durations_of(columns.took, columns.codes),
        errors=errors_of(group, run.instance.key),
        worst=[call_row(run, group, columns, index) for index in worst_of(columns)],
        attempts=[attempt.state.value for attempt in first.attempts][-_MOST_PIPS:] if is_single and len(first.attempts) > 1 else [],
        attempts_total=int(np.array(group.attempts).sum()),
        note=_note_of(first, lost=standings.lost(group)) if is_single else "",
        since=float(columns.began[open_ones].min()) if open_ones.any() else None,
        until=milliseconds(first.fire_at) if is_single and open_ones.any() and first.fire_at else None,
        took_ms=_took(group, columns, open_ones),
        eta=eta_of(group, columns, now),
        rounds=group.rounds,
        is_loop=any(went_back and target == group.id for (_, target), went_back in run.fold.edges.items()),
        span_id=f"{run.instance.key}:{first.id}" if is_single else None,
        child_id=child,
        can_expand=child is not None,
        is_expanded=group.id in run.inner,
        frame=frame,
        instance_id=run.instance.instance_id,
    )


def planned_node(run: RunGraph, planned: Planned, frame: str | None) -> protocol.GraphGroup:
    """What has not happened."""
    return protocol.GraphGroup(
        id=planned.id,
        name=planned.name,
        kind=planned.kind,
        state="PENDING",
        line=planned.line,
        planned=planned.standing,
        note=planned.standing,
        frame=frame,
        instance_id=run.instance.instance_id,
    )


def call_row(run: RunGraph, group: CallGroup, columns: Columns, index: int, given: str | None = None) -> protocol.CallRow:
    """One call as a row; `given` is its input, where the group no longer has it."""
    draft = group.drafts[index]
    failure = group.failures.get(index)
    shown = payload_of(draft.input if given is None else given)
    took = float(columns.took[index])
    return protocol.CallRow(
        index=index,
        span_id=f"{run.instance.key}:{draft.id}",
        state=BADNESS[columns.codes[index]],
        attempts=len(draft.attempts),
        took_ms=None if np.isnan(took) else round(took, 3),
        error=one_line(f"{failure.error_type}: {failure.message}") if failure else "",
        input=one_line(shown.text) if shown else "",
        child_id=draft.child_id,
    )


def workflow_node(run: RunGraph, standings: Standings) -> protocol.GraphGroup:
    """The run itself, for the level that shows nothing else."""
    counts = standings.counts()
    return protocol.GraphGroup(
        id=run.fold.group_key,
        name=run.instance.name,
        kind="workflow",
        state=run.instance.status.value,
        count=sum(counts.values()),
        counts=counts,
        cells=cells_of(
            np.concatenate([standings.columns(g).codes for g in run.fold.groups.values() if g.kind != RACE] or [np.empty(0, "u1")])
        ),
        rounds=run.instance.generation + 1,
        instance_id=run.instance.instance_id,
    )


def race_links(run: RunGraph, group: CallGroup) -> dict[str, str]:
    """How each member of a race stands in its newest round: won, lost, or flow while it runs."""
    newest, runners = run.fold.latest_race(group.id)
    if newest is None:
        return {}
    winner, undecided = newest.winner, "lost" if run.is_over else "flow"
    kinds = [undecided if winner is None else "won" if place == winner else "lost" for place in range(len(runners))]
    return {member.id: kind for (member, _), kind in zip(runners, kinds, strict=True)}


def _race(run: RunGraph, standings: Standings, group: CallGroup, frame: str | None) -> protocol.GraphGroup:
    kinds = race_links(run, group)
    _, runners = run.fold.latest_race(group.id)
    names = {member.id: member.name for member, _ in runners}
    won = [names[name] for name, kind in kinds.items() if kind == "won"]
    has_failed = any(kinds[member.id] == "won" and BADNESS[standings.columns(member).codes[index]] == "FAILED" for member, index in runners)
    is_open_still = "flow" in kinds.values() and not won
    state = "COMPLETED" if won else "SUSPENDED" if is_open_still else "CANCELED"
    return protocol.GraphGroup(
        id=group.id,
        name="first of",
        kind=RACE,
        state=state,
        line=group.line,
        count=group.rounds,
        counts={state: group.rounds},
        note=f"{won[0]} {'failed first' if has_failed else 'won'}" if won else f"of {len(names)}",
        rounds=group.rounds,
        members=list(group.members),
        frame=frame,
        instance_id=run.instance.instance_id,
    )


def _note(places: dict[str, list[int]], home: tuple[CallGroup, int] | None) -> None:
    if home is not None:
        places.setdefault(home[0].id, []).append(home[1])


def _child_of(group: CallGroup, columns: Columns) -> str | None:
    """The child that is shown where the group is expanded: the worst of them."""
    if group.kind != "child":
        return None
    return group.drafts[int(columns.codes.argmin())].child_id


def _note_of(draft: Draft, *, lost: str) -> str:
    words: Iterable[Any] = (
        draft.label,
        lost or draft.note,
        f"by {draft.raised_by}" if draft.raised_by else "",
        "queued" if draft.state is None and standing_of(draft)[1] == "queued" else "",
    )
    return one_line(", ".join(word for word in words if word))


def _took(group: CallGroup, columns: Columns, open_ones: Any) -> float | None:
    ended = np.array(group.ended)
    ended = ended[~np.isnan(ended)]
    if open_ones.any() or not len(ended):
        return None
    return round(max(0.0, float(ended.max() - columns.began.min())), 3)
