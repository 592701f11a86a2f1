import { TimeoutError } from "./deadline.ts";
import { answerOf, ConnectError, isAnswer, PostgresError, TableError, VaultError } from "./errors.ts";

/**
 * When an error is a reason to read the secret again, which may name another host or password by now. "when connecting" is
 * for what can break a connection at any time: it speaks against the secret only while one is opened.
 */
export type Reread = "always" | "when connecting" | "never";

/** What an error of Vault or of the database means. */
export interface Fault {
  /** For the caller: safe to show. */
  detail: string;
  /** For the log: what mends it. */
  remedy: string;
  /** The same step may succeed on a new connection a little later. */
  again?: true;
  /** "when connecting" if absent. */
  reread?: Reread;
  /** For the caller: 503 if absent. */
  status?: 504;
}

type Coded = Fault & { code: string };

/** The fault that an error is. */
export interface Diagnosis extends Omit<Fault, "reread"> {
  /** A SQLSTATE, Vault's status, Node.js's code, or a word of ours where there is none. */
  code: string;
  /** Whether the secret is to be read again. */
  reread: boolean;
  /** What the server names. */
  names: { [name in "table" | "column" | "constraint"]?: string | undefined };
}

const LOST: Fault = {
  detail: "The connection to the database was lost.",
  remedy: "no action unless it is frequent: then check the database's restarts and the network's idle timeouts",
  again: true,
};

const UNREACHABLE: Fault = {
  detail: "The database cannot be reached.",
  remedy: "check host and port in the secret, the routes between the subnets, and ingress on the database's port",
  again: true,
  reread: "always",
};

const UNTRUSTED: Fault = {
  detail: "The database's TLS certificate is not trusted.",
  remedy: 'put the certificate of the authority that signed it into the secret as "sslrootcert"',
  reread: "always",
};

/** By SQLSTATE or its beginning; the longest that fits counts. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_SQLSTATE: Readonly<Record<string, Fault>> = {
  "08": { ...LOST, reread: "always" },
  "0A": {
    detail: "The table is of a kind that the function cannot insert into.",
    remedy: "look at the table's rules, or name a plain table in src/table.ts",
  },
  "22": {
    detail: "The table cannot count further.",
    remedy: "the sequence of id is at its end: give id and the sequence the type bigint",
  },
  "23502": {
    detail: "The table requires a column that no item has.",
    remedy: "give the column a default, or add it to src/table.ts",
  },
  "23514": { detail: "There is no partition for the row.", remedy: "create the partition, or a default one" },
  "25006": {
    detail: "The database is read-only.",
    remedy: "point the secret at the primary server",
    again: true,
    reread: "always",
  },
  "28": {
    detail: "The database refused the function's credentials.",
    remedy: "put the user's present password into the secret, and see pg_hba.conf",
    reread: "always",
  },
  "3D000": { detail: "The database does not exist.", remedy: "check dbname in the secret", reread: "always" },
  "40": { detail: "The database was too busy to finish.", remedy: "no action unless it is frequent", again: true },
  "42501": { detail: "The function's user lacks a right.", remedy: "apply src/schema.sql for the user in the secret" },
  "42P01": { detail: "The table is missing.", remedy: "apply src/schema.sql to the database in the secret" },
  "42703": {
    detail: "The table lacks a column.",
    remedy: "add the column to the table, or take it out of src/table.ts and deploy",
  },
  "42": {
    detail: "The table is not what the function takes it for.",
    remedy: "let src/table.ts and the table agree, and look at the table's triggers",
  },
  "53300": {
    detail: "The database has no connection to spare.",
    remedy: "put PgBouncer before it, or raise max_connections",
    again: true,
    reread: "never",
  },
  "53": { detail: "The database is out of resources.", remedy: "look at its disk and memory" },
  "55000": { detail: "The table is a view that takes no rows.", remedy: "name the table behind it in src/table.ts" },
  "55P03": { detail: "Could not obtain a lock in the database.", remedy: "look for long transactions", again: true },
  "57014": { detail: "The database cancelled the statement.", remedy: "look at statement_timeout and for locks" },
  "57P": { ...LOST, detail: "The database is restarting.", reread: "never" },
  "58": { detail: "The database had a system error.", remedy: "look at its log" },
  XX: { detail: "The database had an internal error.", remedy: "look at its log" },
};

/** What no SQLSTATE says. */
const BY_TABLE: Readonly<Record<string, Fault & { code?: string }>> = {
  NO_KEY: {
    detail: "The table has no id that is there once only.",
    remedy: "make id alone the primary key: a row that was stored cannot be told from one that was not otherwise",
  },
  NO_SEQUENCE: {
    detail: "The table does not count its ids.",
    remedy: "make id a serial or an identity column, as src/schema.sql does",
  },
  NOT_STORED: {
    detail: "The table did not store what it was given.",
    remedy:
      "look at its triggers and rules: one keeps rows away (RETURN NULL) or gives them another id; let it do neither, or name the table behind it in src/table.ts",
  },
  IDS_USED: {
    detail: "The table uses ids that the function does not see.",
    remedy: "let the function's user see all rows (row-level security), or set the sequence behind the largest id",
  },
  NO_POLICY: {
    code: "42501",
    detail: "Row-level security keeps the function's user from the table.",
    remedy: "create policies that let the user select and insert every row",
  },
};

