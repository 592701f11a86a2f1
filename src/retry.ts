import { setTimeout as sleep } from "node:timers/promises";
import type { Call, Step } from "./call.ts";
import { diagnose } from "./faults/diagnosis.ts";
import { Problem } from "./problem.ts";

/** Between two attempts: doubling from the initial to the maximum, jittered. */
const INITIAL_BACKOFF_MS = 20;
const MAX_BACKOFF_MS = 1_000;

/** With less time left, another attempt would only turn a fault that is known into a timeout. */
const MIN_ATTEMPT_MS = 250;

/** Poolers refuse the right password for seconds after a rotation. */
const SETTLING_MS = 2_000;

const NO_TIME = {
  code: "TIMEOUT",
  detail: "The time was up before anything was done.",
  remedy:
    "no action unless it is frequent: then give the function a longer timeout, or look at what holds its calls back",
};

const RETRY_AFTER = { "Retry-After": "5" };

/** What is tried again, and for whom. */
interface Retried {
  call: Call;
  step: Step;
  /** Reads the secret again, and tells whether that brought other credentials. */
  rereadSecret(): Promise<boolean>;
}

/**
 * Makes attempts until one succeeds: the next one at once where the secret brought other credentials, after a pause where
 * the fault may pass.
 *
 * @throws {Problem} 503 or 504, when the fault cannot pass by waiting, or not before the deadline
 */
export async function retry<T>(attempt: () => Promise<T>, retried: Retried): Promise<T> {
  if (retried.call.deadline.left === 0)
    throw new Problem(504, NO_TIME.detail, { headers: RETRY_AFTER, logged: NO_TIME });
  let renewed: Renewed = "no";
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      renewed = await untilNextAttempt(error, failures, renewed, retried);
    }
  }
}

/** Whether other credentials were found, and then tried once more. */
type Renewed = "no" | "found" | "settled";

async function untilNextAttempt(
  error: unknown,
  failures: number,
  renewed: Renewed,
  retried: Retried,
): Promise<Renewed> {
  const { call, step, rereadSecret } = retried;
  const fault = diagnose(error);
  if (!fault) throw error;
  if (fault.reread && (await rereadSecret())) return "found";
  const settling = fault.credentials === true && renewed === "found";
  const pause = settling ? SETTLING_MS : backoffAfter(failures);
  if (!(fault.again || settling) || call.deadline.left <= pause + MIN_ATTEMPT_MS) {
    const { code, names, detail, remedy, status = 503 } = fault;
    throw new Problem(status, detail, { headers: RETRY_AFTER, logged: { code, ...names, remedy } });
  }
  call.log.warn("trying again", { step, code: fault.code, detail: fault.detail });
  await sleep(pause);
  return settling ? "settled" : renewed;
}

/** Milliseconds: between half and the whole of what has doubled with each failure, so that containers do not keep step. */
export function backoffAfter(failures: number): number {
  return Math.min(INITIAL_BACKOFF_MS * 2 ** (failures - 1), MAX_BACKOFF_MS) * (0.5 + Math.random() / 2);
}
