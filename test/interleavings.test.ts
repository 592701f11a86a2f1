import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import { IS_KEY_OF_ID } from "../src/catalog.ts";
import type { Connection } from "../src/connection.ts";
import type { Database } from "../src/database.ts";
import { Deadline, DeadlineError } from "../src/deadline.ts";
import { PostgresError, TableError } from "../src/errors.ts";
import { insert } from "../src/insert.ts";
import { mergeByKey } from "../src/merge.ts";
import type { Problem } from "../src/problem.ts";
import {
  FIND_KEYS,
  findRows,
  IN_TIME,
  insertChecked,
  insertMany,
  insertOne,
  NOT_STORED,
  TAKE_FIRST_IDS,
  TAKE_FREE_IDS,
  TAKE_IDS,
} from "../src/statements.ts";

/** What becomes of one statement. */
const FATES = ["well", "lost before it was sent", "lost after it was done"] as const;
type Fate = (typeof FATES)[number];

/** Longest row of statements of which each may go wrong; the next goes well. */
const DEPTH = 5;

/** What the table does with a row, or another program with the table. */
const TABLES = [
  "plain",
  "a trigger changes rows",
  "a trigger keeps back what is there",
  "a trigger refuses what is there",
  "names are unique, and looked at after ids",
  "names are unique, and looked at before ids",
  "another program changes rows after each loss",
  "another program stores rows of the next ids that the sequence gives, after each loss",
] as const;
type Kind = (typeof TABLES)[number];

/** What other invocations do, or other programs, where items have keys. */
const OTHERS = [
  "nobody",
  "another invocation stores an item after each loss",
  "another invocation stored an item before",
  "another program removes all rows after each loss",
] as const;
type Others = (typeof OTHERS)[number];

/** The item that another invocation stores. */
const THEIRS = "b";

const COLUMNS = ["name", "description"];
const checked = (single: boolean, keyed = false, guarded = true) =>
  insertChecked({ groups: [COLUMNS], single, keyed, rejecting: false, guarded });
const call = { deadline: new Deadline(null), log: { warn: () => undefined } } as unknown as Call;
const now = () => new Date().toISOString();
const list = (literal: unknown): string[] => JSON.parse(`[${String(literal).slice(1, -1)}]`).map(String);

function answered(code: string, message = "", constraint?: string): PostgresError {
  const table = constraint?.replace(/_(pkey|name_key)$/, "");
  return new PostgresError(message, {
    cause: { code, message, severity: "ERROR", schema: "public", table, constraint },
  });
}

interface StoredKey {
  fingerprint: string;
  ids: readonly string[];
  made: object | null;
}

/** A database of one table, in memory, as far as the function's statements go, which meet the fates given. */
class Model implements Database {
  readonly rows = new Map<string, string>();
  readonly keys = new Map<string, StoredKey>();
  /** Names of all rows that were ever stored. */
  readonly history: string[] = [];
  readonly #others: Others;
  readonly #kind: Kind;
  readonly #fates: readonly Fate[];
  #sequence = 0;
  #statements = 0;
  #connection: Connection | undefined;

  /** @param ahead how many rows others put there past the sequence */
  constructor(kind: Kind, fates: readonly Fate[], ahead: number, others: Others = "nobody") {
    this.#others = others;
    this.#kind = kind;
    this.#fates = fates;
    for (let id = 1; id <= ahead; id++) this.rows.set(String(id), `somebody else's ${id}`);
    if (others.endsWith("before")) this.#storeTheirs();
  }

  /** As the real one: on the same connection until a statement is lost. */
  async run<T>(_call: Call, _step: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    for (;;) {
      this.#connection ??= { backend: 1, query: async (sql, values = []) => this.#send(sql, values) as never };
      try {
        return await work(this.#connection);
      } catch (error) {
        this.#connection = undefined;
        if (error !== "lost") throw error;
        this.#afterLoss();
      }
    }
  }

  #send(sql: string, values: readonly unknown[]) {
    const fate = this.#fates[this.#statements++] ?? "well";
    if (fate === "lost before it was sent") throw "lost";
    let rows: object[];
    try {
      rows = this.#execute(sql, values);
    } catch (error) {
      throw fate === "well" ? error : "lost";
    }
    if (fate === "lost after it was done") throw "lost";
    return { rows, rowCount: rows.length };
  }

