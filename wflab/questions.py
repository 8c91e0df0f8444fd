"""What a lab can be asked about its runs: SQL and DataFrames, the fleet's numbers, and the same as figures."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import duckdb
import pandas as pd

from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine
from wfengine.store.guarding import refusal
from wflab.analytics.fleet.answer import Answer
from wflab.analytics.fleet.comparing import Comparisons, Workflow
from wflab.analytics.fleet.questions import By, Fleet, Since, Window
from wflab.analytics.fleet.slo import SLO
from wflab.analytics.fleet.survival import Event
from wflab.analytics.frames import aware
from wflab.figures.of_lab import Figures
from wflab.views.palette import Theme


class Questions:
    """The questions that a Lab answers about all of its runs. `slo` is what they are held to where nothing else is said."""

    def __init__(self, engine: Engine, theme: Callable[[], Theme]) -> None:
        self.engine = engine
        self.fleet = Fleet(engine)
        self._comparisons = Comparisons(engine, self.fleet)
        self._theme = theme

    def sql(self, query: str, **parameters: Any) -> pd.DataFrame:
        """The answer to a SQL query as a DataFrame; everything committed is in it, times are aware UTC.

        `$name` in the query is the parameter `name`. DataFrames of the notebook can be named as tables, and tables of your own can be
        made beside the engine's, which can only be read. `SHOW TABLES` lists them all.
        """
        refused = refusal(query)
        if refused is not None:
            raise InvalidArgument(refused)
        with self.engine.store.cursor() as cursor:
            cursor.execute("SET python_scan_all_frames = true")
            try:
                answer = cursor.execute(query, parameters or None)
                if answer is None:
                    raise InvalidArgument("The query is empty. `FROM instances` or `SHOW TABLES` is a beginning.")
                return aware(answer.df())
            except duckdb.Error as error:
                raise InvalidArgument(f"DuckDB: {str(error).partition(chr(10))[0]}") from None

    def success_rates(
        self,
        by: By = "name",
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        children: bool = False,
        canceled: bool = False,
    ) -> Answer:
        """How many runs COMPLETED of those that ended, as a DataFrame with a row per group.

        Columns: the groups, then completed, failed, terminated, canceled, continued, running, numerator, denominator, rate, low, high. rate is
        COMPLETED / (COMPLETED + FAILED + TERMINATED), low and high Wilson's 95 % interval; NaN, shown as –, for 0 of 0. CANCELED counts only with
        `canceled`, child workflows only with `children`; a chain of `continue_as_new` is one run. `continued` are runs whose next generation is not
        on record, `running` those under way now, whatever the window.

        `by` is one or several of name, version, code_hash, app_id, parent_name, status, minute, hour, day, week, month (of the end) and
        'tag:KEY'; None for one row of all. `since` and `until` bound the end: '24h' or a timedelta before now, or a datetime (naive means UTC).
        `.attrs["sql"]` is the query. Raises InvalidArgument.
        """
        return self.fleet.success_rates(self.fleet.scope(Window(since, until), name=name, children=children), by, canceled=canceled)

    def durations(
        self,
        by: By = "name",
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        status: str | None = "COMPLETED",
        children: bool = False,
    ) -> Answer:
        """How long runs took, from their start to their end: a DataFrame with the groups, count, and p50, p90, p95, p99, mean, max as timedelta64.

        Arguments as for `success_rates`; `status` is how they ended.
        """
        return self.fleet.durations(self.fleet.scope(Window(since, until), name=name, status=status, children=children), by)

    def failures(self, *, since: Since = None, until: Since = None, name: str | None = None, children: bool = False) -> Answer:
        """What runs fail of, the most frequent first: a DataFrame with a row per fingerprint.

        Columns: fingerprint, count, share, first_seen, last_seen, workflows, versions, sample, activity, message, frame, new_since.
        A fingerprint is the error's type and message with ids and numbers masked. `sample` is the id of the newest such run, `activity` what
        failed first, below any child workflows, `frame` the line of your own code that raised. `new_since` is the newest version (or the first
        8 digits of its code's hash) where only runs of that one, and of no older one, ever failed so; else empty.
        """
        return self.fleet.failures(self.fleet.scope(Window(since, until), name=name, children=children))

    def stuck(self, *, name: str | None = None, slo: SLO | None = None) -> Answer:
        """Runs that stand still and should not, child workflows among them: instance_id, name, status, reason, since, why, remedy, started.

        One row per run, the worst reason first; `.attrs["definition"]` lists them. With `slo.answer` (or `lab.slo`), events that are
        unanswered for longer count, too.
        """
        return self.fleet.stuck(self.fleet.scope(name=name, children=True), slo)

    def error_budget(self, slo: SLO | None = None, *, name: str | None = None) -> Answer:
        """How fast the error budget of `slo` (of `lab.slo`, or 99 %) burns: a row for the last 1 h, 6 h and the SLO's window, with good, bad, rate, burn."""
        return self.fleet.error_budget(self.fleet.scope(name=name), slo)

    def survival(
        self,
        by: By = "name",
        *,
        name: str | None = None,
        since: Since = None,
        until: Since = None,
        event: Event = "completed",
        children: bool = False,
        confidence: float = 0.95,
    ) -> Answer:
        """How long until runs complete, those under way counted for what they tell (Kaplan-Meier): a DataFrame with a row per group and time.

        Columns: the groups (`by` as for `success_rates`), time (since the start, timedelta64), at_risk, events, censored, survival (the share not
        completed by then), low, high. Runs under way are censored now; so are FAILED and TERMINATED ones at their end, unless `event` is "ended",
        which counts any end. `since` and `until` bound the start. Raises InvalidArgument.
        """
        return self._comparisons.survival(by, Window(since, until), name=name, event=event, children=children, confidence=confidence)

    def variants(self, workflow: Workflow, *, since: Since = None, until: Since = None) -> Answer:
        """Which ways the runs of a workflow went: a DataFrame with a row per path of step names, repetitions folded, the most frequent first.

        Columns: path, count, share, running, completed, failed, terminated, rate with low and high (Wilson), p50 (timedelta64), sample (an id),
        last_seen (UTC), steps (the path as a list). `since` and `until` bound the start.
        """
        return self._comparisons.variants(workflow, Window(since, until))

    def compare_versions(self, workflow: Workflow, *, since: Since = None, until: Since = None) -> Answer:
        """What changed with a workflow's code: a DataFrame with a row per version and code hash, the oldest first.

        Columns: version (the hash's first 8 digits where it has no name), code_hash, first_seen, last_seen, count, running, completed, failed,
        terminated, rate, low, high (Wilson), change from the row before with change_low and change_high (Newcombe), p50, p50_low, p50_high
        (distribution-free), p95, top_failure, top_failures. Spans are timedelta64. `since` and `until` bound the start.
        """
        return self._comparisons.compare_versions(workflow, Window(since, until))

    def throughput(
        self,
        every: str | timedelta | None = None,
        *,
        since: Since = None,
        until: Since = None,
        name: str | None = None,
        children: bool = False,
    ) -> Answer:
        """How many runs ended over time: a DataFrame with a row per bin and status: time (the bin's beginning, UTC), status, count.

        `every` is the width of a bin, such as '15m'; where none is given, one of which there are at most sixty. `since` and `until` bound the end.
        """
        return self._comparisons.throughput(every, Window(since, until), name=name, children=children)

    @property
    def fig(self) -> Figures:
        """The same as plotly figures: `lab.fig.success_rates()`, `.durations()`, `.failures()`, `.throughput()`, `.survival()`, `.variants(workflow)`, ..."""
        return Figures(self.fleet, self._comparisons, self._theme)

    @property
    def slo(self) -> SLO | None:
        """What runs are held to: `lab.slo = wf.SLO(success=0.99, p95="60s", window="24h")`."""
        return self.fleet.slo

    @slo.setter
    def slo(self, slo: SLO | None) -> None:
        self.fleet.slo = slo
