import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Step } from "./call.ts";
import type { Config } from "./config.ts";
import { type Connection, type OpenConnection, openConnection } from "./database/connection.ts";
import type { Deadline } from "./deadline.ts";
import { retry } from "./retry.ts";
import { openVault } from "./vault.ts";

export interface Database {
  /**
   * Runs `work` on a connection; after a fault that may pass, again on a new one, until the deadline. An attempt that was
   * given up gets no further, even if the answer that it waited for comes after all.
   *
   * @throws {Problem} 503 when Vault or the database cannot be used, 504 when it does not answer in time
   */
  run<T>(call: Call, step: Step, work: (connection: Connection) => Promise<T>): Promise<T>;
}

interface Task<T> {
  call: Call;
  step: Step;
  work(connection: Connection): Promise<T>;
}

/** Touches nothing yet: the first `run` reads the secret and connects. */
export function openDatabase(config: Config): Database {
  const vault = openVault(config);
  /** The one connection that a container needs, between two attempts: the platform sends it one request at a time. */
  let idle: OpenConnection | undefined;

  async function run<T>(task: Task<T>): Promise<T> {
    const { call, step } = task;
    const unanswered: OpenConnection[] = [];
    try {
      return await retry(() => attempt(task, unanswered), { call, step, rereadSecret: () => vault.reread(call) });
    } catch (error) {
      await stopAll(unanswered, call.deadline);
      throw error;
    } finally {
      for (const connection of unanswered) connection.close();
    }
  }

  /** Adds the connection to `unanswered` where the database may be at work for the attempt still. */
  async function attempt<T>({ call, step, work }: Task<T>, unanswered: OpenConnection[]): Promise<T> {
    const connection = await acquire(call);
    const timeout = call.deadline.share();
    try {
      const result = await call.timed(step, () => call.deadline.wait(() => work(connection), timeout));
      connection.release();
      idle = connection;
      return result;
    } catch (error) {
      connection.abandon();
      if (connection.isAnswered) connection.close();
      else unanswered.push(connection);
      throw error;
    }
  }

  async function acquire(call: Call): Promise<OpenConnection> {
    const connection = idle;
    idle = undefined;
    if (connection && (await connection.isUsable(call))) return connection;
    connection?.close();
    return openConnection(await vault.credentials(call), call);
  }

  return { run: (call, step, work) => run({ call, step, work }) };
}

/**
 * A statement without an answer may be at work still, such as one that waits for a lock. It is told to stop; that may not
 * reach it, but after the deadline, which is waited for, it stores nothing.
 */
async function stopAll(unanswered: readonly OpenConnection[], deadline: Deadline): Promise<void> {
  if (unanswered.length === 0) return;
  await Promise.all([...unanswered.map((connection) => connection.cancel()), sleep(deadline.left)]);
}
