"""Which runs a question is about: `Scope` says it in words, `population` in SQL, as the table expression `fleet` that every question starts from.

A row of `fleet` is one *run*: a chain of `continue_as_new` is a single one, from the beginning of its first generation to the end of its last.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model.instance import TERMINAL, Status

LIVE = tuple(str(status) for status in Status if status not in TERMINAL)

# A generation that has a successor is a part of a run, not one. Those of later generations begin where the nearest first one before them did.
_CHAINS = """
chains AS (
    SELECT e.* REPLACE (coalesce(f.created_at, greatest(e.created_at, coalesce(e.scheduled_start, e.created_at))) AS created_at)
    FROM executions AS e
    ANTI JOIN (SELECT DISTINCT instance_id, generation - 1 AS generation FROM runs WHERE generation > 0) AS next
        ON e.status = 'CONTINUED_AS_NEW' AND next.instance_id = e.instance_id AND next.generation = e.generation
    ASOF LEFT JOIN (
        SELECT instance_id, instance AS key, min(created_at) AS created_at FROM runs
        WHERE generation = 0 AND instance_id IN (SELECT instance_id FROM runs WHERE generation > 0) GROUP BY ALL
    ) AS f ON f.instance_id = e.instance_id AND e.key >= f.key
)"""
# What is under way has no `ended_at`.
_FLEET = """
fleet AS (
    SELECT
        key, instance_id, name, coalesce(version, '') AS version, code_hash, coalesce(app_id, '') AS app_id, tags, parent, parent_name,
        status, created_at, CASE WHEN status NOT IN ('PENDING', 'RUNNING', 'SUSPENDED', 'STALLED') THEN updated_at END AS ended_at,
        updated_at, error_type, failure
    FROM chains{where}
)"""
_ENDED_AT = "CASE WHEN status NOT IN ('PENDING', 'RUNNING', 'SUSPENDED', 'STALLED') THEN updated_at END"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs. Nothing given is all of them, but for children: those count only where asked for.

    `since` and `until` are about the *end* of a run; one that is under way is in whatever `since` is, and in no scope with an `until` in the past.
    `tag` is a key, or `key=value`; `text` is looked for in ids, names, tags and errors.
    """

    since: datetime | None = None
    until: datetime | None = None
    name: str | None = None
    status: str | None = None
    version: str | None = None
    tag: str | None = None
    text: str | None = None
    children: bool = False


class Population(NamedTuple):
    """The beginning of a query, up to the table expression `fleet`, and its parameters."""

    sql: str
    parameters: dict[str, Any]


# For whoever asks many questions of the same runs: `fleet` is then a table that was made beforehand.
PREPARED = Population("WITH ready AS (SELECT 1)", {})


def population(scope: Scope, *more: str, **values: Any) -> Population:
    """The runs of a scope; `more` are further conditions on the columns of `chains`, and `values` their parameters."""
    conditions, parameters = _conditions(scope)
    every = [*conditions, *more]
    where = f"\n    WHERE {' AND '.join(every)}" if every else ""
    return Population(f"WITH{_CHAINS},{_FLEET.format(where=where)}", {**parameters, **values})


def checked_status(status: object) -> str:
    """The name of a status. Raises InvalidArgument with those there are."""
    wanted = str(getattr(status, "name", status)).upper()
    if wanted not in set(Status):
        raise InvalidArgument(f"There is no status {status!r}; there are {', '.join(Status)}.")
    return wanted


def _conditions(scope: Scope) -> tuple[list[str], dict[str, Any]]:
    conditions = [] if scope.children else ["parent IS NULL"]
    parameters: dict[str, Any] = {}
    if scope.since is not None:
        conditions.append(f"coalesce({_ENDED_AT}, $since) >= $since")
        parameters["since"] = _naive(scope.since)
    if scope.until is not None:
        conditions.append(f"{_ENDED_AT} < $until")
        parameters["until"] = _naive(scope.until)
    for column in ("name", "status"):
        value = getattr(scope, column)
        if value is not None:
            conditions.append(f"{column} = ${column}")
            parameters[column] = value
    if scope.version is not None:
        conditions.append("coalesce(version, '') = $version")
        parameters["version"] = scope.version
    if scope.tag is not None:
        key, is_pair, value = scope.tag.partition("=")
        conditions.append("tags ->> $tag_path = $tag" if is_pair else "tags ->> $tag_path IS NOT NULL")
        parameters |= {"tag_path": tag_path(key.strip())} | ({"tag": value.strip()} if is_pair else {})
    if scope.text:
        searched = "concat_ws(' ', instance_id, name, tags, failure ->> '$.error_type', failure ->> '$.message')"
        conditions.append(f"contains(lower({searched}), lower($text))")
        parameters["text"] = scope.text
    return conditions, parameters


def tag_path(key: str) -> str:
    """The JSON path of a tag, whatever is in its name."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'$."{escaped}"'


def _naive(moment: datetime) -> datetime:
    """Naive moments mean UTC, here as everywhere."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
