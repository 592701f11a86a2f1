import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import type { Connection, Database } from "../src/database.ts";
import { Deadline } from "../src/deadline.ts";
import { DatabaseError } from "../src/faults.ts";
import { insert } from "../src/insert.ts";

/** What becomes of one attempt. */
const FATES = ["well", "lost before it was sent", "lost after it was done"] as const;
type Fate = (typeof FATES)[number];

/** Longest row of attempts of which each may go wrong; the next goes well. */
const DEPTH = 6;

const now = () => new Date().toISOString();

const call = { deadline: new Deadline(null), log: { warn: () => undefined } } as unknown as Call;

/** A database of one table, in memory, as far as the function's statements go; its attempts meet the fates given. */
function modelOf(fates: readonly Fate[], ahead: number) {
  // The table holds rows that others put there past the sequence.
  const table = new Map<number, string>(Array.from({ length: ahead }, (_, id) => [id + 1, "somebody else's"]));
  let sequence = 0;
  let next = 0;
  function execute(sql: string, values: readonly unknown[]): object[] {
    if (sql.includes("array_agg")) {
      const ids = Array.from({ length: Number(values[0]) }, () => ++sequence);
      return [{ ids: `{${ids}}`, now: now() }];
    }
    const [given, names] = values as [string | number, string | string[]];
    const ids = typeof given === "number" ? [given] : JSON.parse(`[${given.slice(1, -1)}]`);
    if (sql.includes("INSERT")) {
      if (ids.some((id: number) => table.has(id))) throw new DatabaseError("taken", { cause: { code: "23505" } });
      for (const [index, id] of ids.entries()) table.set(id, [names].flat()[index] as string);
      return [{ count: ids.length, createdAt: now(), next: ++sequence }];
    }
    const found = ids.filter((id: number, index: number) => table.get(id) === names[index]);
    return [{ count: found.length, createdAt: found.length > 0 ? now() : null }];
  }
  // Lasts until an attempt is lost.
  let connection: Connection | undefined;
  const database: Database = {
    async run(_call, _step, work) {
      for (let repeated = false; ; repeated = true) {
        const fate = fates[next++] ?? "well";
        let statements = 0;
        const query: Connection["query"] = async (sql, values = []) => {
          // The fate is that of the attempt's first statement.
          const mine = statements++ === 0 ? fate : "well";
          if (mine === "lost before it was sent") throw "lost";
          const rows = execute(sql, values);
          if (mine === "lost after it was done") throw "lost";
          return rows as never;
        };
        connection = Object.assign(connection ?? { query }, { query });
        try {
          return await work(connection, repeated);
        } catch (error) {
          if (error !== "lost") throw error;
          connection = undefined;
        }
      }
    },
  };
  return { database, table };
}

test("however attempts are lost, and wherever the sequence stands, each item is stored once", async (t) => {
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
