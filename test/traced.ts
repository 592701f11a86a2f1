import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { type Lane, laneForTests } from "./fixture.ts";
import { type Collector, type Span, startCollector } from "./platform/collector.ts";
import { eventually } from "./platform/eventually.ts";
import type { FunctionsOptions, Invocation } from "./platform/functions.ts";
import type { Platform } from "./platform/platform.ts";

/** A function that the platform traces, and where its spans go. */
export interface Traced extends Lane {
  collector: Collector;
}

/** The data key is one of the platform's secrets, which no log and no answer may have. */
export async function tracedLane(
  t: TestContext,
  platform: Platform,
  options: Partial<FunctionsOptions> = {},
): Promise<Traced> {
  const collector = await startCollector();
  t.after(() => collector.stop());
  platform.secrets.push(collector.dataKey);
  const tracing = { collectorUrl: collector.url };
  return { ...(await laneForTests(platform, { maxContainers: 1, tracing, ...options })), collector };
}

/** What the collector has by now of an invocation. */
export const tracesOf = ({ requests }: Collector, callId: string) =>
  requests.filter(([whole]) => whole?.tags.callId === callId);

/**
 * Invokes, and gives what the collector had when the answer came. A busy machine may take longer for it than a trace gets,
 * so it is tried again where nothing came.
 */
export async function trace(
  { functions, collector }: Pick<Traced, "functions" | "collector">,
  invocation: Invocation,
  before: () => void = () => undefined,
): Promise<{ callId: string; whole: Span; parts: Span[] }> {
  return eventually(async () => {
    before();
    const { callId } = await functions.invoke(invocation);
    const traces = tracesOf(collector, callId);
    assert(traces.length <= 1, "one request an invocation");
    const [[whole, ...parts] = []] = traces;
    return whole && { callId, whole, parts };
  }, "a trace that came before the answer");
}

export const warnings = ({ functions }: Pick<Lane, "functions">) =>
  functions.logs.map((line) => JSON.parse(line)).filter(({ msg }) => msg === "the trace may be lost");

export const warningOf = (lane: Lane, call: string) =>
  eventually(() => warnings(lane).find(({ callId }) => callId === call), `a warning in ${call}`);
