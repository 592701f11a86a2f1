-- As src/schema.sql, for the table of table.ts and those beside it.

BEGIN;

CREATE TABLE IF NOT EXISTS wide (
    id SERIAL PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS wide_keys (
    key TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    ids BIGINT[] NOT NULL,
    made JSONB,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS wide_rejected (
    key TEXT COLLATE "C" PRIMARY KEY,
    source JSONB NOT NULL,
    content BYTEA NOT NULL,
    errors JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);

DO $$
DECLARE
    inserter text := current_setting('inserter.user');
BEGIN
    FOR place IN 0..59 LOOP
        EXECUTE format('ALTER TABLE wide ADD COLUMN IF NOT EXISTS %I TEXT DEFAULT %L', 'column_' || place, place);
    END LOOP;
    EXECUTE format('GRANT SELECT, INSERT ON wide, wide_keys TO %I', inserter);
    EXECUTE format('GRANT INSERT, SELECT (key, errors), UPDATE (errors, at) ON wide_rejected TO %I', inserter);
    EXECUTE format('GRANT USAGE ON SEQUENCE wide_id_seq TO %I', inserter);
END
$$;

COMMIT;
