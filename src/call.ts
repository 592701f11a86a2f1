import type { Context } from "@fnproject/fdk";
import { type OnInvalid, readOnInvalid } from "./config.ts";
import { Deadline } from "./deadline.ts";
import { createLog, type Log, readLevel } from "./log.ts";
import { encoded, Problem } from "./problem.ts";

/** The steps whose milliseconds the closing log line tells. */
export type Step = "secret" | "connect" | "insert";

/** The spans of one invocation, for OCI APM. */
export interface Trace {
  /** Does `work` as a span. */
  part<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** Never rejects: what becomes of a trace is worth a warning, and no answer. */
  send(closing: Closing): Promise<void>;
}

/** What the closing line says, and no word of what was sent. */
export interface Closing {
  outcome: string;
  status: number;
  items: number;
  first: boolean;
  code?: string | undefined;
}

/** One invocation: what it asks for, and how long it has. */
export interface Call {
  id: string;
  /** The request that API Gateway got; undefined for a direct invoke, whose caller sees neither status nor headers. */
  http: { method: string; url: string; encoding: string; key: string | undefined } | undefined;
  /** Through the gateway always "refuse", since its callers read the answer. */
  onInvalid: OnInvalid;
  deadline: Deadline;
  log: Log;
  /** Where the platform traces it. */
  trace: Trace | undefined;
  /** Does `work`, and adds the time that it takes to that of the step. A step may have several parts. */
  timed<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** How long each step and the whole took until now: milliseconds, to a tenth. */
  readonly spent: Record<Step | "total", number>;
}

export function readCall(context: Context): Call {
  const id = context.callID ?? "";
  const method = context.getHeader("Fn-Http-Method");
  const url = context.getHeader("Fn-Http-Request-Url");
  const encoding = context.getHeader("Fn-Http-H-Content-Encoding") ?? "";
  const key = everyOf(context, "Fn-Http-H-Idempotency-Key");
  const http = method === null && url === null ? undefined : { method: method ?? "", url: url ?? "", encoding, key };
  const started = performance.now();
  const spent = { secret: 0, connect: 0, insert: 0 };
  return {
    id,
    http,
    onInvalid: http ? "refuse" : readOnInvalid(process.env),
    deadline: new Deadline(context.deadline),
    log: createLog(readLevel(process.env), { callId: id }),
    trace: undefined,
    async timed(step, work) {
      const since = performance.now();
      try {
        return await (this.trace ? this.trace.part(step, work) : work());
      } finally {
        spent[step] = tenths(spent[step] + performance.now() - since);
      }
    },
    get spent() {
      return { ...spent, total: tenths(performance.now() - started) };
    },
  };
}

/** A header that comes several times is a list (RFC 9110, 5.3), unless it says the same each time. */
function everyOf(context: Context, name: string): string | undefined {
  // For one that is absent, the FDK's list breaks.
  return context.getHeader(name) === null ? undefined : [...new Set(context.getAllHeaderValues(name))].join(", ");
}

const tenths = (value: number) => Math.round(10 * value) / 10;

/**
 * Through the gateway the last segment of the path decides, since a deployment's prefix may stand before it; directly
 * the body does, where an empty one asks for health.
 *
 * @throws {Problem} 404 for another path, 405 for another method, 415 for a body that is not sent as it is
 */
export function routeOf({ http }: Call, body: Uint8Array): "insert" | "health" {
  if (!http) return body.length === 0 ? "health" : "insert";
  const [path = ""] = http.url.split(/[?#]/, 1);
  switch (path.slice(path.lastIndexOf("/") + 1)) {
    case "items":
      requireMethod(http.method, "POST");
      if (!/^(identity)?$/i.test(http.encoding)) throw encoded("is encoded");
      return "insert";
    case "health":
      requireMethod(http.method, "GET", "HEAD");
      return "health";
    default:
      throw new Problem(404, "There is nothing at this path. Use POST …/items or GET …/health.");
  }
}

function requireMethod(given: string, ...methods: string[]): void {
  if (methods.includes(given)) return;
  throw new Problem(405, `This path takes ${methods.join(" and ")} only.`, { headers: { Allow: methods.join(", ") } });
}
