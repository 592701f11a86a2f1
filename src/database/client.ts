import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Client } from "pg";
import type { Waited } from "../deadline.ts";
import type { Credentials } from "../vault/secret.ts";
import { guard } from "./guard.ts";

/** pg's client, not connected yet. pg is loaded at first use, since it takes a fifth of a cold start. */
export async function createClient(credentials: Credentials): Promise<Client> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({
    host: credentials.host,
    port: credentials.port,
    database: credentials.dbname,
    user: credentials.username,
    password: credentials.password,
    ssl: tlsOf(credentials),
    application_name: "postgres-inserter",
    keepAlive: true,
  });
  // A connection may end while nothing is asked of it; without a listener that would end the process.
  client.on("error", () => undefined);
  guard(client);
  return client;
}

/** Kept by pg, and missing in its types. */
const socketOf = (client: Client) => (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** Closes a client that may still be connecting: `end` would leave it open while it waits for an answer. */
export function discard(client: Client): void {
  socketOf(client).destroy();
}

/** What a client that is connecting waits for. */
export function waitedFor(client: Client): Waited {
  return socketOf(client).connecting ? "address" : "greeting";
}

/** What a request to cancel is sent to, and names. Kept by pg, and missing in its types. */
export interface Backend {
  host: string;
  port: number;
  /** Of the server's BackendKeyData. */
  processID: number;
  secretKey: number;
}

export function backendOf(client: Client): Backend {
  return client as unknown as Backend;
}

/** As libpq has it: `require` verifies no certificate, but for the authority's where one is given. */
function tlsOf({ sslmode, sslrootcert }: Credentials): ConnectionOptions | false {
  if (sslmode === "disable") return false;
  const ca = sslrootcert === undefined ? {} : { ca: sslrootcert };
  if (sslmode === "verify-full") return ca;
  return sslrootcert === undefined ? { rejectUnauthorized: false } : { ...ca, checkServerIdentity: () => undefined };
}
