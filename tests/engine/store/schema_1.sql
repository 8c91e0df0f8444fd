-- The tables and views of schema 1, as its releases made them. Never changed: files of that kind must open for ever.

CREATE TABLE meta (
    key   VARCHAR NOT NULL,
    value VARCHAR NOT NULL
);

-- How far the journal is applied; written in the transaction that applies it. The row with the highest commit_index is true.
CREATE TABLE progress (
    commit_index  BIGINT    NOT NULL,
    next_position BIGINT    NOT NULL,
    next_key      BIGINT    NOT NULL,
    epoch         BIGINT    NOT NULL,
    written_at    TIMESTAMP NOT NULL
);

CREATE TABLE history (
    position          BIGINT    NOT NULL,
    instance          BIGINT    NOT NULL,
    sequence          BIGINT    NOT NULL,
    turn              BIGINT    NOT NULL,
    type              VARCHAR   NOT NULL,
    event_id          BIGINT,             -- of the action; in completions, of the action they complete
    name              VARCHAR,
    occurred_at       TIMESTAMP NOT NULL,
    attempt           BIGINT,
    task_execution_id VARCHAR,
    started_at        TIMESTAMP,
    duration_ms       DOUBLE,
    worker            VARCHAR,
    origin            VARCHAR,            -- of a timer: timer, event, activity_retry, child_retry
    error_type        VARCHAR,
    code_hash         VARCHAR,
    app_id            VARCHAR,
    fire_at           TIMESTAMP,
    data              VARCHAR,            -- the event's payload, JSON text
    detail            VARCHAR             -- JSON of the fields that have no column
);

-- One row per start and per change of status or custom status: the whole state of the execution from then on.
CREATE TABLE runs (
    position        BIGINT    NOT NULL,   -- after the history rows of the same commit
    first_position  BIGINT    NOT NULL,   -- of the commit that wrote this row
    instance        BIGINT    NOT NULL,
    instance_id     VARCHAR   NOT NULL,
    name            VARCHAR   NOT NULL,
    version         VARCHAR,
    code_hash       VARCHAR,
    status          VARCHAR   NOT NULL,
    parent          BIGINT,
    parent_id       VARCHAR,
    parent_name     VARCHAR,
    parent_task     BIGINT,
    root            BIGINT    NOT NULL,
    generation      BIGINT    NOT NULL,
    app_id          VARCHAR,
    tags            VARCHAR,              -- JSON object
    created_at      TIMESTAMP NOT NULL,
    updated_at      TIMESTAMP NOT NULL,
    scheduled_start TIMESTAMP,
    input           VARCHAR,
    output          VARCHAR,
    custom_status   VARCHAR,
    error_type      VARCHAR,
    failure         VARCHAR,              -- JSON object
    next_sequence   BIGINT    NOT NULL,
    turn            BIGINT    NOT NULL
);

CREATE TABLE definitions (
    position      BIGINT    NOT NULL,
    name          VARCHAR   NOT NULL,
    kind          VARCHAR   NOT NULL,
    code_hash     VARCHAR   NOT NULL,
    source        VARCHAR,
    origin        VARCHAR,
    packages      VARCHAR   NOT NULL,     -- JSON object
    registered_at TIMESTAMP NOT NULL
);

CREATE TABLE audit (
    position    BIGINT    NOT NULL,
    occurred_at TIMESTAMP NOT NULL,
    who         VARCHAR   NOT NULL,
    what        VARCHAR   NOT NULL,
    instance    BIGINT,
    instance_id VARCHAR,
    from_where  VARCHAR,
    why         VARCHAR
);

CREATE TABLE payloads (
    hash VARCHAR NOT NULL,
    data VARCHAR NOT NULL
);

