"""Runs chosen by when they *started*: for questions in which a choice by the end would tell only of those that were quick enough."""

from datetime import UTC, datetime

from wflab.analytics.fleet.population import Population, Scope, population


def started_within(scope: Scope, since: datetime | None, until: datetime | None) -> Population:
    """The runs of a scope that began from `since` on and before `until`; a scope has no times of its own then."""
    conditions, parameters = [], {}
    if since is not None:
        conditions.append("created_at >= $started_since")
        parameters["started_since"] = _naive(since)
    if until is not None:
        conditions.append("created_at < $started_until")
        parameters["started_until"] = _naive(until)
    return population(scope, *conditions, **parameters)


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
