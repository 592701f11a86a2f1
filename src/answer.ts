import type { Handler } from "@fnproject/fdk";
import { type Call, readCall } from "./call.ts";
import { ConfigError } from "./config.ts";
import type { Stored } from "./insert.ts";
import type { Item, Items } from "./items.ts";
import { captureConsole } from "./log.ts";
import { Problem } from "./problem.ts";
import type { Made } from "./store.ts";
import { table } from "./table.ts";

/** What an invocation came to. */
export interface Outcome {
  outcome: "stored" | "healthy";
  status: 200 | 201;
  body: object;
  items: number;
}

export function healthy(): Outcome {
  return { outcome: "healthy", status: 200, body: { status: "ok" }, items: 0 };
}

export function stored({ items, batch }: Items, { ids, made }: Stored): Outcome {
  const numbers = ids.map((id) => (typeof id === "string" ? JSON.rawJSON(id) : id));
  const body = batch ? { count: ids.length, ids: numbers } : { id: numbers[0], ...rowOf(items[0] as Item, made) };
  return { outcome: "stored", status: 201, body, items: items.length };
}

/** What was sent, and what the database made of the rest. */
function rowOf(item: Item, made: Made): object {
  const row = Object.entries(table.columns).map(([name, { decode }]) => {
    const text = made[name];
    return [name, item[name] ?? (typeof text === "string" ? decode(text) : null)];
  });
  return Object.fromEntries(row);
}

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
      const { outcome, status, items, body: result } = await work(call, body);
      call.log.info(outcome, { ...closing, status, items, ms: call.spent });
      await call.trace?.send({ ...closing, outcome, status, items });
      context.httpGateway.statusCode = status;
      return result;
    } catch (error) {
      const problem = asProblem(error);
      const { status, message, headers, logged } = problem;
      const [level, outcome] = status < 500 ? (["info", "refused"] as const) : (["error", "failed"] as const);
      call.log[level](outcome, {
        ...closing,
        status,
        items: 0,
        detail: message,
        ...logged,
        ms: call.spent,
      });
      await call.trace?.send({ ...closing, outcome, status, items: 0, code: codeIn(logged) });
      // A failed function is what makes the platform and its services retry; only the gateway can carry a status.
      if (status >= 500 && !call.http) throw new Error(`${status} ${message}`);
      context.responseContentType = "application/problem+json";
      context.httpGateway.statusCode = status;
      for (const [name, value] of Object.entries(headers)) context.httpGateway.setResponseHeader(name, value);
      return problem.toBody(call.id);
    }
  };
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
