import { setTimeout as sleep } from "node:timers/promises";
import { Refusal, say } from "../report.ts";
import { anything, list, workRequest, workRequestError } from "../resources.ts";
import { ask, get, request } from "./cli.ts";

/** Between two looks, and for how long at most; milliseconds. */
const POLL_MS = 500;
const LIMIT_MS = 5 * 60_000;

/**
 * Looks again and again until there is a result. The CLI's own --wait-for-state does not wait.
 *
 * @throws {Refusal} after five minutes
 */
export async function poll<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const until = Date.now() + LIMIT_MS;
  for (;;) {
    const result = await look();
    if (result !== undefined) return result;
    if (Date.now() > until) throw new Refusal(`${what} takes too long: look at it in the console, and start again`);
    await sleep(POLL_MS);
  }
}

/** Makes a change, and waits until it has come to its end. Returns its data; some changes have none. @throws {Refusal} */
export async function changeAndWait(what: string, args: readonly string[]): Promise<unknown> {
  const { data, workRequest } = await request(args, anything);
  // Each service has work requests of its own.
  if (workRequest !== undefined) await awaitWork(String(args[0]), workRequest, what);
  return data;
}

/** Waits for what a change began. @throws {Refusal} with the errors of a work request that failed */
async function awaitWork(service: string, id: string, what: string): Promise<void> {
  const status = await poll(what, async () => {
    const { status } = await get([service, "work-request", "get", "--work-request-id", id], workRequest);
    return ["SUCCEEDED", "FAILED", "CANCELED", "NEEDS_ATTENTION"].includes(status) ? status : undefined;
  });
  if (status === "SUCCEEDED") return;
  const answer = await ask(
    [service, "work-request-error", "list", "--work-request-id", id, "--all"],
    list(workRequestError),
  );
  const errors = "error" in answer ? [answer.error] : answer.data;
  const reasons = errors.map(({ code, message }) => `${code}: ${message}`).join("; ");
  throw new Refusal(`${what} ended in ${status}: ${reasons || "OCI gives no reason"}`);
}

/** Waits until a resource is in a state that it does not leave by itself, and returns it. */
export async function awaitSettled<T extends { lifecycleState: string }>(
  what: string,
  read: () => Promise<T>,
): Promise<T> {
  let told = false;
  return poll(what, async () => {
    const resource = await read();
    if (!["CREATING", "UPDATING", "DELETING"].includes(resource.lifecycleState)) return resource;
    if (!told) say(`${what} is ${resource.lifecycleState}; waiting.`);
    told = true;
    return undefined;
  });
}
