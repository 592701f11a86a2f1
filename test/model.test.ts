import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import type { Connection, Database } from "../src/database.ts";
import { Deadline, DeadlineError } from "../src/deadline.ts";
import { PostgresError } from "../src/faults.ts";
import { insert } from "../src/insert.ts";

/** What becomes of one statement. */
const FATES = ["well", "lost before it was sent", "lost after it was done"] as const;
type Fate = (typeof FATES)[number];

/** Longest row of statements of which each may go wrong; the next goes well. */
const DEPTH = 6;

const now = () => new Date().toISOString();

const call = { deadline: new Deadline(null), log: { warn: () => undefined } } as unknown as Call;

/** A database of one table, in memory, as far as the function's statements go, which meet the fates given. */
function modelOf(fates: readonly Fate[], ahead: number) {
  // The table holds rows that others put there past the sequence.
  const table = new Map<number, string>(Array.from({ length: ahead }, (_, id) => [id + 1, "somebody else's"]));
  let sequence = 0;
  let next = 0;
  function execute(sql: string, values: readonly unknown[]): unknown[] {
    if (sql.includes("array_agg")) {
      const ids = Array.from({ length: Number(values[0]) }, () => ++sequence);
      return [{ ids: `{${ids}}`, now: now() }];
    }
    const [given, names] = values as [string | number, string];
    const list = (literal: string) => JSON.parse(`[${literal.slice(1, -1)}]`);
    const ids: number[] = typeof given === "number" ? [given] : list(given);
    const texts: string[] = typeof given === "number" ? [names] : list(names);
    if (sql.includes("INSERT")) {
      if (ids.some((id) => table.has(id))) throw new PostgresError("taken", { cause: { code: "23505" } });
      for (const [index, id] of ids.entries()) table.set(id, texts[index] as string);
      return typeof given === "number" ? [{ createdAt: now(), next: ++sequence }] : ids;
    }
    const found = ids.filter((id, index) => table.get(id) === texts[index]);
    return [{ count: found.length, createdAt: found.length > 0 ? now() : null }];
  }
  // Lasts until a statement is lost.
  let connection: Connection | undefined;
  const database: Database = {
    async run(_call, _step, work) {
      for (;;) {
        connection ??= {
          backend: 1,
          async query(sql, values = []) {
            const fate = fates[next++] ?? "well";
            if (fate === "lost before it was sent") throw "lost";
            const rows = execute(sql, values);
            if (fate === "lost after it was done") throw "lost";
            return { rows, rowCount: rows.length } as never;
          },
        };
        try {
          return await work(connection);
        } catch (error) {
          if (error !== "lost") throw error;
          connection = undefined;
        }
      }
    },
  };
  return { database, table };
}

test("whichever statements are lost, and wherever the sequence stands, each item is stored once", async (t) => {
  let runs = 0;
  const rows = FATES.length ** DEPTH;
  for (let number = 0; number < rows; number++) {
    const fates = Array.from({ length: DEPTH }, (_, place) => FATES[Math.floor(number / 3 ** place) % 3] as Fate);
    for (const ahead of [0, 1, 2, 5]) {
      for (const size of [1, 3]) {
        const { database, table } = modelOf(fates, ahead);
        const sent: [number, string][] = [];
        // The later ones on what the former left: a connection, and an id taken along.
        for (const turn of ["first", "second", "third"]) {
          const items = Array.from({ length: size }, (_, index) => ({ name: `${turn} ${index}`, description: null }));
          const { ids } = await insert(database, items, call);
          for (const [index, id] of ids.entries()) sent.push([id, `${turn} ${index}`]);
        }
        assert.deepEqual([...table].slice(ahead), sent, JSON.stringify({ fates, ahead, size }));
        runs++;
      }
    }
  }
  t.diagnostic(`${runs} interleavings`);
});

test("an insert that came too late to store is not taken for stored", async () => {
  const { database, table } = modelOf([], 0);
  const late: Database = {
    run: (call, step, work) =>
      database.run(call, step, ({ query, ...connection }) =>
        work({
          ...connection,
          query: async (sql, ...rest) =>
            sql.includes("INSERT") ? ({ rows: [], rowCount: 0 } as never) : await query(sql, ...rest),
        }),
      ),
  };
  for (const size of [1, 3]) {
    const items = Array(size).fill({ name: "late", description: null });
    await assert.rejects(insert(late, items, call), DeadlineError);
  }
  assert.equal(table.size, 0);
});
