"""What runs fail of: failures that are the same but for ids and numbers are one, found down the calls to the code that raised first."""

import duckdb

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Population, Scope, population

# A run's own message ends with that of the call it failed of; a call that failed later, in a compensation, is not the cause. Where a child
# workflow was, its cause is looked for in turn.
_CAUSES = """
broken AS (
    SELECT
        key, name, coalesce(app_id, '') AS app_id, coalesce(version, '') AS version, coalesce(code_hash, '') AS code_hash, parent, parent_task,
        error_type, failure ->> '$.message' AS message, failure ->> '$.stack_trace' AS trace
    FROM executions WHERE status = 'FAILED'
),
failed AS ({failed}),
blamed AS (
    SELECT
        h.instance AS key, max_by(h.event_id, h.sequence) AS event_id, max_by(h.type, h.sequence) AS type,
        max_by(h.error_type, h.sequence) AS error_type, max_by(h.detail, h.sequence) AS detail
    FROM history AS h
    JOIN broken AS b ON b.key = h.instance AND ends_with(b.message, h.detail ->> '$.failure.message')
    WHERE h.type IN ('TaskFailed', 'ChildWorkflowInstanceFailed')
    GROUP BY h.instance
),
down AS (
    SELECT key AS run, key, 0 AS depth FROM failed
    UNION ALL
    SELECT d.run, c.key, d.depth + 1
    FROM down AS d
    JOIN blamed AS b ON b.key = d.key AND b.type = 'ChildWorkflowInstanceFailed'
    JOIN broken AS c ON c.parent = d.key AND c.parent_task = b.event_id
    WHERE d.depth < 50
),
first_to_fail AS (SELECT run, max_by(key, depth) AS key FROM down GROUP BY run),
causes AS (
    SELECT
        f.run AS key, coalesce(s.name, '') AS activity,
        error_fingerprint(coalesce(b.error_type, w.error_type), coalesce(b.detail ->> '$.failure.message', w.message)) AS fingerprint,
        coalesce(b.detail ->> '$.failure.message', w.message) AS message,
        list_last(list_filter(
            regexp_extract_all(coalesce(b.detail ->> '$.failure.stack_trace', w.trace, ''), 'File "[^"\\n]*", line [0-9]+, in [^\\n]+'),
            lambda frame: NOT contains(frame, '/wfengine/')
        )) AS frame
    FROM first_to_fail AS f
    JOIN broken AS w ON w.key = f.key
    LEFT JOIN blamed AS b ON b.key = f.key
    LEFT JOIN history AS s ON s.instance = f.key AND s.event_id = b.event_id AND s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated')
)"""
CAUSES = _CAUSES.replace("{failed}", "SELECT key FROM fleet WHERE status = 'FAILED'")
# Whether a failure is new is asked of all that was recorded of these workflows: in the last hour, or among runs of one version, each would seem so.
_ALL_CAUSES = _CAUSES.replace("{failed}", "SELECT key FROM broken WHERE name IN (SELECT name FROM fleet WHERE status = 'FAILED')")
# What is recorded before code took a run up knows no hash; only where the version never had one is that a code of its own.
_NEWEST = """
seen AS (
    SELECT
        coalesce(app_id, '') AS app_of, name, coalesce(version, '') AS version_of, coalesce(code_hash, '') AS hash_of,
        min(updated_at) AS first_seen, min(position) AS place
    FROM runs
    WHERE (version IS NOT NULL OR code_hash IS NOT NULL) AND name IN (SELECT name FROM fleet WHERE status = 'FAILED')
    GROUP BY ALL
),
codes AS (SELECT * FROM seen QUALIFY hash_of <> '' OR max(hash_of) OVER (PARTITION BY app_of, name, version_of) = ''),
newest AS (
    SELECT *, CASE
        WHEN version_of = '' THEN left(hash_of, 8)
        WHEN count(*) OVER (PARTITION BY app_of, name, version_of) > 1 THEN version_of || ' ' || left(hash_of, 8)
        ELSE version_of
    END AS label
    FROM codes
    QUALIFY count(*) OVER (PARTITION BY app_of, name) > 1
        AND row_number() OVER (PARTITION BY app_of, name ORDER BY first_seen DESC, place DESC) = 1
)"""
_QUESTION = """{population},{causes},{newest},
each AS (
    SELECT c.*, regexp_extract(c.frame, ', in (.*)$', 1) AS raised_in, b.name, n.label
    FROM causes AS c
    JOIN broken AS b USING (key)
    LEFT JOIN newest AS n ON n.app_of = b.app_id AND n.name = b.name AND n.version_of = b.version AND n.hash_of = b.code_hash
)
SELECT
    c.fingerprint, count(f.key) AS count, count(f.key) / sum(count(f.key)) OVER () AS share, min(f.ended_at) AS first_seen,
    max(f.ended_at) AS last_seen, list_sort(list_distinct(list(f.name))) AS workflows,
    list_sort(list_distinct(list(f.name || CASE f.version WHEN '' THEN '' ELSE '@' || f.version END))) AS versions, max_by(f.instance_id, f.ended_at) AS sample, c.activity,
    max_by(c.message, f.ended_at) AS message, coalesce(max_by(c.frame, f.ended_at), '') AS frame,
    CASE
        WHEN NOT bool_and(c.label IS NOT NULL) THEN ''
        WHEN count(DISTINCT c.name) = 1 THEN any_value(c.label)
        ELSE list_aggregate(list_sort(list_distinct(list(c.name || ' ' || c.label))), 'string_agg', ', ')
    END AS new_since
FROM each AS c
LEFT JOIN fleet AS f USING (key)
GROUP BY c.fingerprint, c.activity, c.raised_in
HAVING count(f.key) > 0
ORDER BY count DESC, last_seen DESC, c.fingerprint"""
NEW = (
    "New since a version: in the whole lab only runs of the newest version of their workflow (the one, by name or code hash, that was first seen last) "
    "failed so, and there are older versions, of which none did."
)
DEFINITION = (
    "Runs that FAILED, by what failed first: error type and message with ids and numbers masked, the activity, the function that raised. "
    f"Attempts that a retry made good are not among them. {NEW}"
)


def asked(scope: Scope, *, of: Population | None = None) -> Asked:
    """The query; `of` stands for the scope's runs where they are at hand."""
    found = of or population(scope)
    recursive = found.sql.replace("WITH", "WITH RECURSIVE", 1)
    sql = _QUESTION.format(population=recursive, causes=_ALL_CAUSES, newest=_NEWEST)
    return Asked(sql=sql, parameters=found.parameters, definition=DEFINITION)


def failures(cursor: duckdb.DuckDBPyConnection, scope: Scope, *, of: Population | None = None) -> Answer:
    """One row per fingerprint, the most frequent first: count, share of all failures, first and last seen, workflows, a sample run's id.

    `versions` are those of the workflows, as `name@version`; `activity` is what was called, empty where the workflow's own code raised; `message` and
    `frame` are the newest one's. `new_since` is the version (or the first 8 digits of its code's hash) that brought it, empty where it is not new: see NEW.
    """
    question = asked(scope, of=of)
    return question.answer(question.frame(cursor))
