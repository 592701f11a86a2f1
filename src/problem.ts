import { STATUS_CODES } from "node:http";

/** One fault of a body. */
export interface Pointed {
  /** JSON Pointer (RFC 6901) into the body. */
  pointer: string;
  detail: string;
}

/** How many errors are shown, since a bad body can hold millions. */
export const MOST_ERRORS = 100;

/** A JSON Pointer to where a path leads. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

interface Options {
  headers?: Readonly<Record<string, string>>;
  errors?: readonly Pointed[];
  logged?: object;
}

/** An outcome other than success, as the caller may see it: its detail, headers and errors are safe to show. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What really happened, for the log alone. */
  readonly logged: object;
  readonly errors: readonly Pointed[] | undefined;

  constructor(status: number, detail: string, { headers = {}, errors, logged = {} }: Options = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
    this.logged = logged;
    this.errors = errors;
  }

  /** An RFC 9457 problem. */
  toBody(callId: string): object {
    const title = STATUS_CODES[this.status];
    const body = { type: "about:blank", title, status: this.status, detail: this.message, callId };
    return this.errors ? { ...body, errors: this.errors } : body;
  }
}

/** For a body with a content coding, since none is taken. */
export function encoded(how: string): Problem {
  return new Problem(415, `The body ${how}. Send the JSON as it is, not compressed.`, {
    headers: { "Accept-Encoding": "identity" },
  });
}
