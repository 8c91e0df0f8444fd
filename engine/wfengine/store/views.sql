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
-- `deadline` is the wait's own. Whether it races a timer beside it only the source tells, which is not read here.
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
    e.instance_id, e.name AS workflow, e.key, w.event_id, w.name AS event_name, w.occurred_at AS waiting_since,
    w.fire_at AS deadline, w.detail ->> '$.title' AS title, w.detail ->> '$.schema' AS schema,
    w.detail ->> '$.risk' AS risk, w.detail ->> '$.requester' AS requester
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

-- Bytes of a payload, wherever it stands.
CREATE OR REPLACE MACRO payload_bytes(cell) AS
    CASE WHEN starts_with(cell, '@blake2b:') THEN split_part(cell, ' ', 2)::BIGINT ELSE strlen(cell) END;

-- What makes two failures the same one: wflab/analytics/fingerprints.py masks with the same expressions.
CREATE OR REPLACE MACRO error_fingerprint(error_type, message) AS error_type || coalesce(': ' || nullif(regexp_replace(regexp_replace(
    split_part(message, chr(10), 1)[:200],
    '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|[0-9A-Za-z_]*[0-9][0-9A-Za-z_]*', '#', 'g'
), '#([.,:/+-]#)+', '#', 'g'), ''), '');

