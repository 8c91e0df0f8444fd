-- Instances $first to $last, each with 100 events and two rows of `runs`. A hundred at a time ran side by side, so their rows alternate.
-- `place` counts the rows of one instance: 0 and 1 are its first commit's events, 2 its first status, 101 its last.
INSERT INTO history BY NAME
SELECT
    (key - 1) // 100 * 10_200 + place * 100 + (key - 1) % 100 + 1 AS position,
    key AS instance,
    sequence,
    sequence // 2 + 1 AS turn,
    CASE WHEN sequence = 0 THEN 'ExecutionStarted' WHEN sequence = 99 THEN 'ExecutionCompleted'
         WHEN sequence % 2 = 1 THEN 'TaskScheduled' ELSE 'TaskCompleted' END AS type,
    CASE WHEN sequence BETWEEN 1 AND 98 THEN (sequence - 1) // 2 END AS event_id,
    CASE WHEN sequence = 0 THEN 'chain' WHEN sequence % 2 = 1 AND sequence < 99 THEN 'add_one' END AS name,
    TIMESTAMP '2026-01-01' + to_milliseconds((key - 1) // 100 * 1_000 + sequence * 5) AS occurred_at,
    CASE WHEN sequence % 2 = 1 AND sequence < 99 THEN 1 END AS attempt,
    CASE WHEN sequence % 2 = 1 AND sequence < 99 THEN md5(concat(key, '/', sequence)) END AS task_execution_id,
    CASE WHEN type = 'TaskCompleted' THEN occurred_at END AS started_at,
    CASE WHEN type = 'TaskCompleted' THEN hash(key, sequence) % 1_000 / 100.0 END AS duration_ms,
    CASE WHEN type = 'TaskCompleted' THEN 'thread' END AS worker,
    CASE sequence WHEN 0 THEN '49' ELSE (sequence // 2)::VARCHAR END AS data,
    CASE sequence WHEN 0 THEN '{"instance_id":"made-' || key || '"}' WHEN 99 THEN '{"status":"COMPLETED"}' END AS detail
FROM range($first, $last + 1) AS keys (key),
    (SELECT range AS sequence, CASE WHEN range < 2 THEN range ELSE range + 1 END AS place FROM range(100)) AS places
ORDER BY position;

INSERT INTO runs BY NAME
SELECT
    (key - 1) // 100 * 10_200 + place * 100 + (key - 1) % 100 + 1 AS position,
    (key - 1) // 100 * 10_200 + first_place * 100 + (key - 1) % 100 + 1 AS first_position,
    key AS instance,
    'made-' || key AS instance_id,
    'chain' AS name,
    'made' AS code_hash,
    status,
    key AS root,
    0 AS generation,
    TIMESTAMP '2026-01-01' + to_milliseconds((key - 1) // 100 * 1_000) AS created_at,
    created_at + to_milliseconds(milliseconds) AS updated_at,
    '49' AS input,
    CASE status WHEN 'COMPLETED' THEN '49' END AS output,
    next_sequence,
    turn
FROM range($first, $last + 1) AS keys (key),
    (VALUES (2, 0, 'RUNNING', 0, 2, 1), (101, 99, 'COMPLETED', 495, 100, 50))
        AS changes (place, first_place, status, milliseconds, next_sequence, turn)
ORDER BY position;

INSERT INTO progress
SELECT max(commit_index) + 1, (SELECT max(position) + 1 FROM runs), (SELECT max(instance) + 1 FROM runs), max(epoch), now()::TIMESTAMP
FROM progress