CREATE TABLE api_calls (
    occurred_at TIMESTAMP NOT NULL,
    app_id      VARCHAR,
    api         VARCHAR   NOT NULL,
    method      VARCHAR   NOT NULL,
    status      VARCHAR,
    duration_ms DOUBLE,
    trace       VARCHAR,
    caller      VARCHAR,
    error       VARCHAR
);

-- The present state of every execution.
CREATE VIEW executions AS
SELECT * RENAME (instance AS key)
FROM runs
SEMI JOIN (SELECT max(position) AS position FROM runs GROUP BY instance) AS newest USING (position);

-- The present state of every instance: its newest execution.
CREATE VIEW instances AS
SELECT *
FROM executions
SEMI JOIN (SELECT max(key) AS key FROM executions GROUP BY instance_id) AS newest USING (key);

CREATE VIEW events AS
SELECT e.instance_id, e.name AS workflow, e.generation, h.* RENAME (instance AS key)
FROM history AS h
JOIN executions AS e ON e.key = h.instance;

-- Each attempt of an activity with its end, if it has one.
CREATE VIEW activities AS
SELECT
    s.instance_id, s.workflow, s.generation, s.key, s.event_id, s.name, s.attempt, s.task_execution_id,
    CASE f.type WHEN 'TaskCompleted' THEN 'COMPLETED' WHEN 'TaskFailed' THEN 'FAILED' ELSE 'SCHEDULED' END AS state,
    s.occurred_at AS scheduled_at, f.started_at, f.occurred_at AS ended_at, f.duration_ms, f.worker, f.error_type,
    s.app_id, s.data AS input, f.data AS output
FROM events AS s
LEFT JOIN history AS f
    ON f.instance = s.key AND f.event_id = s.event_id AND f.type IN ('TaskCompleted', 'TaskFailed')
WHERE s.type = 'TaskScheduled';

-- External events that running executions still wait for: the nth wait for a name takes the nth event of that name, in any case.
-- A wait whose deadline passed takes none.
CREATE VIEW waits AS
WITH waiting AS (
    SELECT
        h.instance, h.event_id, h.name, h.occurred_at, h.fire_at, h.detail,
        row_number() OVER (PARTITION BY h.instance, lower(h.name) ORDER BY h.sequence) AS nth
    FROM history AS h
    ANTI JOIN (SELECT instance, event_id FROM history WHERE type = 'TimerFired') AS fired
        ON fired.instance = h.instance AND fired.event_id = h.event_id
    WHERE h.type = 'TimerCreated' AND h.origin = 'event'
),
raised AS (
    SELECT instance, lower(name) AS name, count(*) AS arrived
    FROM history
    WHERE type = 'EventRaised'
    GROUP BY ALL
)
SELECT
    e.instance_id, e.name AS workflow, e.key, w.event_id, w.name AS event_name, w.occurred_at AS waiting_since, w.fire_at AS deadline,
    w.detail ->> '$.title' AS title, w.detail ->> '$.schema' AS schema
FROM waiting AS w
JOIN executions AS e ON e.key = w.instance
LEFT JOIN raised AS r ON r.instance = w.instance AND r.name = lower(w.name)
WHERE e.status IN ('PENDING', 'RUNNING', 'SUSPENDED', 'STALLED') AND w.nth > coalesce(r.arrived, 0);

-- Whatever failed: attempts of activities, child workflows, workflows.
CREATE VIEW failures AS
SELECT
    f.instance_id, f.workflow, f.generation, f.key,
    CASE f.type WHEN 'TaskFailed' THEN 'activity' WHEN 'ExecutionCompleted' THEN 'workflow' ELSE 'child workflow' END AS kind,
    coalesce(s.name, f.workflow) AS name, s.attempt, f.occurred_at, f.error_type,
    f.detail ->> '$.failure.message' AS message, f.detail ->> '$.failure.stack_trace' AS stack_trace
FROM events AS f
LEFT JOIN history AS s
    ON s.instance = f.key AND s.event_id = f.event_id AND s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated')
WHERE f.error_type IS NOT NULL;
