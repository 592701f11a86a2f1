import type { Answer } from "./errors.ts";
import type { Fault } from "./fault.ts";

/**
 * Errors of poolers themselves: they come under codes that say nothing, and only the words tell them apart. Those of PgBouncer
 * 1.12 to 1.25 are in src/client.c, objects.c, janitor.c, proto.c and server.c (disconnect_client, kill_pool_logins); those
 * of Supavisor in lib/supavisor/errors.
 */

/** protocol_violation is PgBouncer's for everything, internal_error Supavisor's. */
const CODES = new Set(["08P01", "XX000"]);

const BEHIND = "The connection pooler gets no connection to the database.";

const FAULTS: readonly [words: RegExp, fault: Fault][] = [
  // Before those of the server's words that they quote.
  [
    /server login (has been )?failing?.*(authentication failed|does not exist|pg_hba|not permitted to log in)/,
    {
      detail: BEHIND,
      remedy:
        "give the pooler the user's present password and a database that is there (its auth_file and [databases])",
      reread: "always",
      credentials: true,
    },
  ],
  [
    /server login failed: .*(password type|SASL|signature)/,
    {
      detail: BEHIND,
      remedy:
        "give the pooler the user's password as plain text or as the server's own SCRAM secret (auth_file, auth_query)",
      reread: "always",
    },
  ],
  [
    /server login (has been )?fail|client_login_timeout \(server down\)|connection to database closed|DbHandler exited|checkout failed/,
    {
      detail: BEHIND,
      remedy: "start the database behind the pooler, or mend its host and port in the pooler's [databases]",
      again: true,
      reread: "never",
    },
  ],
  [
    /no such user|[Tt]enant[ /]or user not found|tenant\/user|no tenant identifier|Invalid format for user/,
    {
      detail: "The connection pooler does not know the function's user.",
      remedy:
        "write username in the secret as the pooler knows it (auth_file, auth_query; hosted: user.project, and the host of that project)",
      reread: "always",
      credentials: true,
    },
  ],
  [
    /authentication failed|login rejected|(username|password) too long|empty password|invalid SASL|^not allowed|no authentication method|retrieve authentication secrets/,
    {
      detail: "The connection pooler refused the function's credentials.",
      remedy:
        "put the user's present password into the secret, or into the pooler (auth_file, auth_query), and see its auth_hba_file",
      reread: "always",
      credentials: true,
    },
  ],
  [
    /no such database/,
    {
      detail: "The connection pooler does not know the database.",
      remedy: "check dbname in the secret, and the pooler's [databases]",
      reread: "always",
    },
  ],
  [
    /database ".*" is disabled|tenant is banned/,
    { detail: "The database is disabled in the connection pooler.", remedy: "ENABLE it in the pooler's console" },
  ],
  [
    /(SSL|TLS)( connection)?( is)? required/,
    {
      detail: "The connection pooler takes encrypted connections only.",
      remedy: 'put "sslmode": "verify-full" (or "require") into the secret',
      reread: "always",
    },
  ],
  [
    /no more connections allowed|client connections exceeded|[Mm]ax client|max pools|unable to check out|after multiple retries|resources? exhaustion|(out of|no) memory/,
    {
      detail: "The connection pooler has no connection to spare.",
      remedy: "raise max_client_conn in the pooler, or the limit of its user or database that the message names",
      again: true,
      reread: "never",
    },
  ],
  [
    /query_wait_timeout|client_login_timeout/,
    {
      detail: "The connection pooler had no connection to the database in time.",
      remedy: "raise its default_pool_size, look for long transactions, and RESUME it if it is paused",
      again: true,
      reread: "never",
    },
  ],
  [
    /query_timeout/,
    { detail: "The connection pooler cut the statement.", remedy: "raise its query_timeout, and look for locks" },
  ],
  [
    /shutting down|admin forced disconnect|suspend_timeout|conn crashed|database removed|configuration changed|idle_timeout|pool.* terminat/,
    {
      detail: "The connection pooler is restarting.",
      remedy: "no action unless it is frequent: then look at the pooler's log",
      again: true,
      reread: "never",
    },
  ],
  [
    /config error|unsupported startup parameter|unsupported options startup|auth_query|pool configuration|pooling mode|disallowed/,
    {
      detail: "The connection pooler is misconfigured.",
      remedy: "look at the pooler's log, and mend its configuration",
    },
  ],
];

/** A pooler's fault, and as much of its words as names nobody; undefined for what is none. */
export function poolerFaultOf({ code, message, where }: Answer): { fault: Fault; words: string } | undefined {
  // A trigger may say anything.
  if (!CODES.has(code) || where !== undefined) return undefined;
  for (const [words, fault] of FAULTS) {
    const said = words.exec(message)?.[0];
    if (said !== undefined) return { fault, words: said.replaceAll(/".*?"/g, '"…"') };
  }
  return undefined;
}