-- One row per attempt, timer, wait, child and band of a run, and for the run itself: what wflab/analytics/spans.py lays out, under the same
-- ids; its `Span` tells what each column means. What only the source (lines, groups, who lost a race) or the live engine (who is held up) knows
-- is not here.
-- Everything is gathered by (instance_id, key) and nothing is materialized, so that a filter on either reaches the tables.
CREATE OR REPLACE VIEW spans AS
WITH run AS NOT MATERIALIZED (
    SELECT * RENAME (instance AS key) FROM runs
    QUALIFY row_number() OVER (PARTITION BY instance_id, instance ORDER BY position DESC) = 1
),
recorded AS NOT MATERIALIZED (
    SELECT r.instance_id, h.* RENAME (instance AS key)
    FROM history AS h
    JOIN (SELECT DISTINCT instance, instance_id FROM runs) AS r ON r.instance = h.instance
),
ends AS NOT MATERIALIZED (
    SELECT * FROM recorded
    WHERE type IN ('TaskCompleted', 'TaskFailed', 'ChildWorkflowInstanceCompleted', 'ChildWorkflowInstanceFailed', 'TimerFired')
),
-- Calls that were tried again: the attempts of each, and the pauses between them. An id may be used again by a later child, so a repetition
-- belongs to the newest first attempt before it.
repeated AS NOT MATERIALIZED (
    SELECT
        l.instance_id, l.key, l.event_id, l.attempt, l.fire_at, l.type = 'TimerCreated' AS is_pause,
        arg_max(f.event_id, f.sequence) AS first_event
    FROM recorded AS l
    JOIN recorded AS f
        ON f.instance_id = l.instance_id AND f.key = l.key AND f.sequence < l.sequence
        AND coalesce(f.task_execution_id, f.detail ->> '$.instance_id') = coalesce(l.task_execution_id, l.detail ->> '$.instance_id')
    WHERE (l.origin IN ('activity_retry', 'child_retry') OR l.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated') AND l.attempt > 1)
        AND f.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated') AND f.attempt = 1
    GROUP BY ALL
),
tries AS NOT MATERIALIZED (
    SELECT
        instance_id, key, first_event, 1 + count(*) FILTER (NOT is_pause) AS attempts,
        map_from_entries(list((attempt, fire_at)) FILTER (is_pause)) AS pauses,
        list_append(coalesce(list(event_id) FILTER (NOT is_pause), []), first_event) AS event_ids
    FROM repeated
    GROUP BY instance_id, key, first_event
),
calls AS NOT MATERIALIZED (
    SELECT
        s.instance_id, s.key, s.sequence, s.event_id, s.type, s.name, s.attempt, s.occurred_at AS queued_at, s.data, s.detail,
        coalesce(t.first_event, s.event_id) AS first_event, coalesce(t.attempts, 1) AS attempts, t.pauses[s.attempt] AS next_at,
        e.type AS end_type, e.started_at, e.occurred_at AS ended_at, e.worker, e.error_type, e.detail AS end_detail, e.data AS result,
        l.late_at, l.restarts
    FROM recorded AS s
    LEFT JOIN (SELECT * EXCLUDE (event_ids), unnest(event_ids) AS event_id FROM tries) AS t
        ON t.instance_id = s.instance_id AND t.key = s.key AND t.event_id = s.event_id
    LEFT JOIN ends AS e ON e.instance_id = s.instance_id AND e.key = s.key AND e.event_id = s.event_id
    LEFT JOIN (
        SELECT
            instance_id, key, event_id, min(occurred_at) FILTER (type = 'TaskEndedLate') AS late_at,
            count(*) FILTER (type = 'TaskRestarted') AS restarts
        FROM recorded
        WHERE type IN ('TaskEndedLate', 'TaskRestarted')
        GROUP BY instance_id, key, event_id
    ) AS l ON l.instance_id = s.instance_id AND l.key = s.key AND l.event_id = s.event_id
    WHERE s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated')
),
-- Which event answered which wait: names in any case, in the order of history, an event goes to the oldest open wait. 1: a wait begins,
-- 2: an event arrives, 3: a deadline passes. `had` is the open waits (event id + 1), then negative pairs of a wait and what answered it.
entries AS NOT MATERIALIZED (
    SELECT
        instance_id, key, sequence, lower(coalesce(name, any_value(name) OVER (PARTITION BY instance_id, key, event_id))) AS name,
        CASE type WHEN 'TimerCreated' THEN [1, event_id + 1] WHEN 'EventRaised' THEN [2, sequence] ELSE [3, event_id + 1] END AS entry
    FROM recorded
    WHERE type IN ('EventRaised', 'TimerFired') OR origin = 'event'
),
answers AS NOT MATERIALIZED (
    SELECT instance_id, key, -pair // 2147483648 - 1 AS event_id, -pair % 2147483648 AS sequence
    FROM (
        SELECT instance_id, key, unnest(list_filter(list_reduce(
            list(entry ORDER BY sequence),
            lambda had, next: CASE
                WHEN next[1] = 1 THEN list_filter(had, lambda o: o > 0) || [next[2]] || list_filter(had, lambda o: o < 0)
                WHEN next[1] = 3 THEN list_filter(had, lambda o: o <> next[2])
                WHEN had[1] > 0 THEN had[2:] || [-(had[1] * 2147483648 + next[2])]
                ELSE had
            END,
            []::BIGINT[]
        ), lambda o: o < 0)) AS pair
        FROM entries
        WHERE name IS NOT NULL
        GROUP BY instance_id, key, name
    )
),
arrivals AS NOT MATERIALIZED (
    SELECT r.*, a.event_id AS answered
    FROM recorded AS r
    LEFT JOIN answers AS a ON a.instance_id = r.instance_id AND a.key = r.key AND a.sequence = r.sequence
    WHERE r.type = 'EventRaised'
),
-- Timers and waits with their end.
waiting AS NOT MATERIALIZED (
    SELECT
        w.instance_id, w.key, w.event_id, w.sequence, w.name, w.origin, w.occurred_at AS queued_at, w.fire_at, r.detail AS raised, r.data,
        coalesce(r.type, e.type) AS end_type, coalesce(r.occurred_at, e.occurred_at) AS ended_at
    FROM recorded AS w
    LEFT JOIN arrivals AS r ON r.instance_id = w.instance_id AND r.key = w.key AND r.answered = w.event_id
    LEFT JOIN ends AS e ON e.instance_id = w.instance_id AND e.key = w.key AND e.event_id = w.event_id
    WHERE w.origin IN ('timer', 'event')
),
whole AS NOT MATERIALIZED (
    SELECT
        instance_id, key,
        max(occurred_at) FILTER (type IN ('ExecutionCompleted', 'ContinuedAsNew')) AS over_at,
        min(occurred_at) FILTER (turn > 0 AND type NOT IN ('ExecutionStarted', 'ExecutionSuspended')) AS ran_at,
        any_value(nullif(regexp_extract(detail ->> '$.seed', '^(.*)/[^/]*/[^/]*$', 1), '')) FILTER (type = 'ExecutionStarted') AS rerun_of,
        any_value(data) FILTER (type = 'ContinuedAsNew') AS carried
    FROM recorded
    WHERE type IN (
        'ExecutionStarted', 'TaskScheduled', 'TimerCreated', 'ChildWorkflowInstanceCreated', 'DetachedWorkflowInstanceCreated', 'PatchRecorded',
        'ExecutionCompleted', 'ContinuedAsNew'
    )
    GROUP BY instance_id, key
),
bands AS NOT MATERIALIZED (
    SELECT *, lead(occurred_at) OVER (PARTITION BY instance_id, key ORDER BY sequence) AS resumed_at
    FROM (
        SELECT *, lag(type, 1, 'ExecutionResumed') OVER (PARTITION BY instance_id, key ORDER BY sequence) AS type_before
        FROM recorded
        WHERE type IN ('ExecutionSuspended', 'ExecutionResumed')
    )
    WHERE type <> type_before
),
-- One branch per kind. An outcome is missing where the end is: what is open then is open, or ended with its run as `if_over` says.
laid AS NOT MATERIALIZED (
    SELECT
        instance_id, key, sequence, event_id, ':a' || event_id AS id, ':a' || first_event AS call,
        CASE type WHEN 'TaskScheduled' THEN 'activity' ELSE 'child' END AS kind, name, attempt, attempts, queued_at, started_at, ended_at,
        next_at AS fire_at,
        CASE
            WHEN end_type IN ('TaskCompleted', 'ChildWorkflowInstanceCompleted') THEN 'returned'
            WHEN error_type = 'ActivityTimeoutError' THEN 'timed_out'
            WHEN end_type IS NOT NULL THEN 'failed'
        END AS outcome,
        CASE
            WHEN end_type IN ('TaskCompleted', 'ChildWorkflowInstanceCompleted') THEN 'COMPLETED' WHEN end_type IS NULL THEN 'RUNNING'
            ELSE 'FAILED'
        END AS state,
        CASE WHEN end_type IS NULL THEN 'executing' WHEN next_at IS NOT NULL AND attempt = attempts THEN 'backoff' END AS phase,
        'abandoned' AS if_over, error_type, end_detail ->> '$.failure.message' AS error_message,
        ':a' || (detail ->> '$.compensates') AS compensates, payload_bytes(data) AS bytes_in, payload_bytes(result) AS bytes_out, worker,
        detail ->> '$.instance_id' AS child_id, late_at, restarts
    FROM calls
    UNION ALL BY NAME
    SELECT
        instance_id, key, sequence, event_id, ':a' || event_id AS id, 'child' AS kind, name, occurred_at AS queued_at, occurred_at AS ended_at,
        CASE WHEN detail ->> '$.execution' IS NULL THEN 'refused' ELSE 'detached' END AS outcome,
        CASE WHEN detail ->> '$.execution' IS NULL THEN 'CANCELED' ELSE 'COMPLETED' END AS state,
        payload_bytes(data) AS bytes_in, detail ->> '$.instance_id' AS child_id
    FROM recorded
    WHERE type = 'DetachedWorkflowInstanceCreated'
    UNION ALL BY NAME
    SELECT
        instance_id, key, sequence, event_id, ':a' || event_id AS id, CASE origin WHEN 'timer' THEN 'timer' ELSE 'event_wait' END AS kind,
        coalesce(name, 'timer') AS name, queued_at, ended_at, fire_at,
        CASE
            WHEN end_type = 'EventRaised' THEN 'raised'
            WHEN end_type = 'TimerFired' THEN CASE origin WHEN 'timer' THEN 'fired' ELSE 'timed_out' END
        END AS outcome,
        CASE
            WHEN end_type = 'EventRaised' OR end_type = 'TimerFired' AND origin = 'timer' THEN 'COMPLETED'
            WHEN end_type IS NOT NULL THEN 'CANCELED'
            ELSE CASE origin WHEN 'timer' THEN 'RUNNING' ELSE 'SUSPENDED' END
        END AS state,
        CASE WHEN end_type IS NULL THEN 'waiting' END AS phase, 'cancelled' AS if_over,
        CASE WHEN end_type = 'EventRaised' THEN payload_bytes(data) END AS bytes_out, raised ->> '$.raised_by' AS raised_by
    FROM waiting
    UNION ALL BY NAME
    SELECT
        instance_id, key, sequence, ':e' || sequence AS id, 'event_wait' AS kind, name, occurred_at AS queued_at, occurred_at AS ended_at,
        'buffered' AS outcome, 'COMPLETED' AS state, payload_bytes(data) AS bytes_out, detail ->> '$.raised_by' AS raised_by
    FROM arrivals
    WHERE answered IS NULL
    UNION ALL BY NAME
    SELECT
        instance_id, key, sequence, ':e' || sequence AS id, 'suspend' AS kind, 'suspended' AS name, occurred_at AS queued_at,
        occurred_at AS started_at, resumed_at AS ended_at, CASE WHEN resumed_at IS NOT NULL THEN 'resumed' END AS outcome,
        CASE WHEN resumed_at IS NULL THEN 'SUSPENDED' ELSE 'COMPLETED' END AS state, CASE WHEN resumed_at IS NULL THEN 'waiting' END AS phase,
        'cancelled' AS if_over
    FROM bands
    WHERE type = 'ExecutionSuspended'
    UNION ALL BY NAME
    SELECT
        instance_id, key, sequence, ':e' || sequence AS id, 'can' AS kind, 'continued as new' AS name, occurred_at AS queued_at,
        occurred_at AS started_at, occurred_at AS ended_at, 'continued' AS outcome, 'CONTINUED_AS_NEW' AS state, payload_bytes(data) AS bytes_in
    FROM recorded
    WHERE type = 'ContinuedAsNew'
    UNION ALL BY NAME
    SELECT
        instance_id, key, ':stall' AS id, 'stall' AS kind, 'stalled' AS name, updated_at AS queued_at, updated_at AS started_at,
        'STALLED' AS state, 'waiting' AS phase, error_type, failure ->> '$.message' AS error_message
    FROM run
    WHERE status = 'STALLED'
    UNION ALL BY NAME
    SELECT
        instance_id, key, 0 AS sequence, '' AS id, 'workflow' AS kind, name, created_at AS queued_at, scheduled_start AS fire_at,
        CASE status
            WHEN 'COMPLETED' THEN 'returned' WHEN 'FAILED' THEN 'failed' WHEN 'TERMINATED' THEN 'terminated'
            WHEN 'CONTINUED_AS_NEW' THEN 'continued' WHEN 'CANCELED' THEN 'cancelled' ELSE ''
        END AS outcome,
        status AS state, CASE status WHEN 'PENDING' THEN 'queued' WHEN 'RUNNING' THEN 'executing' ELSE 'waiting' END AS phase,
        CASE WHEN status IN ('FAILED', 'TERMINATED', 'CANCELED') THEN error_type END AS error_type,
        CASE WHEN status IN ('FAILED', 'TERMINATED', 'CANCELED') THEN failure ->> '$.message' END AS error_message,
        payload_bytes(input) AS bytes_in, payload_bytes(output) AS bytes_out
    FROM run
)
SELECT
    e.instance_id, e.name AS workflow, e.generation, e.key, e.key || s.id AS span_id,
    CASE WHEN s.kind = 'workflow' THEN e.parent || ':a' || e.parent_task ELSE e.key::VARCHAR END AS parent_id,
    e.key || coalesce(s.call, s.id) AS call_id, s.kind, s.name, coalesce(s.attempt, 1) AS attempt, coalesce(s.attempts, 1) AS attempts, s.sequence,
    s.event_id, s.queued_at, CASE s.kind WHEN 'workflow' THEN e.ran_at ELSE s.started_at END AS started_at,
    CASE WHEN s.outcome IS NULL OR s.kind = 'workflow' THEN e.over_at ELSE s.ended_at END AS ended_at, s.fire_at,
    CASE WHEN s.outcome IS NULL AND e.over_at IS NOT NULL THEN 'CANCELED' ELSE s.state END AS state,
    CASE WHEN e.over_at IS NULL THEN coalesce(s.phase, 'done') ELSE 'done' END AS phase,
    coalesce(s.outcome, CASE WHEN e.over_at IS NOT NULL THEN s.if_over END, '') AS outcome,
    s.error_type, s.error_message, error_fingerprint(s.error_type, s.error_message) AS error_fp, e.key || s.compensates AS compensates,
    s.bytes_in, CASE WHEN s.kind = 'workflow' AND s.outcome = 'continued' THEN payload_bytes(e.carried) ELSE s.bytes_out END AS bytes_out,
    s.worker, s.raised_by, s.child_id, s.late_at, coalesce(s.restarts, 0) AS restarts,
    CASE WHEN s.kind = 'workflow' THEN e.rerun_of END AS rerun_of
FROM laid AS s
JOIN (
    SELECT
        r.*, w.ran_at, w.rerun_of, w.carried,
        -- a run that was canceled elsewhere may have no history of its end
        coalesce(w.over_at, CASE WHEN r.status = 'CANCELED' THEN r.updated_at END) AS over_at
    FROM run AS r
    LEFT JOIN whole AS w ON w.instance_id = r.instance_id AND w.key = r.key
) AS e ON e.instance_id = s.instance_id AND e.key = s.key;
