-- As src/schema.sql, for the table of table.ts and those beside it.

CREATE TABLE IF NOT EXISTS "every ""type""" (
    id SERIAL PRIMARY KEY,
    text TEXT,
    varchar VARCHAR(20),
    integer INTEGER,
    bigint BIGINT,
    numeric NUMERIC,
    money NUMERIC(12, 4),
    double DOUBLE PRECISION,
    boolean BOOLEAN,
    date DATE,
    timestamptz TIMESTAMPTZ,
    uuid UUID,
    jsonb JSONB,
    "text's" TEXT DEFAULT E'a "default" \\ of {two}\nlines 😀',
    "varchar's" VARCHAR(20) DEFAULT '',
    "integer's" INTEGER DEFAULT -2147483648,
    "bigint's" BIGINT DEFAULT 9223372036854775807,
    "numeric's" NUMERIC DEFAULT 123456789012345678901234567890.10,
    "money's" NUMERIC(12, 4) DEFAULT -99999999.99,
    "double's" DOUBLE PRECISION DEFAULT 0.30000000000000004,
    "boolean's" BOOLEAN DEFAULT false,
    "date's" DATE DEFAULT '2024-02-29',
    "timestamptz's" TIMESTAMPTZ DEFAULT '2026-01-31T12:00:00.123456+05:45',
    "uuid's" UUID DEFAULT '123E4567-E89B-12D3-A456-426614174000',
    "jsonb's" JSONB DEFAULT '{"__proto__": [1e400, 0.10, 9007199254740993, null, true, {"a": "b"}]}',
    "never null" JSONB NOT NULL DEFAULT '[]',
    "no number" DOUBLE PRECISION DEFAULT 'NaN',
    "less than nothing" DOUBLE PRECISION DEFAULT '-0',
    "no number either" NUMERIC DEFAULT 'Infinity',
    "no day" DATE DEFAULT '-infinity',
    "no time" TIMESTAMPTZ DEFAULT 'infinity',
    "long ago" TIMESTAMPTZ DEFAULT '0044-03-15 12:00:00+00 BC',
    "day one" DATE DEFAULT '0001-12-31 BC',
    "the time" TIMESTAMPTZ DEFAULT now(),
    "by chance" DOUBLE PRECISION DEFAULT random(),
    -- As parts of the function's statements are named, or were.
    "inTime" TEXT DEFAULT '08:00',
    int4 TEXT DEFAULT '4'
);

CREATE TABLE IF NOT EXISTS "every ""type""_keys" (
    key TEXT COLLATE "C" PRIMARY KEY,
    fingerprint BYTEA NOT NULL,
    ids BIGINT[] NOT NULL,
    made JSONB,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS "every ""type""_keys_at" ON "every ""type""_keys" USING brin (at);

CREATE TABLE IF NOT EXISTS "every ""type""_rejected" (
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
    EXECUTE format('GRANT SELECT, INSERT ON "every ""type""" TO %I', inserter);
    EXECUTE format('GRANT SELECT, INSERT ON "every ""type""_keys" TO %I', inserter);
    EXECUTE format('GRANT INSERT, SELECT (key, errors), UPDATE (errors, at) ON "every ""type""_rejected" TO %I', inserter);
    EXECUTE format('GRANT USAGE ON SEQUENCE "every ""type""_id_seq" TO %I', inserter);
END
$$;
