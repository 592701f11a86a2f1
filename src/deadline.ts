/** Kept back from the time the platform gives, to write the answer in. */
const MARGIN_MS = 500;

/** For a call that brings no readable `Fn-Deadline`: OCI's default timeout. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** OCI lets no function run longer (detached). Beyond 24 days `setTimeout` would fire at once. */
const MAX_TIMEOUT_MS = 3_600_000;

/** What one waits for: Vault; the database's host to accept a connection, and then to say that it is ready; a statement. */
export type Waited = "Vault" | "address" | "greeting" | "statement";

/** There was no answer in time. Who was asked may be at work on it still. */
export class TimeoutError extends Error {
  override readonly name: string = "TimeoutError";
  readonly of: Waited;

  constructor(message: string, of: Waited = "statement") {
    super(message);
    this.of = of;
  }
}

/** The answer was that the deadline had passed, and that therefore nothing was done. */
export class DeadlineError extends TimeoutError {
  override readonly name = "DeadlineError";
}

/** Whether a time lies no more than so many milliseconds back. Nothing is known of one to come: the clock was set back. */
export function isWithin(milliseconds: number, time: number): boolean {
  const age = Date.now() - time;
  return age >= 0 && age <= milliseconds;
}

/** The end of an invocation's time. Every wait goes through one, so that nothing waits for ever. */
export class Deadline {
  /** Milliseconds of the wall clock, which goes on while the platform has the container frozen. */
  readonly #at: number;

  constructor(given: Date | null) {
    const now = Date.now();
    const at = given?.getTime() ?? Number.NaN;
    this.#at = Math.min(Number.isNaN(at) ? now + DEFAULT_TIMEOUT_MS : at, now + MAX_TIMEOUT_MS) - MARGIN_MS;
  }

  /** Milliseconds left, 0 once it has passed. */
  get left(): number {
    return Math.max(0, this.#at - Date.now());
  }

  /** Milliseconds for one wait of an attempt: at most half of what is left, so that there is time for another attempt. */
  share(limit = Number.POSITIVE_INFINITY): number {
    return Math.min(limit, this.left / 2);
  }

  /** Milliseconds until the platform ends the call: what is left, and what is kept back for the answer. */
  get untilEnd(): number {
    return this.#at + MARGIN_MS - Date.now();
  }

  /**
   * Waits for `work` for `limit` milliseconds, but not beyond the deadline. What `work` comes to after that is ignored.
   *
   * @param of asked when the time is up
   * @throws {TimeoutError} when the time is up first
   */
  async wait<T>(work: () => Promise<T>, limit = this.left, of: () => Waited = () => "statement"): Promise<T> {
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const milliseconds = Math.min(limit, this.left);
    const timer = setTimeout(() => reject(new TimeoutError(`no answer in ${milliseconds} ms`, of())), milliseconds);
    try {
      return await Promise.race([work(), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}
