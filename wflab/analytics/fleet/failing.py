"""What runs fail of: failures that are the same but for ids and numbers are one, found down the calls to the code that raised first."""

import duckdb

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Population, Scope, population

# A run's own message ends with that of the call it failed of; a call that failed later, in a compensation, is not the cause. Where a child
# workflow was, its cause is looked for in turn.
CAUSES = """
broken AS (
    SELECT key, parent, parent_task, error_type, failure ->> '$.message' AS message, failure ->> '$.stack_trace' AS trace
    FROM executions WHERE status = 'FAILED'
),
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
    SELECT key AS run, key, 0 AS depth FROM fleet WHERE status = 'FAILED'
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
_QUESTION = """{population},{causes}
SELECT
    c.fingerprint, count(*) AS count, count(*) / sum(count(*)) OVER () AS share, min(f.ended_at) AS first_seen, max(f.ended_at) AS last_seen,
    list_sort(list_distinct(list(f.name))) AS workflows, max_by(f.instance_id, f.ended_at) AS sample, c.activity,
    max_by(c.message, f.ended_at) AS message, coalesce(max_by(c.frame, f.ended_at), '') AS frame
FROM causes AS c
JOIN fleet AS f USING (key)
GROUP BY c.fingerprint, c.activity, regexp_extract(c.frame, ', in (.*)$', 1)
ORDER BY count DESC, last_seen DESC, c.fingerprint"""
DEFINITION = (
    "Runs that FAILED, by what failed first: error type and message with ids and numbers masked, the activity, the function that raised. "
    "Attempts that a retry made good are not among them."
)


def asked(scope: Scope, *, of: Population | None = None) -> Asked:
    """The query; `of` stands for the scope's runs where they are at hand."""
    found = of or population(scope)
    recursive = found.sql.replace("WITH", "WITH RECURSIVE", 1)
    return Asked(sql=_QUESTION.format(population=recursive, causes=CAUSES), parameters=found.parameters, definition=DEFINITION)


def failures(cursor: duckdb.DuckDBPyConnection, scope: Scope, *, of: Population | None = None) -> Answer:
    """One row per fingerprint, the most frequent first: count, share of all failures, first and last seen, workflows, a sample run's id.

    `activity` is what was called, empty where the workflow's own code raised; `message` and `frame` are the newest one's.
    """
    question = asked(scope, of=of)
    return question.answer(question.frame(cursor))
