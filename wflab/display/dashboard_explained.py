"""Where a number of the dashboard comes from, in words for people: what it means, its query with the parameters, and Python that gives the same."""

from datetime import datetime
from typing import Any

from wflab.analytics.fleet.answer import Asked
from wflab.protocol.dashboard import DashboardFilter, ExplainedNumber
from wflab.views.dashboard_picture import code_of

_LONGEST_SQL = 60_000
# Python that gives the same numbers.
_CODE = {
    "success": "lab.success_rates(by=None{window})",
    "p95": "lab.durations(by=None{window})",
    "heat": "{dashboard}.heat_map()",
    "running": "lab.runs.where(status='RUNNING').count()",
    "stuck": "lab.stuck({only})",
    "burn": "lab.error_budget({only})",
    "failures": "lab.failures({filter})",
    "workflows": "lab.success_rates(by=['name', 'version']{window})",
}
_TITLES = {
    "success": "Success rate",
    "p95": "Durations",
    "heat": "Durations over time",
    "running": "Runs by state",
    "stuck": "Stuck runs",
    "burn": "Error budget burn",
    "failures": "Failures",
    "workflows": "Success by workflow",
}
NUMBERS = tuple(_CODE)


def explained(what: str, asked: Asked, given: DashboardFilter) -> ExplainedNumber:
    """The number `what`, one of NUMBERS, which `asked` asks for."""
    window = "".join(f", {name}={value!r}" for name in ("since", "until", "name", "children") if (value := getattr(given, name)))
    only = f"name={given.name!r}" if given.name else ""
    return ExplainedNumber(
        title=_TITLES[what],
        definition=asked.definition,
        sql=asked.sql[:_LONGEST_SQL],
        parameters={name: _literal(value) for name, value in asked.parameters.items()},
        code=_CODE[what].format(window=window, filter=window.removeprefix(", "), only=only, dashboard=code_of(given)),
    )


def _literal(value: Any) -> str:
    """A parameter as Python writes it."""
    if isinstance(value, datetime):
        return f"datetime.fromisoformat({value.isoformat()!r})"
    return repr(value)