/** By the code that Node.js gives to an error of a socket or of TLS. */
const BY_CODE: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  ENOTFOUND: { ...UNREACHABLE, remedy: "check host in the secret, and the DNS resolver of the function's subnet" },
  EAI_AGAIN: { ...UNREACHABLE, remedy: "check the DNS resolver of the function's subnet" },
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: { ...UNTRUSTED, remedy: "renew the database's certificate" },
  CERT_NOT_YET_VALID: { ...UNTRUSTED, remedy: "certificate not yet valid: check the clocks of both sides" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...UNTRUSTED,
    remedy: "write the host in the secret as the certificate has it, or issue one for that host",
  },
};

const REFUSED: Fault = {
  detail: "The database refused the statement.",
  remedy: "look the code up in PostgreSQL's list of error codes, and look at the table's triggers",
};

const NO_TLS: Fault = {
  detail: "The database does not offer TLS.",
  remedy: 'turn TLS on in the database, or put "sslmode": "disable" into the secret if the way to it is private',
  reread: "always",
};

const VAULT_BY_STATUS: Readonly<Record<number, Fault>> = {
  401: {
    detail: "Vault refused the function.",
    remedy: "check the container's clock and the resource principal's files",
  },
  404: {
    detail: "Vault did not give the secret.",
    remedy:
      "check DB_SECRET_OCID, the function's dynamic group and its policy to read secret-bundles (after a change allow 15 minutes)",
  },
};

const VAULT_REFUSED: Fault = {
  detail: "Vault refused the request.",
  remedy: "look up the code of this line in the API errors of OCI",
};

const VAULT_BUSY: Fault = {
  detail: "Vault is unavailable.",
  remedy: "no action unless it lasts: then check the subnet's service gateway, its route and egress on 443",
  again: true,
};

const TIMEOUT: Coded = {
  code: "TIMEOUT",
  detail: "There was no answer in time.",
  remedy: "check the database for locks and load, and the network to it and to Vault",
  again: true,
  reread: "always",
  status: 504,
};

/** What an error means, or undefined for one that is a defect of ours. */
export function diagnose(error: unknown): Diagnosis | undefined {
  const fault = faultOf(error);
  if (!fault) return undefined;
  const { reread = "when connecting" } = fault;
  const { table, column, constraint } = answerOf(error) ?? {};
  return {
    ...fault,
    names: { table, column, constraint },
    reread: reread === "always" || (reread === "when connecting" && error instanceof ConnectError),
  };
}

function faultOf(error: unknown): Coded | undefined {
  if (error instanceof TimeoutError) return TIMEOUT;
  if (error instanceof TableError) return { code: error.code, ...(BY_TABLE[error.code] ?? bySqlstate(error.code)) };
  if (error instanceof VaultError) return faultOfVault(Object(error.cause));
  if (error instanceof PostgresError) return faultOfPostgres(error, Object(error.cause));
  return undefined;
}

function faultOfVault({ code, statusCode }: { code?: unknown; statusCode?: unknown }): Coded {
  // Absent or negative where no answer came.
  if (typeof statusCode !== "number" || statusCode < 0) return { code: String(code ?? "UNREACHABLE"), ...VAULT_BUSY };
  const busy = statusCode === 429 || statusCode >= 500;
  return { code: String(statusCode), ...(busy ? VAULT_BUSY : (VAULT_BY_STATUS[statusCode] ?? VAULT_REFUSED)) };
}

function faultOfPostgres(error: PostgresError, { code, message }: { code?: unknown; message?: unknown }): Coded {
  if (message === "The server does not support SSL connections") return { code: "NO_TLS", ...NO_TLS };
  if (typeof code !== "string") return { code: "LOST", ...LOST };
  if (BY_CODE[code]) return { code, ...BY_CODE[code] };
  if (!isAnswer(error)) return { code, ...LOST };
  // The one error of row-level security that is no lack of a right.
  if (code === "42501" && answerOf(error)?.routine === "ExecWithCheckOptions")
    return { code, ...(BY_TABLE.NO_POLICY as Fault) };
  return { code, ...bySqlstate(code) };
}

function bySqlstate(code: string): Fault {
  const prefix = [5, 3, 2].map((length) => code.slice(0, length)).find((part) => part in BY_SQLSTATE);
  return prefix === undefined ? REFUSED : (BY_SQLSTATE[prefix] as Fault);
}
