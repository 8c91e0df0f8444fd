"""What the dashboard shows, from the answers to its questions: tiles, lines and the graph over many runs; the filter as Python."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan

import msgspec

from wflab.analytics.durations import nominal_text, span_text
from wflab.analytics.fleet.answer import DASH, Answer
from wflab.analytics.fleet.failing import NEW
from wflab.analytics.fleet.heat import COLUMNS
from wflab.analytics.fleet.reaching import MOST_NODES, Reached
from wflab.analytics.fleet.slo import SLO
from wflab.analytics.fleet.survey import Survey
from wflab.protocol.dashboard import (
    DashboardFilter,
    DashboardPicture,
    FailureLine,
    HeatGrid,
    Kpi,
    RunRow,
    StuckLine,
    TypeGraph,
    TypeNode,
    WorkflowLine,
)
from wflab.views.head import milliseconds

MOST_WORKFLOWS = 60
MOST_FAILURES = 12
MOST_STUCK = 50
MOST_IN_SNAPSHOT = 100
_LONGEST_MESSAGE = 300
_SAME_COLUMN = 0.5  # calls that come, on average, within half a place of another stand below it
_LIVE = ("PENDING", "RUNNING", "SUSPENDED", "STALLED")


def dashboard_picture(  # noqa: PLR0913  # what was asked, and in what light
    found: Survey,
    *,
    lab: str,
    now: datetime,
    ticks: bool,
    filter: DashboardFilter,
    slo: SLO | None,
    first: int,
    order: str,
    chosen: Sequence[str],
    trouble: str | None,
) -> DashboardPicture:
    """The picture."""
    lines = _workflows(found)
    return DashboardPicture(
        lab=lab,
        now=milliseconds(now),
        ticks=ticks,
        filter=filter,
        code=code_of(filter),
        definition=" ".join([str(found.whole.attrs["definition"]), *([NEW] if len(found.failures) else [])]),
        states=found.states,
        everything=found.everything,
        kpis=_tiles(found, slo),
        names=found.names,
        versions=[version for version in found.versions if version],
        tags=found.tags,
        begin=milliseconds(found.begin),
        end=milliseconds(found.end),
        workflows=lines[:MOST_WORKFLOWS],
        workflows_total=len(lines),
        failures=_failures(found.failures),
        failures_total=len(found.failures),
        stuck=_stuck(found.stuck),
        stuck_total=len(found.stuck),
        curve=[(took, place / (len(found.curve) - 1)) for place, took in enumerate(found.curve)],
        curve_count=found.curve_count,
        heat=HeatGrid(columns=COLUMNS, edges=found.heat.edges, cells=found.heat.cells),
        instances=[row_of(*row) for row in found.instances],
        total=found.total,
        first=first,
        order=order,
        chosen=list(chosen),
        graph=None if found.reached is None or not found.reached.nodes else type_graph(found.reached, found.total),
        trouble=trouble,
    )


def cut(picture: DashboardPicture) -> DashboardPicture:
    """What a notebook keeps: not all of a long page of instances."""
    return msgspec.structs.replace(picture, instances=picture.instances[:MOST_IN_SNAPSHOT])


def code_of(filter: DashboardFilter) -> str:
    """The filter as the call that gives it."""
    defaults = DashboardFilter()
    given = [f"{name}={value!r}" for name, value in msgspec.structs.asdict(filter).items() if value != getattr(defaults, name)]
    return f"lab.dashboard({', '.join(given)})"


def row_of(  # a row of SQL
    instance_id: str, name: str, version: str, status: str, created: datetime, ended: datetime | None, note: str
) -> RunRow:
    """A line of the table of instances."""
    return RunRow(
        instance_id=instance_id,
        name=name,
        version=version,
        status=status,
        created=milliseconds(created.replace(tzinfo=UTC)),
        ended=None if ended is None else milliseconds(ended.replace(tzinfo=UTC)),
        note=note[:_LONGEST_MESSAGE],
    )


def title_of(name: str, version: str) -> str:
    """`name@version`, or the name of what has none."""
    return f"{name}@{version}" if version else name


def rate_text(rate: float | None) -> str:
    """As a percentage that is 100 % only where all of them were; – for nothing of nothing."""
    if rate is None or isnan(rate):
        return DASH
    shown = f"{rate * 100:.1f}"
    return "99.9%" if shown == "100.0" and rate < 1 else "0.1%" if shown == "0.0" and rate > 0 else "100%" if rate == 1 else f"{shown}%"


def _tiles(found: Survey, slo: SLO | None) -> list[Kpi]:
    whole = found.whole.iloc[0]
    good, total = int(whole["numerator"]), int(whole["denominator"])
    rate = _number(whole["rate"])
    p95 = None if found.length.empty else _seconds(found.length.iloc[0]["p95"])
    live = {state: found.states.get(state, 0) for state in _LIVE}
    limit = None if slo is None or slo.p95_limit is None else slo.p95_limit.total_seconds()
    stuck = len(found.stuck)
    reasons = found.stuck["reason"].value_counts().to_dict() if stuck else {}
    made_of = f"numerator {good:,} (COMPLETED) of denominator {total:,}. {found.whole.attrs['definition']}"
    interval = f"; 95 % sure: {rate_text(_number(whole['low']))} to {rate_text(_number(whole['high']))}" if total else ""
    return [
        Kpi(
            key="success",
            title="Success rate",
            value=rate_text(rate),
            note=f"{good:,}/{total:,}" + ("" if slo is None else f" · target {slo.success * 100:g}%"),
            tip=made_of + interval,
            standing="" if slo is None or rate is None else "good" if rate >= slo.success else "bad",
        ),
        Kpi(
            key="p95",
            title="p95 duration",
            value=DASH if p95 is None else span_text(p95),
            note="" if limit is None else f"target {nominal_text(limit)}",
            tip=f"Nineteen of twenty runs that COMPLETED took no longer. {found.length.attrs['definition']}",
            standing="" if limit is None or p95 is None else "good" if p95 <= limit else "bad",
        ),
        Kpi(
            key="running",
            title="Under way",
            value=f"{sum(live.values()):,}",
            note=", ".join(f"{count:,} {state.lower()}" for state, count in live.items() if count) or "nothing runs",
            tip="Runs that have not ended: PENDING, RUNNING (which may be waiting), SUSPENDED, STALLED.",
        ),
        Kpi(
            key="stuck",
            title="Stuck",
            value=f"{stuck:,}",
            note=", ".join(f"{count} {reason}" for reason, count in list(reasons.items())[:2]) or "nothing stands still",
            tip=str(found.stuck.attrs["definition"]),
            standing="bad" if stuck else "good",
        ),
        _burn(found.budget, slo),
    ]


def _burn(budget: Answer, slo: SLO | None) -> Kpi:
    burns = [_number(burn) for burn in budget["burn"]]
    windows = [nominal_text(window.total_seconds()) for window in budget["window"]]
    pairs = dict(zip(windows, burns, strict=True))
    short, long = pairs.get("1 h"), pairs.get("6 h")
    told = "; ".join(
        f"{window}: {'–' if burn is None else f'{burn:.1f}x'} ({bad:,} bad of {good + bad:,})"
        for window, burn, good, bad in zip(windows, burns, budget["good"], budget["bad"], strict=True)
    )
    target = "target 99% (lab.slo sets yours)" if slo is None else f"target {slo.success * 100:g}%"
    return Kpi(
        key="burn",
        title="Error budget burn",
        value=DASH if short is None else f"{short:.1f}x",
        note=f"last 1 h · {DASH if long is None else f'{long:.1f}x'} over 6 h",
        tip=f"{told}. {target}. {budget.attrs['definition']}",
        standing="" if short is None or long is None else "bad" if min(short, long) > 1 else "good",
    )


def _workflows(found: Survey) -> list[WorkflowLine]:
    lengths = {(row["name"], row["version"]): row for row in found.lengths.to_dict("records")}
    hours = max((found.end - found.begin).total_seconds() / 3600, 1.0)  # a burst of a second says nothing about an hour
    lines = []
    for row in found.rates.to_dict("records"):
        place = (row["name"], row["version"])
        took = lengths.get(place)
        trend = found.trends.get(place, [])
        ended = sum(well + badly for well, badly in trend)
        oldest = found.oldest.get(place)
        lines.append(
            WorkflowLine(
                name=row["name"],
                version=row["version"],
                counts=found.counts.get(place, {}),
                numerator=int(row["numerator"]),
                denominator=int(row["denominator"]),
                rate=_number(row["rate"]),
                low=_number(row["low"]),
                high=_number(row["high"]),
                p50=None if took is None else _seconds(took["p50"]),
                p95=None if took is None else _seconds(took["p95"]),
                trend=trend,
                per_hour=ended / hours if ended > 1 else None,
                failure=found.worst.get(title_of(*place), "") if row["failed"] else "",
                oldest=None if oldest is None else milliseconds(oldest),
            )
        )
    return sorted(lines, key=lambda line: (-sum(line.counts.values()), line.name, line.version))


def _failures(answer: Answer) -> list[FailureLine]:
    return [
        FailureLine(
            fingerprint=str(row["fingerprint"]),
            activity=row["activity"],
            count=int(row["count"]),
            share=float(row["share"]),
            first=milliseconds(row["first_seen"].to_pydatetime()),
            last=milliseconds(row["last_seen"].to_pydatetime()),
            workflows=[str(name) for name in row["workflows"]],
            sample=row["sample"],
            message=str(row["message"])[:_LONGEST_MESSAGE],
            frame=row["frame"],
            new_since=row["new_since"],
        )
        for row in answer.head(MOST_FAILURES).to_dict("records")
    ]


def _stuck(answer: Answer) -> list[StuckLine]:
    return [
        StuckLine(
            instance_id=row["instance_id"],
            name=row["name"],
            status=row["status"],
            reason=row["reason"],
            since=milliseconds(row["since"].to_pydatetime()),
            why=row["why"],
            remedy=row["remedy"],
        )
        for row in answer.head(MOST_STUCK).to_dict("records")
    ]


def type_graph(reached: Reached, total: int) -> TypeGraph:
    """The graph over many runs: a column for each place in the usual order, so that what comes first in most runs stands first."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    places: dict[tuple[str, str], float] = {}
    for name, kind, state, runs, place in reached.nodes:
        node = (name, kind)
        counts.setdefault(node, {})[state] = runs
        before = sum(counts[node].values()) - runs
        places[node] = (places.get(node, 0.0) * before + place * runs) / (before + runs)
    shown = sorted(places, key=lambda node: (-sum(counts[node].values()), places[node]))[:MOST_NODES]
    ordered = sorted(shown, key=lambda node: (places[node], node))
    nodes: list[TypeNode] = []
    column, rows = -1, 0
    last = -1.0
    for node in ordered:
        if column >= 0 and places[node] - last < _SAME_COLUMN:
            rows += 1
        else:
            column, rows, last = column + 1, 0, places[node]
        nodes.append(TypeNode(name=node[0], kind=node[1], counts=counts[node], column=column, row=rows))
    at = {node.name: place for place, node in enumerate(nodes)}
    edges = [(at[before], at[name], runs) for before, name, runs in reached.edges if before in at and name in at]
    return TypeGraph(runs=reached.runs, total=total, nodes=nodes, edges=sorted(edges))


def _number(value: object) -> float | None:
    number = float(value)  # type: ignore[arg-type]  # a cell of a frame
    return None if isnan(number) else number


def _seconds(span: object) -> float | None:
    seconds = getattr(span, "total_seconds", lambda: float("nan"))()
    return None if isnan(seconds) else float(seconds)
