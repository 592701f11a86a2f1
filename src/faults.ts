import { TimeoutError } from "./deadline.ts";

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

/** The fault that an error is. */
export interface Diagnosis extends Omit<Fault, "reread"> {
  /** A SQLSTATE, Vault's status, Node.js's code, or a word of ours where there is none. */
  code: string;
  /** Whether the secret is to be read again. */
  reread: boolean;
}

/** An error of the Secrets service or of the way to it; `cause` is what the SDK threw. */
export class VaultError extends Error {
  override readonly name = "VaultError";
}

/** An error of the database or of the connection to it; `cause` is what pg threw. */
export class PostgresError extends Error {
  override readonly name: string = "PostgresError";
}

/** An error while the connection was opened. */
export class ConnectError extends PostgresError {
  override readonly name = "ConnectError";
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
  "40": { detail: "The database was too busy to finish.", remedy: "none, if it is rare", again: true },
  "42501": { detail: "The function's user lacks a right.", remedy: "apply src/schema.sql for the user in the secret" },
  "42P01": { detail: "The table is missing.", remedy: "apply src/schema.sql to the database in the secret" },
  "53300": {
    detail: "The database has no connection to spare.",
    remedy: "put PgBouncer before it, or raise max_connections",
    again: true,
    reread: "never",
  },
  "53": { detail: "The database is out of resources.", remedy: "look at its disk and memory" },
  "55P03": { detail: "A lock in the database was not to be had.", remedy: "look for long transactions", again: true },
  "57014": { detail: "The database cancelled the statement.", remedy: "look at statement_timeout and for locks" },
  "57P": { ...LOST, detail: "The database is restarting.", reread: "never" },
  "58": { detail: "The database had a system error.", remedy: "look at its log" },
  XX: { detail: "The database had an internal error.", remedy: "look at its log" },
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

const TIMEOUT: Fault & { code: string } = {
  code: "TIMEOUT",
  detail: "There was no answer in time.",
  remedy: "check the database for locks and load, and the network to it and to Vault",
  again: true,
  reread: "always",
  status: 504,
};

/** Whether the database itself reported the error, and so is done with the statement; else it may be at work on it still. */
export function isAnswer(error: unknown): boolean {
  return error instanceof PostgresError && typeof Object(error.cause).severity === "string";
}

/** What an error means, or undefined for one that is a defect of ours. */
export function diagnose(error: unknown): Diagnosis | undefined {
  const fault = faultOf(error);
  if (!fault) return undefined;
  const { reread = "when connecting" } = fault;
  return { ...fault, reread: reread === "always" || (reread === "when connecting" && error instanceof ConnectError) };
}

function faultOf(error: unknown): (Fault & { code: string }) | undefined {
  if (error instanceof TimeoutError) return TIMEOUT;
  if (error instanceof VaultError) return faultOfVault(Object(error.cause));
  if (error instanceof PostgresError) return faultOfPostgres(error, Object(error.cause));
  return undefined;
}

function faultOfVault({ code, statusCode }: { code?: unknown; statusCode?: unknown }): Fault & { code: string } {
  // Absent or negative where no answer came.
  if (typeof statusCode !== "number" || statusCode < 0) return { code: String(code ?? "UNREACHABLE"), ...VAULT_BUSY };
  const busy = statusCode === 429 || statusCode >= 500;
  return { code: String(statusCode), ...(busy ? VAULT_BUSY : (VAULT_BY_STATUS[statusCode] ?? VAULT_REFUSED)) };
}

function faultOfPostgres(
  error: PostgresError,
  { code, message }: { code?: unknown; message?: unknown },
): (Fault & { code: string }) | undefined {
  if (message === "The server does not support SSL connections") return { code: "NO_TLS", ...NO_TLS };
  if (typeof code !== "string") return { code: "LOST", ...LOST };
  if (BY_CODE[code]) return { code, ...BY_CODE[code] };
  if (!isAnswer(error)) return { code, ...LOST };
  const prefix = [5, 3, 2].map((length) => code.slice(0, length)).find((part) => part in BY_SQLSTATE);
  return prefix === undefined ? undefined : { code, ...(BY_SQLSTATE[prefix] as Fault) };
}
