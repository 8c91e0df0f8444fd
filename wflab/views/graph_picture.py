"""From the groups of a run to the GraphPicture that every form of the graph is drawn from. The lab's clock is an argument."""

from collections.abc import Collection, Sequence
from datetime import datetime

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.analytics.call_sites import call_sites, planned_of
from wflab.analytics.race_rounds import races_in
from wflab.analytics.steps import START
from wflab.views.graph_levels import LEVELS, Drawing, Placed, level_of, whole
from wflab.views.graph_nodes import RunGraph, Standings, node_of, planned_node, race_links, workflow_node
from wflab.views.graph_plan import planned_part
from wflab.views.graph_scopes import MOST_DRAWN, fold
from wflab.views.graph_tidy import kept, pins_of
from wflab.views.group_fold import RACE, GroupFold
from wflab.views.head import head_of
from wflab.views.marks import MARKS, Mark, links_of, mark_node

NO_PLAN = "no plan available (source not found)"
ELSEWHERE = "no plan available (the code is in a program elsewhere)"
MOST_ROWS = 2_000
_DEEPEST = 6


class Laying:
    """Remembers the places of the graph it laid out last: as long as no group or link is new, they need not be worked out again."""

    def __init__(self) -> None:
        self._pins: dict[str, Placed] = {}
        self._is_untidy = False
        self._drawing: Drawing | None = None
        self._levels: list[protocol.Level] = []

    def levels(self, drawing: Drawing, root: str) -> list[protocol.Level]:
        """The levels of a graph, 0 to 3."""
        if self._is_untidy:
            anew = pins_of(drawing)
            self._pins = {name: pin for name, pin in self._pins.items() if name not in anew} | anew
        if self._is_untidy or drawing != self._drawing:
            placed = kept(drawing, self._pins)
            self._levels = [whole(root), *(level_of(placed, level) for level in range(1, LEVELS))]
            self._drawing = drawing
            self._is_untidy = False
        return self._levels

    def tidy(self) -> None:
        """Lay the next picture out from scratch, whatever moves."""
        self._is_untidy = True


def run_graph(instance: Instance, rows: Sequence[HistoryRow], *, source: str | None = None, parent_group: str = "") -> RunGraph:
    """The groups of a whole history at once."""
    folded = GroupFold(instance.name, call_sites(source), parent_group, raced=races_in(source))
    folded.take(rows)
    return RunGraph(instance=instance, fold=folded, sites=None if source is None else planned_of(source))


def graph_picture(  # noqa: PLR0913  # all that is known beside the history
    run: RunGraph,
    rows: Sequence[HistoryRow],
    *,
    now: datetime,
    why: str = "",
    ticks: bool = True,
    path: Sequence[str] = (),
    generations: Sequence[protocol.Generation] = (),
    generations_total: int = 0,
    strips: Sequence[str] = (),
    laying: Laying | None = None,
    important: Collection[str] = (),
) -> protocol.GraphPicture:
    """Draw a run's groups up. Of `rows` only the first and the last count, for the head. `path` leads to the folded groups to be shown.

    `important` are names of activities whose call-sites are not folded away.
    """
    standings = Standings(run)
    root = workflow_node(run, standings)
    groups, drawing = _gathered(run, standings, now, None, 0)
    total = sum(1 for group in groups if group.kind not in MARKS)
    is_matrix = total > MOST_DRAWN and not path
    if is_matrix:
        shown, levels, crumbs = groups[:MOST_ROWS], [], []
    else:
        within = {f"{run.fold.group_key}/{place}": site for place, site in _within(run).items()}
        folded = fold(groups, drawing, within, path, run.instance.name, important=important)
        shown, crumbs = folded.groups, folded.path
        levels = (laying or Laying()).levels(folded.drawing, root.id)
    plan = (
        []
        if run.sites is not None or not run.fold.groups
        else [ELSEWHERE if run.instance.code_hash is None and run.instance.turn else NO_PLAN]
    )
    cut = [f"showing {MOST_ROWS:,} of {total:,} groups: run.spans() has all"] if is_matrix and total > MOST_ROWS else []
    return protocol.GraphPicture(
        **head_of(run.instance, rows, now=now, ticks=ticks),
        mode="matrix" if is_matrix else "graph",
        why=why,
        groups=[root, *shown],
        levels=levels,
        strips=[*strips, *plan, *cut],
        path=crumbs,
        generations=list(generations),
        generations_total=generations_total,
        calls_total=root.count,
        groups_total=total,
        events_total=run.fold.rows,
    )


def _gathered(
    run: RunGraph, standings: Standings, now: datetime, frame: str | None, depth: int
) -> tuple[list[protocol.GraphGroup], Drawing]:
    """The groups of a run and of what is expanded in it, with how they hang together."""
    nodes: list[protocol.GraphGroup] = []
    placed: list[Placed] = []
    looped = {site.line for site in run.sites or () if site.is_in_loop}
    links: list[tuple[str, str, str]] = []
    for group in run.fold.in_order():
        if isinstance(group, Mark):
            nodes.append(mark_node(group, run.instance.instance_id, is_over=run.is_over, frame=frame))
            placed.append(Placed(id=group.id, kind=group.kind, causes=(group.cause,), is_large=False))
            links += links_of(group)
            continue
        nodes.append(node_of(run, standings, group, now, frame=frame))
        inner = run.inner.get(group.id)
        inside = None
        if inner is not None and depth < _DEEPEST:
            found, inside = _gathered(inner, Standings(inner), now, group.id, depth + 1)
            nodes += found
        # Known from the beginning, so that nobody has to make room later: a fan-out, or what the source has in a loop.
        is_large = group.kind != RACE and (group.at_first > 1 or (group.line is not None and group.line in looped))
        is_many = group.kind != RACE and len(group.drafts) > 1
        placed.append(Placed(id=group.id, kind=group.kind, causes=group.causes, is_large=is_large, inner=inside, is_many=is_many))
    races = {name: race_links(run, group) for name, group in run.fold.groups.items() if group.kind == RACE}
    for (source, target), went_back in run.fold.edges.items():
        if source != START:
            links.append((source, target, "loop" if went_back else races.get(target, {}).get(source, "flow")))
    through = {member: group.id for group in run.fold.groups.values() for member in group.members}
    not_taken: set[str] = set()
    for planned in planned_part(run.sites or (), list(run.fold.groups.values()), run.fold.group_key, is_over=run.is_over):
        after = tuple(dict.fromkeys(through.get(cause, cause) for cause in planned.after))
        nodes.append(planned_node(run, planned, frame))
        placed.append(Placed(id=planned.id, kind=planned.kind, causes=after, is_large=False, is_planned=True))
        links += [
            (cause, planned.id, "planned")
            for cause in after
            if cause != START and (cause not in not_taken or planned.standing != "planned")
        ]
        if planned.standing == "not taken":
            not_taken.add(planned.id)
    return nodes, Drawing(groups=tuple(placed), links=tuple(links))


def _within(run: RunGraph) -> dict[str, tuple[str, ...]]:
    """The constructs around each group's site, by the group's place."""
    found: dict[str, tuple[str, ...]] = {}
    for site in run.sites or ():
        kind = "child" if site.kind == "detached" else site.kind
        found[f"{kind} {'' if kind == 'timer' else site.callee or ''}@{site.line}"] = site.within
    return found
