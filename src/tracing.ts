import type { Context } from "@fnproject/fdk";
import type { Call, Closing, Step, Trace } from "./call.ts";
import { postSpans, remedyOf } from "./collector.ts";
import { diagnose } from "./faults/diagnosis.ts";

/** For the collector, before the answer. Milliseconds. */
const LIMIT_MS = 200;

/** Kept back to write the answer in, before the platform ends the call: what is sent after the deadline, a 504's, has less. */
const FOR_ANSWER_MS = 400;

/** A call that waits for long makes many attempts: the first are enough to say why. */
const MOST_PARTS = 30;

/** As Zipkin's version 2 has it: https://zipkin.io/zipkin-api/#/default/post_spans. Times are microseconds. */
interface Span {
  traceId: string;
  id: string;
  parentId?: string;
  name: string;
  kind: "SERVER" | "CLIENT";
  timestamp: number;
  duration: number;
  localEndpoint: { serviceName: string };
  tags: Readonly<Record<string, string>>;
}

/** Undefined where the platform wants none: it has no collector, or says that this call is not sampled. */
export function startTrace(call: Call, context: Context): Trace | undefined {
  const { traceCollectorUrl: url, serviceName, ...given } = context.tracingContext;
  // A direct call has no such header and is traced: https://github.com/openzipkin/b3-propagation has both words.
  if (!url || /^(0|false)$/i.test(context.getHeader("X-B3-Sampled") ?? "")) return undefined;
  const traceId = idIn(given.traceId, 16, 32) ?? newId() + newId();
  const id = newId();
  const caller = idIn(given.spanId, 16);
  const epoch = Date.now() - performance.now();
  const now = () => Math.round(1_000 * (epoch + performance.now()));
  const started = now();
  const spanOf = (name: string, timestamp: number) => ({
    traceId,
    name,
    timestamp,
    duration: Math.max(1, now() - timestamp),
    localEndpoint: { serviceName },
  });
  const parts: Span[] = [];

  async function part<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const since = now();
    let tags = {};
    try {
      return await work();
    } catch (error) {
      tags = { error: diagnose(error)?.code ?? Object(error).name ?? "unknown" };
      throw error;
    } finally {
      if (parts.length < MOST_PARTS)
        parts.push({ ...spanOf(step, since), id: newId(), parentId: id, kind: "CLIENT", tags });
    }
  }

  async function send({ outcome, status, items, first, code }: Closing): Promise<void> {
    const told = { outcome, status, items, first, callId: call.id, ...(code !== undefined && { code }) };
    const failed = outcome === "failed" && { error: code ?? outcome };
    const tags = Object.fromEntries(Object.entries({ ...told, ...failed }).map(([name, value]) => [name, `${value}`]));
    const parent = caller === undefined ? {} : { parentId: caller };
    const whole: Span = { ...spanOf("invocation", started), id, ...parent, kind: "SERVER", tags };
    const limit = Math.min(LIMIT_MS, call.deadline.untilEnd - FOR_ANSWER_MS);
    const lost = await postSpans(url as string, [whole, ...parts], limit);
    if (lost !== undefined) call.log.warn("the trace may be lost", { code: lost, remedy: remedyOf(lost) });
  }

  return { part, send };
}

/** An id in hexadecimal digits as the platform sends it, of one of these lengths. */
function idIn(text: string | null, ...lengths: number[]): string | undefined {
  const id = text?.toLowerCase() ?? "";
  return lengths.includes(id.length) && /^[0-9a-f]+$/.test(id) ? id : undefined;
}

/** Random, of 64 bits. */
const newId = () => Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
