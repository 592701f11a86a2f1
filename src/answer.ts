import type { Context, Handler } from "@fnproject/fdk";
import { type Call, readCall } from "./call.ts";
import { ConfigError } from "./config.ts";
import type { Item } from "./delivery/items.ts";
import type { Delivery } from "./delivery.ts";
import type { Stored } from "./insert/job.ts";
import type { Made } from "./insert/store.ts";
import { captureConsole } from "./log.ts";
import { Problem } from "./problem.ts";
import { table } from "./table.ts";

/** What an invocation came to. */
interface Outcome {
  outcome: "stored" | "healthy";
  status: 200 | 201;
  headers?: Readonly<Record<string, string>>;
  body: object;
  /** For the log: how many were stored, and of a delivery with keys or of a feed what else became of its messages. */
  counts: { items: number; replayed?: number; rejected?: number };
}

export function healthy(): Outcome {
  return { outcome: "healthy", status: 200, body: { status: "ok" }, counts: { items: 0 } };
}

export function stored({ items, batch, keys, feed }: Delivery, { ids, made, replayed, rejected }: Stored): Outcome {
  const numbers = ids.map((id) => (typeof id === "string" ? JSON.rawJSON(id) : id));
  const [id] = numbers;
  const body =
    batch || id === undefined
      ? { count: ids.length, ids: numbers, ...(rejected > 0 && { rejected }) }
      : { id, ...rowOf(items[0] as Item, made) };
  const isReplay = replayed > 0 && replayed === ids.length;
  return {
    outcome: "stored",
    status: ids.length > 0 ? 201 : 200,
    ...(isReplay && { headers: { "Idempotency-Replayed": "true" } }),
    body,
    counts: { items: ids.length - replayed, ...(keys.length > 0 && { replayed }), ...(feed && { rejected }) },
  };
}

/** What was sent, and what the database made of the rest. */
function rowOf(item: Item, made: Made): object {
  const row = Object.entries(table.columns).map(([name, { decode }]) => {
    const text = made[name];
    return [name, item[name] ?? (typeof text === "string" ? decode(text) : null)];
  });
  return Object.fromEntries(row);
}

/** For the log, of a failure that only its sender can mend. */
const INVALID = {
  code: "INVALID",
  remedy: "mend what sends it; with ON_INVALID=set-aside what is no item is kept with the reason, and the rest stored",
};

/** Makes `work` an FDK handler, which turns each outcome into what this caller can see, and logs one closing line. */
export function answer(work: (call: Call, body: Buffer) => Promise<Outcome>): Handler {
  let first = true;
  return async (body, context) => {
    const call = readCall(context);
    captureConsole(call.log);
    const closing = { first };
    first = false;
    // Loaded where the platform traces, and nowhere else.
    if (process.env.OCI_TRACING_ENABLED === "1") call.trace = (await import("./tracing.ts")).startTrace(call, context);
    try {
      const { outcome, status, headers = {}, counts, body: result } = await work(call, body);
      call.log.info(outcome, { ...closing, status, ...counts, ms: call.spent });
      await call.trace?.send({ ...closing, outcome, status, items: counts.items });
      context.httpGateway.statusCode = status;
      setHeaders(context, headers);
      return result;
    } catch (error) {
      const problem = asProblem(error);
      const { status, message, headers } = problem;
      // A failed function is what makes the platform and its services retry; only the gateway can carry a status.
      const fails = status >= 500 || call.onInvalid !== "refuse";
      const logged = fails && status < 500 ? { ...INVALID, ...problem.logged } : problem.logged;
      const [level, outcome] = fails ? (["error", "failed"] as const) : (["info", "refused"] as const);
      call.log[level](outcome, {
        ...closing,
        status,
        items: 0,
        detail: message,
        ...logged,
        ms: call.spent,
      });
      await call.trace?.send({ ...closing, outcome, status, items: 0, code: codeIn(logged) });
      if (fails && !call.http) throw new Error(`${status} ${message}`);
      context.responseContentType = "application/problem+json";
      context.httpGateway.statusCode = status;
      setHeaders(context, headers);
      return problem.toBody(call.id);
    }
  };
}

function setHeaders({ httpGateway }: Context, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) httpGateway.setResponseHeader(name, value);
}

const codeIn = (logged: { code?: unknown }) => (typeof logged.code === "string" ? logged.code : undefined);

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const reason = error instanceof ConfigError ? error.message : stackOf(error);
  return new Problem(500, "The function cannot serve. Its log says why, under this callId.", { logged: { reason } });
}

/** With the causes, and no more: other fields of an error may hold data. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? `${error.stack}` : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}
