-- As src/schema.sql, for the table of table.ts and those beside it.

BEGIN;

CREATE SCHEMA IF NOT EXISTS telemetry;

CREATE TABLE IF NOT EXISTS telemetry.readings (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    value NUMERIC(12, 4) NOT NULL,
    valid BOOLEAN NOT NULL DEFAULT true,
    attributes JSONB,
    note TEXT,
    received_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    day DATE GENERATED ALWAYS AS ((at AT TIME ZONE 'UTC')::date) STORED
);

CREATE TABLE IF NOT EXISTS telemetry.readings_keys (
    key TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    ids BIGINT[] NOT NULL,
    made JSONB,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS readings_keys_at ON telemetry.readings_keys USING brin (at);

CREATE TABLE IF NOT EXISTS telemetry.readings_rejected (
    key TEXT COLLATE "C" PRIMARY KEY,
    source JSONB NOT NULL,
    content BYTEA NOT NULL,
    errors JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);

DO $$
DECLARE
    inserter text := nullif(current_setting('inserter.user', true), '');
BEGIN
    IF inserter IS NULL THEN
        RAISE EXCEPTION 'Name the function''s user: PGOPTIONS="-c inserter.user=NAME" psql …';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA telemetry TO %I', inserter);
    EXECUTE format('GRANT SELECT, INSERT ON telemetry.readings TO %I', inserter);
    EXECUTE format('GRANT SELECT, INSERT ON telemetry.readings_keys TO %I', inserter);
    EXECUTE format('GRANT INSERT, SELECT (key, errors), UPDATE (errors, at) ON telemetry.readings_rejected TO %I', inserter);
    EXECUTE format('GRANT USAGE ON SEQUENCE telemetry.readings_id_seq TO %I', inserter);
END
$$;

COMMIT;
