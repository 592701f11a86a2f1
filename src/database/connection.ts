import type { Client, QueryResult, QueryResultRow } from "pg";
import type { Call } from "../call.ts";
import { isWithin } from "../deadline.ts";
import { ConnectError, isAnswer, PostgresError } from "../faults/errors.ts";
import { type Credentials, redact } from "../vault/secret.ts";
import { cancel } from "./cancel.ts";
import { backendOf, createClient, discard, waitedFor } from "./client.ts";

/** To connect, TLS and authentication included. */
const CONNECT_TIMEOUT_MS = 3_000;

/** The platform freezes a container idle for this long; a connection in it may then die unseen. */
const VALIDATE_AFTER_IDLE_MS = 50;

const VALIDATION_TIMEOUT_MS = 500;

/** What an attempt sees of a connection. */
export interface Connection {
  /** The process of the server that answered when it was opened. A pooler names one of its own making. */
  readonly backend: number;
  /**
   * With a name, the statement is prepared under it. Without values, the text may hold several statements, and pg resolves
   * to an array of their results.
   *
   * @throws {PostgresError} when the database refuses, or the connection is lost
   * @throws {AbandonedError} when the attempt was given up meanwhile
   */
  query<R extends QueryResultRow>(sql: string, values?: readonly unknown[], name?: string): Promise<QueryResult<R>>;
}

/** Ends an attempt that was given up: another one may be doing the same by now. */
export class AbandonedError extends Error {
  override readonly name = "AbandonedError";
}

/** @throws {ConnectError} when it cannot be opened @throws {TimeoutError} when it is not in time */
export async function openConnection(credentials: Credentials, call: Call): Promise<OpenConnection> {
  const client = await createClient(credentials);
  const connecting = client.connect();
  const connected = () =>
    connecting.catch((cause) => {
      // A socket's error says in its message only its code, which is told anyway, and the address.
      const said = "syscall" in cause || !cause.message ? undefined : redact(credentials, cause.message);
      throw new ConnectError(cause, said);
    });
  try {
    const timeout = call.deadline.share(CONNECT_TIMEOUT_MS);
    await call.timed("connect", () => call.deadline.wait(connected, timeout, () => waitedFor(client)));
  } catch (error) {
    discard(client);
    throw error;
  }
  return new OpenConnection(client);
}

/** A connection's life: in use, idle, in use again; closed, or abandoned and then closed. */
export class OpenConnection implements Connection {
  readonly backend: number;
  readonly #client: Client;
  #lost = false;
  #abandoned = false;
  /** Statements that were sent and not answered: the database may be at work on them still. */
  #unanswered = 0;
  /** Milliseconds of the wall clock, which goes on in a frozen container, where timers stand still. */
  #idleSince = Date.now();

  constructor(client: Client) {
    this.#client = client;
    this.backend = backendOf(client).processID;
    for (const event of ["error", "end"] as const) client.once(event, () => (this.#lost = true));
  }

  async query<R extends QueryResultRow>(text: string, values: readonly unknown[] = [], name = "") {
    this.#refuseIfAbandoned();
    this.#unanswered++;
    const result = await this.#client.query<R>({ name, text, values: [...values] }).catch((cause) => {
      const error = new PostgresError("the database or the way to it failed", { cause });
      if (isAnswer(error)) this.#unanswered--;
      this.#refuseIfAbandoned();
      throw error;
    });
    this.#unanswered--;
    this.#refuseIfAbandoned();
    return result;
  }

  /** Whether the database has answered all that it was asked; else it may be at work on it still. */
  get isAnswered(): boolean {
    return this.#unanswered === 0;
  }

  /** Idle from now on: whoever wants it next asks first whether it is usable. */
  release(): void {
    this.#idleSince = Date.now();
  }

  /** Validates it after idle: while the container was frozen it may have been closed, or have died unseen. */
  async isUsable(call: Call): Promise<boolean> {
    if (this.#lost) return false;
    if (isWithin(VALIDATE_AFTER_IDLE_MS, this.#idleSince)) return true;
    const timeout = call.deadline.share(VALIDATION_TIMEOUT_MS);
    try {
      await call.timed("connect", () => call.deadline.wait(() => this.#client.query("SELECT 1"), timeout));
      return true;
    } catch {
      call.log.warn("the connection died while it was idle", { code: "LOST" });
      return false;
    }
  }

  /** Stops the attempt that has it, which can send nothing more and gets no answer that is under way. */
  abandon(): void {
    this.#abandoned = true;
  }

  /** Once it is answered it is closed, since a transaction that it left open would hold what the next attempt waits for. */
  #refuseIfAbandoned(): void {
    if (!this.#abandoned) return;
    if (this.isAnswered) this.close();
    throw new AbandonedError("the attempt was given up");
  }

  /** Asks the server to break off what it is at. Before `close`: PgBouncer passes that on for open connections only. */
  cancel(): Promise<void> {
    return cancel(backendOf(this.#client));
  }

  close(): void {
    this.#client.end().catch(() => undefined);
  }
}
