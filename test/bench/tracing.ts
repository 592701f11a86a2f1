import { startCollector } from "../platform/collector.ts";
import { type Bench, callBlock, ITEM, WARMING } from "./parts.ts";
import { withContainer } from "./process.ts";
import type { Line } from "./stats.ts";

/** What a trace costs a warm insert, with a collector that answers at once, over plain HTTP. */
export async function tracing({ ours, rounds, say }: Bench): Promise<Line[]> {
  say("warm inserts, traced");
  const collector = await startCollector();
  const env = { ...ours.env, OCI_TRACING_ENABLED: "1", OCI_TRACE_COLLECTOR_URL: collector.url };
  const times = { traced: [] as number[], untraced: [] as number[] };
  try {
    await withContainer({ ...ours, env }, (traced) =>
      withContainer(ours, async (untraced) => {
        for (let round = -WARMING; round < rounds; round++) {
          if (round === 0) collector.requests.length = 0;
          for (const [of, to] of [
            [times.traced, traced],
            [times.untraced, untraced],
          ] as const) {
            const block = await callBlock(to, () => ITEM);
            if (round >= 0) of.push(...block);
          }
        }
      }),
    );
    const [calls, traces] = [times.traced.length, collector.requests.length];
    if (traces < 0.99 * calls) throw new Error(`of ${calls} traced calls ${traces} traces came`);
  } finally {
    collector.stop();
  }
  const floor = { name: "without", figures: times.untraced };
  return [{ what: "warm insert of one item, traced", unit: "ms", ours: times.traced, floor, bar: undefined }];
}
