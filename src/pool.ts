import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import type { Credentials } from "./credentials.ts";

/** A pool of the one connection that a container needs: the platform sends it one request at a time. */
export function createPool(credentials: Credentials): pg.Pool {
  const pool = new pg.Pool({
    host: credentials.host,
    port: credentials.port,
    database: credentials.dbname,
    user: credentials.username,
    password: credentials.password,
    ssl: tlsOf(credentials),
    application_name: "postgres-inserter",
    max: 1,
    keepAlive: true,
    // Timers stand still in a frozen container, so none may decide how old a connection is.
    idleTimeoutMillis: 0,
  });
  // A resting connection that ends is taken out by the pool; without a listener it would end the process.
  pool.on("error", () => undefined);
  return pool;
}

/** As libpq has it: `require` verifies no certificate, but for the authority's where one is given. */
function tlsOf({ sslmode, sslrootcert }: Credentials): ConnectionOptions | false {
  if (sslmode === "disable") return false;
  const ca = sslrootcert === undefined ? {} : { ca: sslrootcert };
  if (sslmode === "verify-full") return ca;
  return sslrootcert === undefined ? { rejectUnauthorized: false } : { ...ca, checkServerIdentity: () => undefined };
}
