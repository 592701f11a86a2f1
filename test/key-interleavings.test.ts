import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import { Deadline } from "../src/deadline.ts";
import { insert } from "../src/insert.ts";
import { fatesOf, Model } from "./model.ts";
import { keyed, OTHERS, TABLES } from "./model-table.ts";

/** Longest row of statements of which each may go wrong; the next goes well. */
const DEPTH = 5;

const call = { deadline: new Deadline(null), log: { warn: () => undefined } } as unknown as Call;

for (const others of OTHERS) {
  test(`whichever statements are lost, each key is one row for ever, and all answers are the same: ${others}`, async (t) => {
    let runs = 0;
    for (const kind of TABLES) {
      for (const fates of fatesOf(DEPTH)) {
        for (const [names, ...more] of [
          [["b"], ["b"]],
          [["a", "b", "c"], ["c", "b"], ["b"]],
          [
            ["a", "b", "Without"],
            ["b", "d", "a"],
          ],
          [["b", "a", "b"], ["a"]],
        ] as const) {
          // Lost are statements of the first delivery, or of those that come again.
          for (const well of [0, 3]) {
            const model = new Model(kind, [...Array(well).fill("well"), ...fates], 0, others);
            const told = new Map<string, string>();
            for (const sent of [names, names.filter((name) => !/^[A-Z]/.test(name)), ...more]) {
              const { ids } = await insert(model, { ...keyed(sent), batch: sent.length > 1 }, call);
              for (const [place, name] of sent.entries()) {
                const id = String(ids[place]);
                assert.equal(told.get(name) ?? id, id, JSON.stringify({ kind, fates, sent, others }));
                told.set(name, id);
              }
            }
            assert.equal(new Set(told.values()).size, told.size, "an id is told of two");
            const all = new Set([
              ...told.keys(),
              ...(others.startsWith("another invocation") ? model.table.history : []),
            ]);
            assert.deepEqual(
              model.table.history.toSorted(),
              [...all].sort(),
              JSON.stringify({ kind, fates, names, others }),
            );
            runs++;
          }
        }
      }
    }
    t.diagnostic(`${runs} interleavings`);
  });
}
