-- What people ask. Payloads above 1 MiB stand here as references; payload(...) gives their text.

CREATE OR REPLACE MACRO payload(cell) AS CASE
    WHEN starts_with(cell, '@blake2b:')
        THEN (SELECT any_value(p.data) FROM payloads AS p WHERE p.hash = split_part(substr(cell, 10), ' ', 1))
    ELSE cell
END;

-- The present state of every execution.
CREATE OR REPLACE VIEW executions AS
SELECT * RENAME (instance AS key)
FROM runs
SEMI JOIN (SELECT max(position) AS position FROM runs GROUP BY instance) AS newest USING (position);

-- The present state of every instance: its newest execution.
CREATE OR REPLACE VIEW instances AS
SELECT *
FROM executions
SEMI JOIN (SELECT max(key) AS key FROM executions GROUP BY instance_id) AS newest USING (key);

CREATE OR REPLACE VIEW events AS
SELECT e.instance_id, e.name AS workflow, e.generation, h.* RENAME (instance AS key)
FROM history AS h
JOIN executions AS e ON e.key = h.instance;

-- Each attempt of an activity with its end, if it has one.
CREATE OR REPLACE VIEW activities AS
SELECT
    s.instance_id, s.workflow, s.generation, s.key, s.event_id, s.name, s.attempt, s.task_execution_id,
    CASE f.type WHEN 'TaskCompleted' THEN 'COMPLETED' WHEN 'TaskFailed' THEN 'FAILED' ELSE 'SCHEDULED' END AS state,
    s.occurred_at AS scheduled_at, f.started_at, f.occurred_at AS ended_at, f.duration_ms, f.worker, f.error_type,
    s.app_id, s.data AS input, f.data AS output
FROM events AS s
LEFT JOIN history AS f
    ON f.instance = s.key AND f.event_id = s.event_id AND f.type IN ('TaskCompleted', 'TaskFailed')
WHERE s.type = 'TaskScheduled';

-- External events that running executions still wait for. Waits and events of a name, in any case, are gone through in the order of
-- history: an event goes to the oldest open wait, unless that wait's deadline passed before. Code that asks after an event came is
-- served without a record of its wait. Only a wait of the turn that brought the event may have been there first, as a turn's events
-- all stand before its waits; so an event that found nobody waiting serves one of the same turn, if code had run before it in that turn.
CREATE OR REPLACE VIEW waits AS
WITH waiting AS (
    SELECT h.instance, h.sequence, h.turn, h.event_id, h.name, h.occurred_at, h.fire_at, h.detail
    FROM history AS h
    SEMI JOIN executions AS e ON e.key = h.instance AND e.status IN ('PENDING', 'RUNNING', 'SUSPENDED', 'STALLED')
    WHERE h.type = 'TimerCreated' AND h.origin = 'event'
),
-- What no code has taken up yet belongs to the turn that will.
recorded AS (
    SELECT h.instance, h.sequence, h.type, h.event_id, lower(h.name) AS name, coalesce(min(nullif(h.turn, 0)) OVER following, 0) AS turn
    FROM history AS h
    SEMI JOIN waiting AS w ON w.instance = h.instance
    WINDOW following AS (PARTITION BY h.instance ORDER BY h.sequence ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
),
numbered AS (
    SELECT instance, sequence, type, name, turn,
        row_number() OVER (PARTITION BY instance, turn ORDER BY sequence)
            - row_number() OVER (PARTITION BY instance, turn, type, name ORDER BY sequence) AS others_before
    FROM recorded
),
-- 1: a wait begins, 2: an event arrives (and whether anything else of its turn came before it), 3: a deadline passes.
entries AS (
    SELECT instance, lower(name) AS name, sequence, [1, turn, event_id + 1] AS entry FROM waiting
    UNION ALL
    SELECT instance, name, sequence, [2, turn, others_before] AS entry FROM numbered WHERE type = 'EventRaised'
    UNION ALL
    SELECT r.instance, lower(w.name), r.sequence, [3, r.turn, r.event_id + 1] AS entry
    FROM recorded AS r
    JOIN waiting AS w ON w.instance = r.instance AND w.event_id = r.event_id
    WHERE r.type = 'TimerFired'
),
in_order AS (SELECT instance, list(entry ORDER BY sequence) AS entries FROM entries GROUP BY instance, name),
-- `had` is: the turn in which an event was last handed over, then either the open waits or, negative, the turns of events that found none.
standing AS (
    SELECT instance, list_reduce(
        entries,
        lambda had, next: CASE
            WHEN next[1] = 1 AND list_contains(had[2:], -next[2]) THEN had[:1] || list_filter(had[2:], lambda o: o = -next[2])[2:]
            WHEN next[1] = 1 THEN had[:1] || list_filter(had[2:], lambda o: o > 0) || [next[3]]
            WHEN next[1] = 3 THEN had[:1] || list_filter(had[2:], lambda o: o <> next[3])
            WHEN had[2] > 0 THEN [next[2]] || had[3:]
            WHEN next[3] > 0 OR had[1] = next[2] THEN had || [-next[2]]
            ELSE had
        END,
        [0::BIGINT]
    ) AS had
    FROM in_order
),
still_open AS (SELECT instance, unnest(had[2:]) - 1 AS event_id FROM standing)
SELECT
    e.instance_id, e.name AS workflow, e.key, w.event_id, w.name AS event_name, w.occurred_at AS waiting_since, w.fire_at AS deadline,
    w.detail ->> '$.title' AS title, w.detail ->> '$.schema' AS schema
FROM still_open
JOIN waiting AS w USING (instance, event_id)
JOIN executions AS e ON e.key = w.instance;

-- Whatever failed: attempts of activities, child workflows, workflows.
CREATE OR REPLACE VIEW failures AS
SELECT
    f.instance_id, f.workflow, f.generation, f.key,
    CASE f.type WHEN 'TaskFailed' THEN 'activity' WHEN 'ExecutionCompleted' THEN 'workflow' ELSE 'child workflow' END AS kind,
    coalesce(s.name, f.workflow) AS name, s.attempt, f.occurred_at, f.error_type,
    f.detail ->> '$.failure.message' AS message, f.detail ->> '$.failure.stack_trace' AS stack_trace
FROM events AS f
LEFT JOIN history AS s
    ON s.instance = f.key AND s.event_id = f.event_id AND s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated')
WHERE f.type IN ('TaskFailed', 'ChildWorkflowInstanceFailed', 'ExecutionCompleted') AND f.error_type IS NOT NULL;

-- The present state of every circuit breaker.
CREATE OR REPLACE VIEW circuit_breakers AS
SELECT app_id, name, state, consecutive_failures, requests, occurred_at AS since
FROM circuits
SEMI JOIN (SELECT max(position) AS position FROM circuits GROUP BY app_id, name) AS newest USING (position);
