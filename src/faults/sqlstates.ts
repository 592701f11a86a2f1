import type { Answer } from "./errors.ts";
import type { Fault } from "./fault.ts";
import { LOST } from "./network.ts";

const SCHEMA = "apply src/schema.sql to the database in the secret, for the user in it";

const REFUSED: Fault = {
  detail: "The database refused the statement.",
  remedy: "look the code up in PostgreSQL's list of error codes, and look at the table's triggers",
};

const TRIGGER: Fault = {
  detail: "A trigger or a function of the table failed.",
  remedy:
    "look at the table's triggers, defaults and checks: what they call lacks a right, a table, a column or a function; the function's user has to have the right, unless they are SECURITY DEFINER",
};

/** By SQLSTATE or its beginning; the longest that fits counts. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Readonly<Record<string, Fault>> = {
  "08": { ...LOST, reread: "always" },
  "0A": {
    detail: "The table is of a kind that the function cannot insert into.",
    remedy: "look at the table's rules, or name a plain table in src/table.ts",
  },
  "22003": {
    detail: "The table cannot count further.",
    remedy: "the type of id is at its end, and its sequence goes on: give id the type bigint",
  },
  "2200H": {
    detail: "The table cannot count further.",
    remedy: "the sequence of id is at its end: give id and the sequence the type bigint, and the sequence NO MAXVALUE",
  },
  "23502": {
    detail: "The table requires a column that no item has.",
    remedy: "give the column a default, or add it to src/table.ts",
  },
  "23514": { detail: "There is no partition for the row.", remedy: "create the partition, or a default one" },
  "25006": {
    detail: "The database is read-only.",
    remedy: "point the secret at the primary server, or turn default_transaction_read_only off",
    again: true,
    reread: "always",
  },
  "25P03": LOST,
  "25P04": { detail: "The database cancelled the statement.", remedy: "look at transaction_timeout and for locks" },
  "28": {
    detail: "The database refused the function's credentials.",
    remedy: "put the user's present password into the secret, and see the password's end (VALID UNTIL) and pg_hba.conf",
    reread: "always",
    credentials: true,
  },
  "3D000": {
    detail: "The database does not exist.",
    remedy: "check dbname in the secret, or create the database and apply src/schema.sql",
    reread: "always",
  },
  "3F000": { detail: "The table's schema is missing.", remedy: "create the schema, or correct it in src/table.ts" },
  "40": {
    detail: "The database was too busy to finish.",
    remedy:
      "no action unless it is frequent: then look for triggers and programs that lock the same rows in another order (40P01), and at default_transaction_isolation (40001)",
    again: true,
  },
  "42501": { detail: "The function's user lacks a right.", remedy: SCHEMA },
  "42P01": {
    detail: "The table is missing.",
    remedy: `${SCHEMA}; where it is there, let the user's search_path have its schema (ALTER ROLE … SET search_path), or name that in src/table.ts`,
  },
  "42703": {
    detail: "The table lacks a column.",
    remedy: "add the column to the table, or take it out of src/table.ts and deploy",
  },
  "42": {
    detail: "The table is not what the function takes it for.",
    remedy: "let src/table.ts and the table agree, and look at the table's triggers",
  },
  "53100": { detail: "The database's disk is full.", remedy: "free space on the database's disk, or enlarge it" },
  "53200": {
    detail: "The database is out of memory.",
    remedy: "look at its memory, shared_buffers, work_mem and max_locks_per_transaction",
  },
  "53300": {
    detail: "The database has no connection to spare.",
    remedy: "put PgBouncer before it, or raise max_connections",
    again: true,
    reread: "never",
  },
  "53": { detail: "The database is out of resources.", remedy: "look at its limits: the message names one" },
  "54": {
    detail: "The insert is beyond a limit of the database.",
    remedy: "look at the table's triggers and indexes (54001: max_stack_depth)",
  },
  "55000": {
    detail: "The table is in a state that takes no rows.",
    remedy: "the message says what it lacks: for a view, name the table behind it in src/table.ts",
  },
  "55P03": {
    detail: "Could not obtain a lock in the database.",
    remedy: "look for long transactions, and at lock_timeout",
    again: true,
  },
  "57014": { detail: "The database cancelled the statement.", remedy: "look at statement_timeout and for locks" },
  "57P05": LOST,
  "57P": { ...LOST, detail: "The database is restarting.", reread: "never" },
  "58": {
    detail: "The database had a system error.",
    remedy: "look at its log: a file, a library or the disk beneath it is at fault",
  },
  XX000: { detail: "The database had an internal error.", remedy: "look at its log" },
  XX: {
    detail: "The database's files are damaged.",
    remedy: "look at its log: an index is mended by REINDEX (XX002), a table from a backup (XX001)",
  },
};

/** What comes under a code that others have too, by the server's words. They are English where lc_messages is. */
const BY_MESSAGE: readonly [code: string, words: RegExp, fault: Partial<Fault>][] = [
  [
    "28000",
    /not permitted to log in/,
    { detail: "The function's user may not log in.", remedy: "ALTER ROLE … LOGIN for the user in the secret" },
  ],
  [
    "28000",
    /no encryption/,
    { remedy: 'pg_hba.conf has no line for it: put "sslmode": "verify-full" into the secret, or add a line (host)' },
  ],
  [
    "28000",
    /pg_hba\.conf/,
    { remedy: "add a line to pg_hba.conf for the function's subnet, and the user and database in the secret" },
  ],
  [
    "28000",
    /client certificate/,
    { remedy: "let pg_hba.conf ask the function's user for no certificate (clientcert), since it has none" },
  ],
  [
    "42501",
    /^permission denied for database/,
    {
      detail: "The function's user may not connect to the database.",
      remedy: "GRANT CONNECT ON DATABASE … TO the user in the secret: src/schema.sql does not",
      reread: "always",
    },
  ],
  [
    "53300",
    /for role/,
    { remedy: "raise the user's own limit: ALTER ROLE … CONNECTION LIMIT; or put PgBouncer before the database" },
  ],
  [
    "53300",
    /for database/,
    { remedy: "raise the database's own limit: ALTER DATABASE … CONNECTION LIMIT; or put PgBouncer before it" },
  ],
  [
    "55000",
    /not currently accepting connections/,
    {
      detail: "The database takes no connections.",
      remedy: "ALTER DATABASE … ALLOW_CONNECTIONS true",
      reread: "always",
    },
  ],
];

/** Of a code that no server named. */
export function bySqlstate(code: string): Fault {
  const prefix = [5, 3, 2].map((length) => code.slice(0, length)).find((part) => part in BY_SQLSTATE);
  return prefix === undefined ? REFUSED : (BY_SQLSTATE[prefix] as Fault);
}

export function faultOfAnswer({ code, message, where }: Answer, connecting: boolean): Fault {
  const fault = bySqlstate(code);
  const own = BY_MESSAGE.find(([sqlstate, words]) => sqlstate === code && words.test(message))?.[2];
  if (own) return { ...fault, ...own };
  if (where !== undefined && /^(42|3F)/.test(code)) return TRIGGER;
  // A refusal, and not a connection that was lost.
  if (connecting && code.startsWith("08"))
    return { ...fault, detail: "The server refused the connection.", remedy: "the message says why" };
  return fault;
}
