-- From schema 1 to 2. New columns stand last, as they do in schema.sql.
ALTER TABLE history DROP COLUMN code_hash;
ALTER TABLE runs ADD COLUMN purge_at TIMESTAMP;
ALTER TABLE definitions ADD COLUMN version VARCHAR;
ALTER TABLE definitions ADD COLUMN app_id VARCHAR;
CREATE TABLE circuits (
    position             BIGINT    NOT NULL,
    occurred_at          TIMESTAMP NOT NULL,
    app_id               VARCHAR,
    name                 VARCHAR   NOT NULL,
    state                VARCHAR   NOT NULL,
    consecutive_failures BIGINT    NOT NULL,
    requests             BIGINT    NOT NULL
);
CREATE TABLE transactions (
    instance     BIGINT    NOT NULL,
    event_id     BIGINT    NOT NULL,
    result       VARCHAR,
    committed_at TIMESTAMP NOT NULL
);
CREATE TABLE payload_holders (
    hash     VARCHAR NOT NULL,
    instance BIGINT  NOT NULL
);
