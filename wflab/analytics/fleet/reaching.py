"""What runs of one workflow asked for, one after the other, over many of them: the nodes that a run reached, and which it reached next."""

from typing import NamedTuple

import duckdb

MOST_RUNS = 1_000
MOST_NODES = 40
_KINDS = "CASE type WHEN 'TaskScheduled' THEN 'activity' WHEN 'ChildWorkflowInstanceCreated' THEN 'child' ELSE origin END"
# Of each call, by name, the worst that became of it in a run: a failed attempt that was made good is COMPLETED.
_REACHED = """
asked_for AS (
    SELECT instance AS key, sequence, event_id, coalesce(nullif(name, ''), 'timer') AS name, {kinds} AS kind
    FROM history
    WHERE instance IN (SELECT key FROM {of})
        AND (type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated') OR type = 'TimerCreated' AND origin IN ('timer', 'event'))
),
answered AS (
    SELECT a.key, a.name, a.kind, min(a.sequence) AS sequence,
        max_by(CASE
            WHEN e.type IN ('TaskFailed', 'ChildWorkflowInstanceFailed') THEN 'FAILED' WHEN e.type IS NULL THEN 'open' ELSE 'COMPLETED'
        END, a.sequence) AS state
    FROM asked_for AS a
    LEFT JOIN history AS e ON e.instance = a.key AND e.event_id = a.event_id
        AND e.type IN ('TaskCompleted', 'TaskFailed', 'TimerFired', 'ChildWorkflowInstanceCompleted', 'ChildWorkflowInstanceFailed')
    GROUP BY a.key, a.name, a.kind
),
reached AS (
    SELECT r.key, r.name, r.kind, r.sequence,
        CASE
            WHEN r.state <> 'open' THEN r.state
            WHEN r.kind = 'event' AND EXISTS (
                FROM history AS h WHERE h.instance = r.key AND h.type = 'EventRaised' AND lower(h.name) = lower(r.name)
            ) THEN 'COMPLETED'
            WHEN f.ended_at IS NOT NULL THEN 'CANCELED' WHEN r.kind IN ('event', 'timer') THEN 'SUSPENDED' ELSE 'RUNNING'
        END AS state
    FROM answered AS r JOIN {of} AS f USING (key)
)"""
_NODES = "SELECT name, kind, state, count(*), avg(place) FROM (SELECT *, row_number() OVER (PARTITION BY key ORDER BY sequence) AS place FROM reached) GROUP BY ALL"
_EDGES = """
SELECT before, name, count(*) FROM (SELECT name, lag(name) OVER (PARTITION BY key ORDER BY sequence) AS before FROM reached)
WHERE before IS NOT NULL GROUP BY ALL"""


def reaching(of: str) -> str:
    """A query for the keys of the runs in the table `of` that asked for `$reached`, of which, where given, it stands as `$reached_state`."""
    begun = _REACHED.format(kinds=_KINDS, of=of)
    return f"WITH {begun.lstrip()} SELECT key FROM reached WHERE name = $reached AND ($reached_state IS NULL OR state = $reached_state)"  # noqa: S608  # ours


class Reached(NamedTuple):
    """Nodes are (name, kind, state, runs, place on average), edges (name, next name, runs); of how many runs."""

    nodes: list[tuple[str, str, str, int, float]]
    edges: list[tuple[str, str, int]]
    runs: int


def graph(cursor: duckdb.DuckDBPyConnection) -> Reached:
    """What the newest runs in the table `fleet` asked for."""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE newest AS SELECT * FROM fleet ORDER BY key DESC LIMIT {MOST_RUNS}")  # noqa: S608  # ours
    begun = f"WITH {_REACHED.format(kinds=_KINDS, of='newest').lstrip()} "
    nodes = cursor.execute(begun + _NODES).fetchall()
    edges = cursor.execute(begun + _EDGES).fetchall()
    found = cursor.execute("SELECT count(*) FROM newest").fetchone()
    return Reached(nodes, edges, 0 if found is None else int(found[0]))
