"""Which source ran for each event of a history: the workflow's, and for an activity's end the activity's, as registered when it began.

A run's code may change under way (after a restart it goes on with what is registered, if history agrees), so each event is asked for by its place.
"""

import pandas as pd

from wfengine.runtime.engine import Engine

_PROVENANCE = """
    WITH own AS (
        SELECT h.position, h.sequence, h.type, h.event_id, h.started_at, h.occurred_at, h.app_id,
            coalesce(h.name, asked.name) AS name, asked.app_id AS called_app
        FROM history AS h
        LEFT JOIN history AS asked ON asked.instance = h.instance AND asked.event_id = h.event_id AND asked.type = 'TaskScheduled'
            AND h.type IN ('TaskCompleted', 'TaskFailed')
        WHERE h.instance = $key
    ),
    hashed AS (
        SELECT own.*, coalesce(
            (SELECT arg_max(r.code_hash, r.position) FROM runs AS r WHERE r.instance = $key AND r.first_position <= own.position AND r.code_hash IS NOT NULL),
            (SELECT arg_min(r.code_hash, r.position) FROM runs AS r WHERE r.instance = $key AND r.code_hash IS NOT NULL)
        ) AS code_hash
        FROM own
    )
    SELECT hashed.sequence, hashed.type, hashed.name, hashed.code_hash,
        (SELECT any_value(d.source) FROM definitions AS d WHERE d.kind = 'workflow' AND d.code_hash = hashed.code_hash) AS source,
        activity.code_hash AS activity_hash, activity.source AS activity_source
    FROM hashed
    LEFT JOIN LATERAL (
        SELECT d.code_hash, d.source FROM definitions AS d
        WHERE hashed.type IN ('TaskCompleted', 'TaskFailed') AND d.kind = 'activity' AND d.name = hashed.name
            AND d.registered_at <= coalesce(hashed.started_at, hashed.occurred_at)
        ORDER BY d.position DESC LIMIT 1
    ) AS activity ON true
    ORDER BY hashed.sequence
"""


def provenance(engine: Engine, key: int) -> pd.DataFrame:
    """One row per event of the execution `key`: sequence, type, name, code_hash and source of the workflow, activity_hash and activity_source."""
    with engine.store.cursor() as cursor:
        return cursor.execute(_PROVENANCE, {"key": key}).df()
