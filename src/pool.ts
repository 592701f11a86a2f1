import { connect } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type pg from "pg";
import type { Credentials } from "./secret.ts";

/**
 * A pool of the one connection that a container needs: the platform sends it one request at a time. The driver is loaded
 * at first use, since it takes a fifth of a cold start.
 */
export async function createPool(credentials: Credentials): Promise<pg.Pool> {
  const { default: pg } = await import("pg");
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
  // A connection may end while nothing is asked of it, at rest or in use; without listeners that would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
}

/** "Cancel", in place of a protocol's version. */
const CANCEL = 80_877_102;

/** To tell the server, which answers by closing. Milliseconds. */
const CANCEL_LIMIT = 250;

/**
 * Asks the server to break off what a connection is at. Resolves when the server was told, or cannot be in time.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS
 */
export async function cancel(client: pg.PoolClient): Promise<void> {
  const { host, port, processID, secretKey } = toldTo(client);
  const message = Buffer.alloc(16);
  for (const [place, number] of [16, CANCEL, processID, secretKey].entries()) message.writeInt32BE(number, 4 * place);
  await new Promise<void>((resolve) => {
    const socket = connect(port, host, () => socket.end(message));
    socket.setTimeout(CANCEL_LIMIT, () => socket.destroy());
    socket.resume();
    socket.on("error", () => undefined);
    socket.on("close", () => resolve());
  });
}

/** The process ID in the server's BackendKeyData. */
export function backendOf(client: pg.PoolClient): number {
  return toldTo(client).processID;
}

/** What pg keeps of the server, and its types do not tell. */
function toldTo(client: pg.PoolClient) {
  return client as unknown as { host: string; port: number; processID: number; secretKey: number };
}

/** As libpq has it: `require` verifies no certificate, but for the authority's where one is given. */
function tlsOf({ sslmode, sslrootcert }: Credentials): ConnectionOptions | false {
  if (sslmode === "disable") return false;
  const ca = sslrootcert === undefined ? {} : { ca: sslrootcert };
  if (sslmode === "verify-full") return ca;
  return sslrootcert === undefined ? { rejectUnauthorized: false } : { ...ca, checkServerIdentity: () => undefined };
}
