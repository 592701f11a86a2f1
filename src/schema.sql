-- The table and those beside it, and exactly the rights that the function's user needs. May be applied again without harm:
--   PGOPTIONS="-c inserter.user=librarian_user" psql --set ON_ERROR_STOP=1 --file src/schema.sql "$DATABASE_URL"
-- as the owner of the schema; the user must exist. Without inserter.user it stops and changes nothing.

BEGIN;

CREATE TABLE IF NOT EXISTS items (
    id SERIAL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description TEXT,
    created_at TIMESTAMPTZ DEFAULT NOW()
);

-- Keys of what is stored: nothing that comes again with one is stored twice. To be deleted once no caller repeats any more.
CREATE TABLE IF NOT EXISTS items_keys (
    key TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    ids BIGINT[] NOT NULL,
    made JSONB,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS items_keys_at ON items_keys USING brin (at);

-- Messages of feeds that are no items or that the table refuses, as they came.
CREATE TABLE IF NOT EXISTS items_rejected (
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
        RAISE EXCEPTION 'Name the function''s user: PGOPTIONS="-c inserter.user=NAME" psql ...';
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), inserter);
    EXECUTE format('GRANT SELECT, INSERT ON items TO %I', inserter);
    EXECUTE format('GRANT SELECT, INSERT ON items_keys TO %I', inserter);
    EXECUTE format('GRANT INSERT, SELECT (key, errors), UPDATE (errors, at) ON items_rejected TO %I', inserter);
    EXECUTE format('GRANT USAGE ON SEQUENCE items_id_seq TO %I', inserter);
END
$$;

COMMIT;
