import assert from "node:assert/strict";
import test from "node:test";
import { laneForTests, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";

const platform = await platformForTests();
const { postgres } = platform;

/** The contract's, milliseconds; the deadline is far. */
const LIMIT = 2_000;

/** What a busy machine adds to it, in times of what a thaw takes there with nothing broken. */
const BUSY = 10;

for (const [what, spoil] of [
  ["closed by a reset", (lane) => lane.wire.breakAll("reset")],
  ["closed in order", (lane) => lane.wire.breakAll("end")],
  ["silently dead", (lane) => lane.wire.breakAll("silence")],
  ["alive", () => undefined],
  ["of a database that has been restarted", () => postgres.restart()],
] as [string, (lane: Awaited<ReturnType<typeof laneForTests>>) => unknown][]) {
  test(`a container that was frozen with a connection ${what} stores the next item within 2 s`, async (t) => {
    const lane = await laneForTests(platform, { maxContainers: 1, idleSeconds: 600 });
    const store = async (name: string) => {
      const { code, milliseconds } = await lane.functions.invoke({ body: JSON.stringify({ name }) });
      assert.equal(code, undefined, lane.functions.logs.at(-1));
      return milliseconds;
    };
    await store("at the start");
    const [container] = lane.functions.containers;
    const frozen = () => eventually(() => container?.paused, "the container to be frozen");
    const times: number[] = [];
    for (const round of [1, 2, 3]) {
      await frozen();
      const undisturbed = await store("before");
      await frozen();
      await spoil(lane);
      const name = `${what} ${round}`;
      const milliseconds = await store(name);
      assert.deepEqual(lane.functions.containers, [container], "the same container");
      assert(
        milliseconds < LIMIT + BUSY * undisturbed,
        `${milliseconds} ms, and ${undisturbed} ms with nothing broken`,
      );
      times.push(milliseconds);
      const rows = await postgres.query("SELECT FROM items WHERE name = $1", [name]);
      assert.equal(rows.length, 1);
      lane.wire.sweep();
    }
    t.diagnostic(`longest from thaw to answer: ${Math.max(...times).toFixed(0)} ms`);
  });
}
