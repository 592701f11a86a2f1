import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { cleanUp, hasEnded, kill, remove } from "../platform/cleanup.ts";
import type { Subject } from "./process.ts";

export interface Cold {
  /** From the start of the process to its socket, milliseconds. */
  socket: number;
  /** And to its first answer. */
  answer: number;
}

/** For a process to listen, and to answer. Milliseconds. */
const LIMIT = 60_000;

/** Starts a process, waits for its socket without rest, and sends it its first call. */
export async function coldStart({ name, command: [program, ...args], env = {} }: Subject, body: string): Promise<Cold> {
  const folder = mkdtempSync("/tmp/inserter-cold-");
  const socketPath = join(folder, "lsnr.sock");
  const own = { PATH: process.env.PATH ?? "", HOME: "/", FN_FORMAT: "http-stream", FN_LISTENER: `unix:${socketPath}` };
  const started = performance.now();
  const child = spawn(program, args, { env: { ...own, ...env }, stdio: ["ignore", "ignore", "inherit"] });
  const end = cleanUp(() => {
    kill(child.pid, "SIGKILL");
    remove(folder);
  });
  try {
    while (!existsSync(socketPath)) {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      if (performance.now() - started > LIMIT) throw new Error(`${name} had no socket in ${LIMIT / 1_000} s`);
      await turn();
    }
    const socket = performance.now() - started;
    const status = await firstCall(socketPath, body, child);
    if (status !== 200) throw new Error(`${name} answered ${status}`);
    return { socket, answer: performance.now() - started };
  } finally {
    end();
    if (!hasEnded(child)) await once(child, "exit");
  }
}

async function firstCall(socketPath: string, body: string, child: ChildProcess): Promise<number | undefined> {
  const headers = {
    "Fn-Call-Id": String(child.pid),
    "Fn-Deadline": new Date(Date.now() + 60_000).toISOString(),
    "Content-Type": "application/json",
  };
  const signal = AbortSignal.timeout(LIMIT);
  // A peer may have its socket before it listens at it.
  for (;;) {
    const sent = request({ socketPath, method: "POST", path: "/call", headers, signal });
    sent.end(body);
    try {
      const [response] = await once(sent, "response");
      response.resume();
      await once(response, "end");
      return response.statusCode;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") throw error;
    }
  }
}
