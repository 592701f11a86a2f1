import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type pg from "pg";
import type { Call, Step } from "./call.ts";
import type { Config } from "./config.ts";
import { TimeoutError } from "./deadline.ts";
import { ConnectError, diagnose, isAnswer, PostgresError } from "./faults.ts";
import { backendOf, cancel, createPool } from "./pool.ts";
import { Problem } from "./problem.ts";
import type { Credentials } from "./secret.ts";
import { openVault } from "./vault.ts";

/** To connect, TLS and authentication included. Milliseconds. */
const CONNECT_LIMIT = 3_000;

/** The platform freezes a container idle for this long; a connection in it may then die unseen. Milliseconds. */
const TRUSTED_REST = 50;

/** For a connection that rested to prove that it lives. Milliseconds. */
const PROOF_LIMIT = 500;

/** Between attempts, doubling from the first to the longest, jittered. Milliseconds. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 1_000;

/** With less time left, another attempt would only turn a fault that is known into a timeout. Milliseconds. */
const LEAST = 250;

const RETRY_AFTER = { "Retry-After": "5" };

/** Ids of the sequence that no row has yet. */
export interface Reservation {
  ids: number[];
  /** How far the database's clock is ahead of ours: at least so far, since its answer took time. Milliseconds. */
  ahead: number;
}

export interface Connection {
  /** The process of the server that answered when it was opened. A pooler names one of its own making. */
  readonly backend: number;
  /** Whether each statement reaches that process, so that a named statement is there the next time. */
  direct?: boolean;
  /** Ahead of need, of the next item. */
  reserved?: Reservation;
  /** With a name, the statement is prepared under it. An attempt that was given up gets no rows any more. */
  query<R extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
    name?: string,
  ): Promise<pg.QueryResult<R>>;
}

export interface Database {
  /**
   * Runs `work` on a connection; after a fault that may pass, again on a new one, until the deadline. An attempt that was
   * given up gets no further, even if the answer that it waited for comes after all.
   *
   * @throws {Problem} 503 when Vault or the database is not to be had, 504 when it does not answer in time
   */
  run<T>(call: Call, step: Step, work: (connection: Connection) => Promise<T>): Promise<T>;
}

/** Touches nothing yet: the first `run` reads the secret and connects. */
export function openDatabase(config: Config): Database {
  const vault = openVault(config);
  const reread = new WeakSet<Call>();
  const connections = new WeakMap<pg.PoolClient, Connection>();
  let current: { credentials: Credentials; pool: pg.Pool } | undefined;
  let restingSince = 0;

  async function connect(call: Call): Promise<pg.PoolClient> {
    current ??= await open(call);
    const connecting = current.pool.connect();
    try {
      return await call.timed("connect", () => call.deadline.wait(() => opened(connecting), CONNECT_LIMIT));
    } catch (error) {
      connecting.then(
        (client) => client.release(true),
        () => undefined,
      );
      throw error;
    }
  }

  async function open(call: Call): Promise<{ credentials: Credentials; pool: pg.Pool }> {
    const credentials = await vault.credentials(call);
    return { credentials, pool: await createPool(credentials) };
  }

  function connectionOf(client: pg.PoolClient): Connection {
    const known = connections.get(client);
    if (known) return known;
    const connection: Connection = {
      backend: backendOf(client),
      async query(text, values = [], name = "") {
        const result = await wrapped(client.query({ name, text, values: [...values] }));
        if (connections.has(client)) return result;
        throw new TimeoutError("the attempt was given up");
      },
    };
    connections.set(client, connection);
    return connection;
  }

  /** Drops the connection, and reads the secret once an invocation. Tells whether it brought other credentials. */
  async function startAnew(call: Call, mayHaveChanged: boolean): Promise<boolean> {
    const former = current;
    current = undefined;
    restingSince = 0;
    former?.pool.end().catch(() => undefined);
    if (!former || !mayHaveChanged || reread.has(call)) return false;
    reread.add(call);
    try {
      return !isDeepStrictEqual(await vault.refresh(call), former.credentials);
    } catch (error) {
      call.log.warn("the secret could not be read again", { code: diagnose(error)?.code ?? String(error) });
      return false;
    }
  }

  async function run<T>(call: Call, step: Step, work: (connection: Connection) => Promise<T>) {
    const silent: pg.PoolClient[] = [];
    let unanswered = false;
    try {
      for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
        let client: pg.PoolClient | undefined;
        let started = false;
        try {
          const connected = await connect(call);
          client = connected;
          if (restingSince > 0 && Date.now() - restingSince > TRUSTED_REST) await prove(client, call);
          const connection = connectionOf(connected);
          started = true;
          const result = await call.timed(step, () => call.deadline.wait(() => work(connection)));
          client.release();
          restingSince = Date.now();
          return result;
        } catch (error) {
          if (client) connections.delete(client);
          unanswered ||= started && !isAnswer(error);
          if (client && error instanceof TimeoutError) silent.push(client);
          else client?.release(true);
          const fault = diagnose(error);
          if (!fault) throw error;
          const { code, detail, remedy, status = 503 } = fault;
          if (await startAnew(call, fault.reread)) continue;
          const wait = pause * (0.5 + Math.random() / 2);
          if (!fault.again || call.deadline.left <= wait + LEAST) {
            throw new Problem(status, detail, { headers: RETRY_AFTER, logged: { code, remedy } });
          }
          call.log.warn("trying again", { step, code, detail });
          await sleep(wait);
        }
      }
    } catch (error) {
      // A statement without an answer may be at work still, such as one that waits for a lock. It is told to stop; that may
      // not reach it, but after the deadline it stores nothing.
      await Promise.all([...silent.map(cancel), unanswered && sleep(call.deadline.left)]);
      throw error;
    } finally {
      for (const client of silent) client.release(true);
    }
  }

  return { run };
}

/** @throws {Problem} 503 or 504 when an insert could not succeed now: unreachable, or no table */
export async function ping(database: Database, call: Call): Promise<void> {
  await database.run(call, "connect", (connection) => connection.query("SELECT FROM items LIMIT 0"));
}

/** A thawed connection may be closed, or silently dead. @throws {PostgresError} when it does not answer */
async function prove(client: pg.PoolClient, call: Call): Promise<void> {
  try {
    await call.timed("connect", () => call.deadline.wait(() => client.query("SELECT 1"), PROOF_LIMIT));
  } catch {
    throw new PostgresError("the connection died while it rested");
  }
}

async function opened<T>(connecting: Promise<T>): Promise<T> {
  try {
    return await connecting;
  } catch (cause) {
    throw new ConnectError("the database cannot be connected to", { cause });
  }
}

async function wrapped<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new PostgresError("the database or the way to it failed", { cause });
  }
}
