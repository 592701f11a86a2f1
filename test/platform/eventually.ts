import { setTimeout as sleep } from "node:timers/promises";

/** Between two looks. Milliseconds. */
const PAUSE = 10;

/** Far beyond what anything here takes on a busy machine, and short enough that a test that fails does so soon. Milliseconds. */
const LIMIT = 60_000;

type Truthy<T> = Exclude<T, false | 0 | "" | null | undefined>;

/**
 * Looks until a condition holds, and resolves to what it gave.
 *
 * @param what is waited for, for the message; as a function, asked when it did not come
 * @throws {Error} saying what did not come in time, also where the condition itself never answers
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  what: string | (() => string),
  limit = LIMIT,
): Promise<Truthy<Awaited<T>>> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const error = new Error();
  const timer = setTimeout(() => {
    error.message = `waited ${limit / 1_000} s in vain for ${typeof what === "string" ? what : what()}`;
    reject(error);
  }, limit);
  try {
    for (;;) {
      const found = await Promise.race([condition(), tooLate]);
      if (found) return found as Truthy<Awaited<T>>;
      await Promise.race([sleep(PAUSE), tooLate]);
    }
  } finally {
    clearTimeout(timer);
  }
}
