import type { TestContext } from "node:test";
import { type Delivery, type HubOptions, startHub, type Target } from "./platform/hub.ts";
import type { Message } from "./platform/stream.ts";

/** Longer than a test waits: what comes before it comes by number or size. Seconds. */
export const NEVER = 3_600;

export const FAILURE = "FunctionInvokeExecutionFailed";

/** A function that keeps the bodies it gets, and succeeds unless it is told otherwise. */
export function played(answer: (call: number) => Promise<string | undefined> | string | undefined = () => undefined) {
  const bodies: string[] = [];
  return {
    bodies,
    get messages(): Message[][] {
      return bodies.map((body) => JSON.parse(body));
    },
    async invoke({ body }: Parameters<Target["invoke"]>[0]) {
      const code = await answer(bodies.push(body.toString()) - 1);
      return code === undefined ? {} : { code };
    },
  };
}

export function hubForTests(t: TestContext, options: HubOptions) {
  const deliveries: Delivery[] = [];
  const hub = startHub({
    backoff: { first: 5, most: 40 },
    ...options,
    onDelivery: (delivery) => deliveries.push(delivery),
  });
  t.after(() => hub.stop());
  return { hub, deliveries };
}

export const entries = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ value: Buffer.from(String(from + index)) }));

export const valuesOf = (messages: readonly Message[]) =>
  messages.map(({ value }) => Buffer.from(value, "base64").toString("latin1"));
