"""`lab.fig`: each answer of a lab as a figure, with the same arguments as the answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, get_args

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument
from wflab.analytics.fleet.comparing import Comparisons, Workflow
from wflab.analytics.fleet.grouping import grouping
from wflab.analytics.fleet.questions import By, Fleet, Since, Window
from wflab.analytics.fleet.survival import Event
from wflab.figures import rates, times
from wflab.figures.template import template_name
from wflab.views.palette import Theme

Kind = Literal["ecdf", "box"]
_MOST_RUNS = 1000


class Figures:
    """plotly figures of this lab, to be changed as any other. They follow the theme that a page of the lab last reported; light where none has."""

    def __init__(self, fleet: Fleet, comparisons: Comparisons, theme: Callable[[], Theme]) -> None:
        self._fleet = fleet
        self._comparisons = comparisons
        self._theme = theme

    @property
    def template(self) -> str:
        """The name of the template that figures have now, `wflab_light` or `wflab_dark`, for figures of your own: `px.bar(..., template=lab.fig.template)`."""
        return template_name(self._theme())

    def success_rates(
        self,
        by: By = "name",
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        children: bool = False,
        canceled: bool = False,
    ) -> Any:
        """`lab.success_rates(...)`: a dot for each group, Wilson's interval as whiskers."""
        scope = self._fleet.scope(Window(since, until), name=name, children=children)
        frame = self._fleet.success_rates(scope, by, canceled=canceled)
        return rates.success_rates(frame, grouping(by).columns, self._theme()).drawn_from(frame)

    def durations(
        self,
        by: By = "name",
        *,
        kind: Kind = "ecdf",
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        status: str | None = "COMPLETED",
        children: bool = False,
    ) -> Any:
        """What `lab.durations(...)` sums up, run by run: the share that was done within how long (`ecdf`), or a `box` for each group."""
        if kind not in get_args(Kind):
            raise InvalidArgument(f"kind is 'ecdf' or 'box', not {kind!r}.")
        frame = self._comparisons.lengths(by, Window(since, until), name=name, status=status, children=children)
        draw = times.durations_ecdf if kind == "ecdf" else times.durations_box
        scope = self._fleet.scope(Window(since, until), name=name, status=status, children=children)
        return draw(frame, grouping(by).columns, self._theme()).drawn_from(self._fleet.durations(scope, by))

    def failures(self, *, since: Since = None, until: Since = None, name: str | None = None, children: bool = False) -> Any:
        """`lab.failures(...)`: a bar for each fingerprint."""
        scope = self._fleet.scope(Window(since, until), name=name, children=children)
        frame = self._fleet.failures(scope)
        return rates.failures(frame, self._theme()).drawn_from(frame)

    def throughput(
        self,
        every: str | timedelta | None = None,
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        children: bool = False,
    ) -> Any:
        """`lab.throughput(...)`: a stacked bar for each bin of time."""
        frame = self._comparisons.throughput(every, Window(since, until), name=name, children=children)
        return times.throughput(frame, frame.attrs["every"], self._theme()).drawn_from(frame)

    def survival(
        self,
        by: By = "name",
        *,
        name: str | None = None,
        since: Since = None,
        until: Since = None,
        event: Event = "completed",
        children: bool = False,
    ) -> Any:
        """`lab.survival(...)`: a curve for each group, its interval as a band, ticks where runs are censored."""
        frame = self._comparisons.survival(by, Window(since, until), name=name, event=event, children=children)
        return times.survival(frame, grouping(by).columns, event, self._theme()).drawn_from(frame)

    def variants(self, workflow: Workflow, *, since: Since = None, until: Since = None) -> Any:
        """`lab.variants(...)`: a bar for each path, of the states of its runs."""
        frame = self._comparisons.variants(workflow, Window(since, until))
        return rates.variants(frame, name_of(workflow), self._theme()).drawn_from(frame)

    def compare_versions(self, workflow: Workflow, *, since: Since = None, until: Since = None) -> Any:
        """`lab.compare_versions(...)`: success rates and median durations beside each other, with their intervals."""
        frame = self._comparisons.compare_versions(workflow, Window(since, until))
        return rates.compare_versions(frame, name_of(workflow), self._theme()).drawn_from(frame)

    def runs(
        self,
        most: int = 60,
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        status: str | None = None,
        children: bool = False,
    ) -> Any:
        """The newest runs as bars from their start to their end, or to now: `most` of them, at most 1,000."""
        if isinstance(most, bool) or not isinstance(most, int) or not 0 < most <= _MOST_RUNS:
            raise InvalidArgument(f"most is a number of runs from 1 to {_MOST_RUNS:,}, not {most!r}.")
        frame = self._comparisons.newest(most, Window(since, until), name=name, status=status, children=children)
        return times.runs(frame, frame.attrs["total"], self._theme()).drawn_from(frame)
