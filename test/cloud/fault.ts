import { ApiError } from "../platform/api.ts";

/** Errors ordered for the requests that fit. */
export class Faults {
  readonly #ordered: { method: string; path: RegExp; error: ApiError; times: number }[] = [];

  /** @param path of the path, without the API's version, and the query */
  order(method: string, path: RegExp, status: number, code: string, times = Number.POSITIVE_INFINITY): void {
    const error = new ApiError(status, code, `The local cloud was told to answer ${status}.`);
    this.#ordered.push({ method, path, error, times });
  }

  /** @throws {ApiError} the one that was ordered for such a request */
  check(method: string, target: string): void {
    const fault = this.#ordered.find((one) => one.method === method && one.path.test(target) && one.times-- > 0);
    if (fault) throw fault.error;
  }
}
