import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp, hasEnded, kill, remove } from "./cleanup.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./port.ts";
import type { Postgres } from "./postgres.ts";

export interface PgBouncer {
  port: number;
  restart(): Promise<void>;
  /** Takes another password of the function's user from now on. */
  setPassword(password: string): void;
  stop(): Promise<void>;
}

/** PgBouncer in transaction mode, as the program of the PATH has it, before a database. */
export async function startPgBouncer(postgres: Postgres, poolSize: number): Promise<PgBouncer> {
  const port = await freePort(0, "");
  const folder = mkdtempSync("/tmp/inserter-pgbouncer-");
  chmodSync(folder, 0o755);
  const users = join(folder, "users");
  const { username, password, dbname } = postgres.credentials;
  const setPassword = (now: string) => {
    writeFileSync(users, `"${username}" "${now}"\n`);
    chmodSync(users, 0o644);
    kill(server?.pid, "SIGHUP");
  };
  let server: ChildProcess | undefined;
  setPassword(password);
  const config = join(folder, "pgbouncer.ini");
  writeFileSync(
    config,
    `[databases]
${dbname} = host=127.0.0.1 port=${postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
server_login_retry = 1
`,
  );
  const undo = cleanUp(() => {
    kill(server?.pid, "SIGKILL");
    remove(folder);
  });

  async function start(): Promise<void> {
    // It refuses to run as root.
    const asNobody = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
    const child = spawn("pgbouncer", [...asNobody, config], { stdio: ["ignore", "pipe", "pipe"] });
    server = child;
    let said = "";
    child.on("error", (error) => (said += error));
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
    await eventually(
      () => {
        if (hasEnded(child)) throw new Error(`PgBouncer did not start: ${said}`);
        return said.includes("process up");
      },
      () => `PgBouncer to start: ${said}`,
    );
  }

  async function halt(): Promise<void> {
    const running = server;
    if (!running || hasEnded(running)) return;
    kill(running.pid, "SIGTERM");
    await eventually(() => hasEnded(running), "PgBouncer to end");
  }

  await start();
  return {
    port,
    async restart() {
      await halt();
      await start();
    },
    setPassword,
    async stop() {
      await halt();
      undo();
    },
  };
}
