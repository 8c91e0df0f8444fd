"""`lab.dashboard()`: to display, to export, and what is marked in it as a DataFrame."""

from datetime import UTC, datetime

import pandas as pd

from wflab.analytics.fleet.answer import Answer
from wflab.analytics.fleet.heat import HeatMap
from wflab.display.dashboard_source import DashboardSource
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.protocol.dashboard import DashboardFilter, ExplainedNumber
from wflab.runs import Runs


class DashboardHandle(ViewHandle):
    """A dashboard. What a person filters and marks in any display of it is here, too."""

    source: DashboardSource

    def __init__(self, displays: Displays, source: DashboardSource, runs: Runs) -> None:
        super().__init__(displays, source)
        self._runs = runs

    @property
    def selection(self) -> pd.DataFrame:
        """The runs that are marked; where none is, all that the filter leaves: one row per run, the newest first, as `lab.runs.df()` has them."""
        return self._runs.of_executions(self.source.keys()).df()

    @property
    def filter(self) -> DashboardFilter:
        """Which runs are looked at."""
        return self.source.filter

    def explain(self, what: str = "success") -> "Told":
        """Where a number comes from: `success`, `p95`, `running`, `stuck`, `burn`, `failures`, `workflows` or `heat`. Raises InvalidArgument."""
        return Told(self.source.explain(what))

    def heat_map(self) -> Answer:
        """When runs ended and how long they took, as the map shows it: since, until (UTC), at_least, below (timedelta64), count, badly; a row per cell.

        `badly` of the `count` runs FAILED or were TERMINATED. `attrs["sql"]` is the query, over the times and the state that are shown.
        """
        picture = self.source.picture()
        begin, end = (datetime.fromtimestamp(moment / 1000, UTC) for moment in (picture.begin, picture.end))
        grid = HeatMap(begin=begin, end=end, edges=picture.heat.edges, cells=picture.heat.cells)
        return self.source.asked("heat").answer(grid.frame())

    def df(self) -> pd.DataFrame:
        """One row per workflow and version: counts by state, numerator, denominator, rate, low, high, p50 and p95 as timedelta64, per_hour, failure."""
        rows = [
            {
                "name": line.name,
                "version": line.version,
                **line.counts,
                "numerator": line.numerator,
                "denominator": line.denominator,
                "rate": line.rate,
                "low": line.low,
                "high": line.high,
                "p50": None if line.p50 is None else pd.Timedelta(seconds=line.p50),
                "p95": None if line.p95 is None else pd.Timedelta(seconds=line.p95),
                "per_hour": line.per_hour,
                "failure": line.failure,
            }
            for line in self.source.picture().workflows
        ]
        frame = pd.DataFrame(rows)
        for column in ("p50", "p95"):
            if column in frame:
                frame[column] = pd.to_timedelta(frame[column])
        return frame


class Told:
    """An explanation that prints as one: `sql`, `parameters` as Python text, `code`, `definition`."""

    def __init__(self, explanation: ExplainedNumber) -> None:
        self.definition = explanation.definition
        self.sql = explanation.sql
        self.parameters = explanation.parameters
        self.code = explanation.code
        self._title = explanation.title

    def __repr__(self) -> str:
        given = "\n".join(f"--   ${name} = {value}" for name, value in self.parameters.items())
        return f"{self._title}. {self.definition}\n{self.code}\n\n{self.sql}" + (f"\n{given}" if given else "")
