import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import type { Database } from "../src/database.ts";
import { Deadline, DeadlineError } from "../src/deadline.ts";
import { TableError } from "../src/faults/errors.ts";
import { IN_TIME, NOT_STORED } from "../src/insert/statements.ts";
import { insert } from "../src/insert.ts";
import type { Problem } from "../src/problem.ts";
import { fatesOf, Model } from "./model.ts";
import { checked } from "./model-statements.ts";
import { refused, TABLES } from "./model-table.ts";

/** Longest row of statements of which each may go wrong; the next goes well. */
const DEPTH = 5;

const call = { deadline: new Deadline(null), log: { warn: () => undefined } } as unknown as Call;

const itemsOf = (turn: string, size: number) =>
  Array.from({ length: size }, (_, index) => ({ name: `${turn} ${index}`, description: null }));

for (const kind of TABLES) {
  test(`whichever statements are lost, each item is stored once: ${kind}`, async (t) => {
    let runs = 0;
    for (const fates of fatesOf(DEPTH)) {
      for (const ahead of [0, 1, 2, 5]) {
        for (const size of [1, 3]) {
          const model = new Model(kind, fates, ahead);
          const sent: string[] = [];
          // The later ones on what the former left: a connection, and an id taken along.
          for (const turn of ["First", "Second", "Third"]) {
            const { ids } = await insert(model, { items: itemsOf(turn, size), keys: [], batch: size > 1 }, call);
            assert.equal(ids.length, size);
            for (const id of ids.map(String)) {
              assert(!sent.includes(id), "an id is told twice");
              assert(model.table.rows.has(id), "what is told is not there");
              sent.push(id);
            }
          }
          const others = Array.from(model.table.rows.values()).filter((name) => /^(somebody|theirs)/.test(name));
          const theirs = kind.endsWith("rows after each loss") ? ahead : others.length;
          assert.equal(model.table.rows.size, sent.length + theirs, JSON.stringify({ fates, ahead, size }));
          runs++;
        }
      }
    }
    t.diagnostic(`${runs} interleavings`);
  });
}

test("whichever statements are lost, a name that is taken is refused, and nothing is stored", async () => {
  for (const kind of TABLES.filter((each) => /names|refuses|keeps back/.test(each))) {
    for (const fates of fatesOf(4)) {
      for (const size of [1, 3]) {
        const model = new Model(kind, fates);
        model.table.rows.set("1000", "MINE 0");
        const error = await insert(model, { items: itemsOf("Mine", size), keys: [], batch: size > 1 }, call).catch(
          (thrown) => thrown,
        );
        if (kind.includes("keeps back")) assert.equal((error as TableError).code, "NOT_STORED");
        else assert([409, 422].includes((error as Problem).status), String(error));
        assert.equal(model.table.rows.size, 1);
      }
    }
  }
});

test("an insert that came too late, or that the table kept back, is not taken for stored", async () => {
  for (const [inTime, expected] of [
    [false, DeadlineError],
    [true, TableError],
  ] as const) {
    for (const [size, kind] of [
      [1, "plain"],
      [3, "plain"],
      [1, "a trigger changes rows"],
      [3, "a trigger changes rows"],
    ] as const) {
      const model = new Model(kind, []);
      const short: Database = {
        run: (of, step, work) =>
          model.run(of, step, ({ query, ...connection }) =>
            work({
              ...connection,
              query: async (sql, ...rest) => {
                if (sql === IN_TIME) return { rows: [{ inTime }] } as never;
                if (sql === checked(size === 1) && !inTime) return { rows: [{ "in time": false }] } as never;
                if (sql === checked(size === 1)) throw refused("22P02", `… "${NOT_STORED}"`);
                return sql.includes("INSERT") ? ({ rows: [], rowCount: 0 } as never) : await query(sql, ...rest);
              },
            }),
          ),
      };
      await assert.rejects(insert(short, { items: itemsOf("late", size), keys: [], batch: size > 1 }, call), expected);
      assert.equal(model.table.rows.size, 0);
    }
  }
});
