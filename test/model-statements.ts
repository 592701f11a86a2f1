import { IS_KEY_OF_ID } from "../src/insert/catalog.ts";
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
} from "../src/insert/statements.ts";
import { type ModelTable, now, refused } from "./model-table.ts";

type Execute = (table: ModelTable, values: readonly unknown[]) => object[];

const COLUMNS = ["name", "description"];

export const checked = (single: boolean, keyed = false, guarded = true) =>
  insertChecked({ groups: [COLUMNS], single, keyed, rejecting: false, guarded });

const list = (literal: unknown): string[] => JSON.parse(`[${String(literal).slice(1, -1)}]`).map(String);

function takeIds(table: ModelTable, count: unknown) {
  const ids = Array.from({ length: Number(count) }, () => table.nextId());
  const used = ids.some((id) => table.rows.has(id));
  return { ids: null, first: ids[0], used, guarded: table.kind.startsWith("a trigger"), now: Date.now() };
}

const insertChecking: Execute = (table, [, ids, names]) => {
  const sent = list(ids);
  if (table.insert(sent, list(names)).length < sent.length) throw refused("22P02", `… "${NOT_STORED}"`);
  return [{ "in time": true, created_at: now() }];
};

/** Of several items the keys come first; of one afterwards, with what was made of it. */
const insertKeyed =
  (single: boolean): Execute =>
  (table, values) => {
    const ids = list(values[1]);
    const [keys = [], fingerprints = [], covered = ids.map((id) => `{${id}}`)] = values.slice(4).map(list);
    const made = { created_at: now() };
    const storeKeys = () => {
      for (const [index, key] of keys.entries()) {
        const fingerprint = String(fingerprints[index]).slice(2);
        table.storeKey(key, { fingerprint, ids: list(covered[index]), made: single ? made : null });
      }
    };
    table.insert(ids, list(values[2]), single ? storeKeys : undefined, single ? undefined : storeKeys);
    return [{ "in time": true, ...made }];
  };

/** What each of the function's statements does. */
export const STATEMENTS: Readonly<Record<string, Execute>> = {
  [TAKE_IDS]: (table, [count]) => [takeIds(table, count)],
  [TAKE_FIRST_IDS]: (table, [count]) => [
    { ...takeIds(table, count), sequence: "1", idIsUnique: true, idIsFirst: true, backend: 1 },
  ],
  [TAKE_FREE_IDS](table, [taken]) {
    const ids = list(taken);
    const free = ids.filter((id) => !table.rows.has(id));
    while (free.length < ids.length) {
      const id = table.nextId();
      if (!table.rows.has(id)) free.push(id);
    }
    return [{ ids: `{${free}}` }];
  },
  [insertOne(COLUMNS, false).text](table, [id, name]) {
    table.insert([String(id)], [String(name)]);
    const next = table.nextId();
    return [{ created_at: now(), "next id": table.rows.has(next) ? null : next }];
  },
  [insertOne(COLUMNS, true).text](table, [id, name, , , , key, fingerprint]) {
    const made = { created_at: now() };
    const stored = { fingerprint: String(fingerprint), ids: [String(id)], made };
    table.insert([String(id)], [String(name)], () => table.storeKey(String(key), stored));
    return [{ id: String(id), ...made, "next id": null }];
  },
  [insertMany(COLUMNS, true)](table, [first, names]) {
    const sent = list(names);
    return table.insert(
      sent.map((_, place) => String(Number(first) + place)),
      sent,
    );
  },
  [insertMany(COLUMNS, false)]: (table, [ids, names]) => table.insert(list(ids), list(names)),
  [checked(true)]: insertChecking,
  [checked(false)]: insertChecking,
  [checked(true, true)]: insertKeyed(true),
  [checked(true, true, false)]: insertKeyed(true),
  [checked(false, true)]: insertKeyed(false),
  [checked(false, true, false)]: insertKeyed(false),
  [FIND_KEYS]: (table, [keys]) =>
    list(keys).flatMap((key) => {
      const stored = table.keys.get(key);
      return stored ? [{ ...stored, key, ids: `{${stored.ids}}` }] : [];
    }),
  [findRows(COLUMNS)]: (table, [ids]) => (list(ids).some((id) => table.rows.has(id)) ? [{ created_at: now() }] : []),
  [IS_KEY_OF_ID]: (_table, [, constraint]) => (constraint === "items_pkey" ? [{}] : []),
  [IN_TIME]: () => [{ inTime: true }],
};
