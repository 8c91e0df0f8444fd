-- The record. Everything is appended; rows are deleted only by a purge. There are no keys, indexes, sequences or updates:
-- they are where DuckDB's log breaks, and the owner's memory keeps what must be unique.
-- Times are naive UTC. `instance` is the dense number of one execution; people's ids are in the views below.

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
    app_id            VARCHAR,
    fire_at           TIMESTAMP,
    data              VARCHAR,            -- the event's payload, JSON text; payload(data) where it may be large
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
    turn            BIGINT    NOT NULL,
    purge_at        TIMESTAMP             -- when an ended instance is deleted by itself
);

CREATE TABLE definitions (
    position      BIGINT    NOT NULL,
    name          VARCHAR   NOT NULL,
    kind          VARCHAR   NOT NULL,
    code_hash     VARCHAR   NOT NULL,
    source        VARCHAR,
    origin        VARCHAR,
    packages      VARCHAR   NOT NULL,     -- JSON object
    registered_at TIMESTAMP NOT NULL,
    version       VARCHAR,
    app_id        VARCHAR
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

-- Changes in the state of circuit breakers; the newest row of a name within an app is true.
CREATE TABLE circuits (
    position             BIGINT    NOT NULL,
    occurred_at          TIMESTAMP NOT NULL,
    app_id               VARCHAR,
    name                 VARCHAR   NOT NULL,
    state                VARCHAR   NOT NULL,
    consecutive_failures BIGINT    NOT NULL,
    requests             BIGINT    NOT NULL
);

-- Results of transactional activities, each written in the activity's own transaction: it committed if, and only if, its row is here.
CREATE TABLE transactions (
    instance     BIGINT    NOT NULL,
    event_id     BIGINT    NOT NULL,      -- of TaskScheduled
    result       VARCHAR,
    committed_at TIMESTAMP NOT NULL
);

-- Each large payload once. Where a table above would hold it stands a reference, which is no JSON: @blake2b:<hash> <bytes>
CREATE TABLE payloads (
    hash VARCHAR NOT NULL,
    data VARCHAR NOT NULL
);

-- Which executions refer to a large payload; it goes with the last of them.
CREATE TABLE payload_holders (
    hash     VARCHAR NOT NULL,
    instance BIGINT  NOT NULL
);

-- What apps asked of the gateway, and what it delivered to them.
CREATE TABLE api_calls (
    occurred_at    TIMESTAMP NOT NULL,
    app_id         VARCHAR,                -- whose sidecar it was; NULL is the lab's own
    api            VARCHAR   NOT NULL,     -- workflow, taskhub, state, pubsub, invoke, metadata, health, delivery, other
    method         VARCHAR   NOT NULL,     -- POST /v1.0/state/orders, or the name of an rpc
    status         VARCHAR,                -- HTTP's code, or the name of gRPC's
    duration_ms    DOUBLE,
    trace          VARCHAR,                -- W3C trace id
    caller         VARCHAR,
    error          VARCHAR,
    target         VARCHAR,                -- app, topic, key or instance
    request_bytes  BIGINT,
    response_bytes BIGINT
);

-- The stores of state that apps use: one row for each key that has a value. A change deletes the row and appends another, in one transaction.
-- `position` numbers the gateway's rows in the order of their writing; it has nothing to do with the record's.
CREATE TABLE state (
    position   BIGINT    NOT NULL,
    store      VARCHAR   NOT NULL,
    key        VARCHAR   NOT NULL,         -- as it is kept: app||key, unless the store says otherwise
    app_id     VARCHAR,                    -- who wrote the value
    value      VARCHAR   NOT NULL,         -- text as the app sent it, most often JSON
    is_base64  BOOLEAN   NOT NULL,         -- the value is no text, and stands here in base64
    etag       VARCHAR   NOT NULL,
    written_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);

-- Messages that are published and not yet settled by every app that subscribes to the topic.
CREATE TABLE pubsub_messages (
    position     BIGINT    NOT NULL,
    pubsub       VARCHAR   NOT NULL,
    topic        VARCHAR   NOT NULL,
    id           VARCHAR   NOT NULL,       -- of the CloudEvent
    app_id       VARCHAR,                  -- who published
    data         VARCHAR   NOT NULL,       -- the envelope, or the bare payload where the publisher asked for that
    is_base64    BOOLEAN   NOT NULL,
    is_raw       BOOLEAN   NOT NULL,
    content_type VARCHAR   NOT NULL,
    published_at TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP
);

-- Which apps have ever subscribed to a topic: what is published waits for each of them.
CREATE TABLE pubsub_subscribers (
    position      BIGINT    NOT NULL,
    pubsub        VARCHAR   NOT NULL,
    topic         VARCHAR   NOT NULL,
    app_id        VARCHAR   NOT NULL,      -- '' is the lab's own
    subscribed_at TIMESTAMP NOT NULL
);

-- How a message ended for an app that subscribes; gone with the message.
CREATE TABLE pubsub_deliveries (
    position   BIGINT    NOT NULL,
    message    BIGINT    NOT NULL,         -- position of the message
    app_id     VARCHAR   NOT NULL,
    outcome    VARCHAR   NOT NULL,         -- success, dropped, dead letter
    attempts   BIGINT    NOT NULL,
    settled_at TIMESTAMP NOT NULL,
    error      VARCHAR
);