  #execute(sql: string, values: readonly unknown[]): object[] {
    const [first, second] = values;
    switch (sql) {
      case TAKE_IDS:
      case TAKE_FIRST_IDS: {
        const ids = Array.from({ length: Number(first) }, () => String(++this.#sequence));
        const guarded = this.#kind.startsWith("a trigger");
        const learnt = { sequence: "1", keyed: true, backend: 1 };
        const used = ids.some((id) => this.rows.has(id));
        return [{ ids: null, first: ids[0], used, guarded, now: Date.now(), ...(sql === TAKE_FIRST_IDS && learnt) }];
      }
      case TAKE_FREE_IDS: {
        const taken = list(first);
        const free = taken.filter((id) => !this.rows.has(id));
        while (free.length < taken.length)
          if (!this.rows.has(String(++this.#sequence))) free.push(String(this.#sequence));
        return [{ ids: `{${free}}` }];
      }
      case insertOne(COLUMNS, false).text: {
        this.#insert([String(first)], [String(second)]);
        const next = String(++this.#sequence);
        return [{ created_at: now(), "next id": this.rows.has(next) ? null : next }];
      }
      case insertOne(COLUMNS, true).text: {
        const made = { created_at: now() };
        this.#insert([String(first)], [String(second)], () =>
          this.#storeKey(String(values[5]), { fingerprint: String(values[6]), ids: [String(first)], made }),
        );
        return [{ id: String(first), ...made, "next id": null }];
      }
      case checked(true, true):
      case checked(false, true):
      case checked(true, true, false):
      case checked(false, true, false): {
        const ids = list(second);
        const [keys, fingerprints, covered = ids.map((id) => `{${id}}`)] = values.slice(4).map(list);
        const single = sql === checked(true, true) || sql === checked(true, true, false);
        const made = { created_at: now() };
        const storeKeys = () => {
          for (const [index, key] of (keys ?? []).entries()) {
            const fingerprint = String(fingerprints?.[index]).slice(2);
            this.#storeKey(key, { fingerprint, ids: list(covered[index]), made: single ? made : null });
          }
        };
        this.#insert(ids, list(values[2]), single ? storeKeys : undefined, single ? undefined : storeKeys);
        return [{ inTime: true, ...made }];
      }
      case FIND_KEYS:
        return list(first).flatMap((key) => {
          const stored = this.keys.get(key);
          return stored ? [{ ...stored, key, ids: `{${stored.ids}}` }] : [];
        });
      case insertMany(COLUMNS, true):
        return this.#insert(
          list(second).map((_, place) => String(Number(first) + place)),
          list(second),
        );
      case insertMany(COLUMNS, false):
        return this.#insert(list(first), list(second));
      case checked(true):
      case checked(false): {
        const ids = list(second);
        if (this.#insert(ids, list(values[2])).length < ids.length) throw answered("22P02", `… "${NOT_STORED}"`);
        return [{ inTime: true, created_at: now() }];
      }
      case findRows(COLUMNS):
        return list(first).some((id) => this.rows.has(id)) ? [{ created_at: now() }] : [];
      case IS_KEY_OF_ID:
        return second === "items_pkey" ? [{}] : [];
      case IN_TIME:
        return [{ inTime: true }];
      default:
        throw new Error(`a statement that the model does not know: ${sql}`);
    }
  }

  /** All rows or none. */
  #insert(ids: string[], names: string[], after?: () => void, first?: () => void): object[] {
    const [rows, keys] = [new Map(this.rows), new Map(this.keys)];
    try {
      first?.();
      this.#insertRows(ids, names);
      after?.();
    } catch (error) {
      for (const [now, before] of [
        [this.rows, rows],
        [this.keys, keys],
      ] as [Map<string, unknown>, Map<string, unknown>][]) {
        now.clear();
        for (const each of before) now.set(...each);
      }
      throw error;
    }
    this.history.push(...names);
    return ids.map(() => ({}));
  }

  #storeKey(key: string, stored: StoredKey): void {
    if (this.keys.has(key)) throw answered("23505", "", "items_keys_pkey");
    this.keys.set(key, stored);
  }

  #storeTheirs(): void {
    const { items, keys } = keyed([THEIRS]);
    const id = String(++this.#sequence);
    if (!keys[0] || this.keys.has(keys[0].text)) return;
    this.rows.set(id, THEIRS);
    this.history.push(...items.map(({ name }) => String(name)));
    this.#storeKey(keys[0].text, { fingerprint: keys[0].fingerprint, ids: [id], made: { created_at: now() } });
  }

  #insertRows(ids: string[], names: string[]): void {
    const undo = (error: unknown) => {
      throw error;
    };
    const known = () => new Set(Array.from(this.rows.values(), (name) => name.toLowerCase()));
    for (const [index, id] of ids.entries()) {
      const name = String(names[index]);
      const isThere = known().has(name.toLowerCase());
      if (this.#kind === "a trigger keeps back what is there" && isThere) undo(answered("22P02", NOT_STORED));
      if (this.#kind === "a trigger refuses what is there" && isThere) undo(answered("P0001"));
      const isTwice = this.#kind.startsWith("names are unique") && isThere;
      if (isTwice && this.#kind.endsWith("before ids")) undo(answered("23505", "", "items_name_key"));
      if (this.rows.has(id)) undo(answered("23505", "", "items_pkey"));
      if (isTwice) undo(answered("23505", "", "items_name_key"));
      this.rows.set(id, this.#kind === "a trigger changes rows" ? name.toLowerCase() : name);
    }
  }

  /** What others do while the function connects again. */
  #afterLoss(): void {
    if (this.#kind === "another program changes rows after each loss")
      for (const id of this.rows.keys()) this.rows.set(id, `changed ${id}`);
    if (this.#others.startsWith("another invocation")) this.#storeTheirs();
    if (this.#others.startsWith("another program")) this.rows.clear();
    const next = String(this.#sequence + 1);
    if (this.#kind.startsWith("another program stores") && !this.rows.has(next)) this.rows.set(next, `theirs ${next}`);
  }
}

function* fatesOf(depth: number): Generator<Fate[]> {
  for (let number = 0; number < FATES.length ** depth; number++)
    yield Array.from({ length: depth }, (_, place) => FATES[Math.floor(number / 3 ** place) % 3] as Fate);
}

const itemsOf = (turn: string, size: number) =>
  Array.from({ length: size }, (_, index) => ({ name: `${turn} ${index}`, description: null }));

/** Of names that begin with a capital the items have no keys. */
function keyed(names: readonly string[]) {
  const items = names.map((name) => ({ name, description: null }));
  return mergeByKey(
    items,
    names.map((name) => (/^[A-Z]/.test(name) ? undefined : `item:${name}`)),
  );
}

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
            const all = new Set([...told.keys(), ...(others.startsWith("another invocation") ? model.history : [])]);
            assert.deepEqual(model.history.toSorted(), [...all].sort(), JSON.stringify({ kind, fates, names, others }));
            runs++;
          }
        }
      }
    }
    t.diagnostic(`${runs} interleavings`);
  });
}

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
              assert(model.rows.has(id), "what is told is not there");
              sent.push(id);
            }
          }
          const others = Array.from(model.rows.values()).filter((name) => /^(somebody|theirs)/.test(name));
          const theirs = kind.endsWith("rows after each loss") ? ahead : others.length;
          assert.equal(model.rows.size, sent.length + theirs, JSON.stringify({ fates, ahead, size }));
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
        const model = new Model(kind, fates, 0);
        model.rows.set("1000", "MINE 0");
        const error = await insert(model, { items: itemsOf("Mine", size), keys: [], batch: size > 1 }, call).catch(
          (thrown) => thrown,
        );
        if (kind.includes("keeps back")) assert.equal((error as TableError).code, "NOT_STORED");
        else assert([409, 422].includes((error as Problem).status), String(error));
        assert.equal(model.rows.size, 1);
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
      const model = new Model(kind, [], 0);
      const short: Database = {
        run: (of, step, work) =>
          model.run(of, step, ({ query, ...connection }) =>
            work({
              ...connection,
              query: async (sql, ...rest) => {
                if (sql === IN_TIME || (sql === checked(size === 1) && !inTime)) return { rows: [{ inTime }] } as never;
                if (sql === checked(size === 1)) throw answered("22P02", `… "${NOT_STORED}"`);
                return sql.includes("INSERT") ? ({ rows: [], rowCount: 0 } as never) : await query(sql, ...rest);
              },
            }),
          ),
      };
      await assert.rejects(insert(short, { items: itemsOf("late", size), keys: [], batch: size > 1 }, call), expected);
      assert.equal(model.rows.size, 0);
    }
  }
});
