import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { type Container, type Reply, startContainer } from "../platform/container.ts";

/** What is measured: a command that listens as a function's container does. */
export interface Subject {
  name: string;
  command: [string, ...string[]];
  env?: Record<string, string>;
}

/** For a process to listen: how long it takes is a figure and no fault. Milliseconds. */
const START_LIMIT = 60_000;

export async function start(
  { name, command, env = {} }: Subject,
  onLine: (line: string) => void = () => undefined,
): Promise<Container> {
  try {
    return await startContainer(randomUUID(), command, env, onLine, START_LIMIT);
  } catch (cause) {
    throw new Error(`${name} does not start`, { cause });
  }
}

/** A call, and the milliseconds from sending it to its whole answer. */
export async function call(container: Container, body: string | Buffer): Promise<Reply & { milliseconds: number }> {
  const headers: OutgoingHttpHeaders = {
    "Fn-Call-Id": randomUUID(),
    "Fn-Deadline": new Date(Date.now() + 60_000).toISOString(),
    "Content-Type": "application/json",
  };
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const started = performance.now();
  const reply = await container.call(headers, bytes);
  return { ...reply, milliseconds: performance.now() - started };
}

/** The milliseconds of a call that must succeed. */
export async function mustCall(container: Container, body: string | Buffer): Promise<number> {
  const reply = await call(container, body);
  if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`);
  const { status } = JSON.parse(reply.body.toString()) as { status?: number };
  if (status !== undefined && status >= 400) throw new Error(reply.body.toString());
  return reply.milliseconds;
}

/** Resident memory, MB. Linux alone tells. */
export function residentOf({ pid }: Container): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;
}

/** Starts it, gives it to `work`, and ends it. */
export async function withContainer<T>(subject: Subject, work: (container: Container) => Promise<T>): Promise<T> {
  const container = await start(subject);
  try {
    return await work(container);
  } finally {
    container.kill();
  }
}
