-- From schema 2 to 3: the view `spans` and its macros are new, and what the gateway keeps: calls say more, and there are state, messages and who gets them.
ALTER TABLE api_calls ADD COLUMN target VARCHAR;
ALTER TABLE api_calls ADD COLUMN request_bytes BIGINT;
ALTER TABLE api_calls ADD COLUMN response_bytes BIGINT;

CREATE TABLE state (
    position   BIGINT    NOT NULL,
    store      VARCHAR   NOT NULL,
    key        VARCHAR   NOT NULL,
    app_id     VARCHAR,
    value      VARCHAR   NOT NULL,
    is_base64  BOOLEAN   NOT NULL,
    etag       VARCHAR   NOT NULL,
    written_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP
);

CREATE TABLE pubsub_messages (
    position     BIGINT    NOT NULL,
    pubsub       VARCHAR   NOT NULL,
    topic        VARCHAR   NOT NULL,
    id           VARCHAR   NOT NULL,
    app_id       VARCHAR,
    data         VARCHAR   NOT NULL,
    is_base64    BOOLEAN   NOT NULL,
    is_raw       BOOLEAN   NOT NULL,
    content_type VARCHAR   NOT NULL,
    published_at TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP
);

CREATE TABLE pubsub_subscribers (
    position      BIGINT    NOT NULL,
    pubsub        VARCHAR   NOT NULL,
    topic         VARCHAR   NOT NULL,
    app_id        VARCHAR   NOT NULL,
    subscribed_at TIMESTAMP NOT NULL
);

CREATE TABLE pubsub_deliveries (
    position   BIGINT    NOT NULL,
    message    BIGINT    NOT NULL,
    app_id     VARCHAR   NOT NULL,
    outcome    VARCHAR   NOT NULL,
    attempts   BIGINT    NOT NULL,
    settled_at TIMESTAMP NOT NULL,
    error      VARCHAR
);
