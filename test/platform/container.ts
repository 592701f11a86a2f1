import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanUp, hasEnded, kill, remove } from "./cleanup.ts";

/** How long the platform waits for the socket, milliseconds: Fn's FN_HOT_START_TIMEOUT_MSECS. */
export const START_LIMIT = 5_000;

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Container {
  id: string;
  pid: number;
  readonly paused: boolean;
  /** One `POST /call`. Rejects when the container does not answer it whole. */
  call(headers: OutgoingHttpHeaders, body: Buffer): Promise<Reply>;
  pause(): void;
  resume(): void;
  kill(): void;
}

/** A container ended, or had no socket in time, before it could take a call. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly timedOut: boolean;

  constructor(timedOut: boolean) {
    super(timedOut ? "no socket in time" : "ended before its socket was there");
    this.timedOut = timedOut;
  }
}

/**
 * Starts a container: here a process with the platform's environment and none of the developer's.
 * https://github.com/fnproject/docs/blob/master/fn/develop/fn-format.md
 *
 * @throws {StartError}
 */
export async function startContainer(
  id: string,
  [command, ...args]: [string, ...string[]],
  env: Record<string, string>,
  onLine: (line: string) => void,
  limit = START_LIMIT,
): Promise<Container> {
  // Short, since the path of a socket holds 104 bytes at most on macOS.
  const folder = mkdtempSync("/tmp/inserter-fn-");
  const socketPath = join(folder, "lsnr.sock");
  const child = spawn(command, args, {
    cwd: "/",
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      HOME: "/",
      HOSTNAME: hostname(),
      FN_FORMAT: "http-stream",
      FN_LISTENER: `unix:${socketPath}`,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const end = cleanUp(() => {
    kill(child.pid, "SIGKILL");
    remove(folder);
  });
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", onLine);
  child.on("error", (error) => onLine(String(error)));
  const closed = once(child, "close").then(end, end);
  try {
    await socketOf(child, socketPath, limit);
  } catch (error) {
    // What it said on its way out is its reason.
    if (child.exitCode !== null) await closed;
    end();
    throw error;
  }

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let paused = false;
  return {
    id,
    pid: child.pid as number,
    get paused() {
      return paused;
    },
    call: (headers, body) => post(agent, socketPath, headers, body),
    pause() {
      kill(child.pid, "SIGSTOP");
      paused = true;
    },
    resume() {
      if (paused) kill(child.pid, "SIGCONT");
      paused = false;
    },
    kill() {
      agent.destroy();
      end();
    },
  };
}

async function socketOf(child: ChildProcess, socketPath: string, limit: number): Promise<void> {
  const until = performance.now() + limit;
  while (!existsSync(socketPath)) {
    if (hasEnded(child)) throw new StartError(false);
    if (performance.now() > until) throw new StartError(true);
    await sleep(2);
  }
}

function post(agent: Agent, socketPath: string, headers: OutgoingHttpHeaders, body: Buffer): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, socketPath, method: "POST", path: "/call", headers }, async (response) => {
      try {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      } catch (error) {
        reject(error);
      }
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
