import { mergeByKey } from "../src/delivery/merge.ts";
import { PostgresError } from "../src/faults/errors.ts";
import { NOT_STORED } from "../src/insert/statements.ts";

/** What the table does with a row, or another program with the table. */
export const TABLES = [
  "plain",
  "a trigger changes rows",
  "a trigger keeps back what is there",
  "a trigger refuses what is there",
  "names are unique, and looked at after ids",
  "names are unique, and looked at before ids",
  "another program changes rows after each loss",
  "another program stores rows of the next ids that the sequence gives, after each loss",
] as const;
export type Kind = (typeof TABLES)[number];

/** What other invocations do, or other programs, where items have keys. */
export const OTHERS = [
  "nobody",
  "another invocation stores an item after each loss",
  "another invocation stored an item before",
  "another program removes all rows after each loss",
] as const;
export type Others = (typeof OTHERS)[number];

/** The item that another invocation stores. */
const THEIRS = "b";

export interface StoredKey {
  fingerprint: string;
  ids: readonly string[];
  made: object | null;
}

export const now = () => new Date().toISOString();

export function refused(code: string, message = "", constraint?: string): PostgresError {
  const table = constraint?.replace(/_(pkey|name_key)$/, "");
  return new PostgresError(message, {
    cause: { code, message, severity: "ERROR", schema: "public", table, constraint },
  });
}

/** Items of these names, which have keys; of a name that begins with a capital none. */
export function keyed(names: readonly string[]) {
  const items = names.map((name) => ({ name, description: null }));
  return mergeByKey(
    items,
    names.map((name) => (/^[A-Z]/.test(name) ? undefined : `item:${name}`)),
  );
}

/** A table with its sequence and its keys, in memory. */
export class ModelTable {
  readonly rows = new Map<string, string>();
  readonly keys = new Map<string, StoredKey>();
  /** Names of all rows that were ever stored. */
  readonly history: string[] = [];
  readonly kind: Kind;
  readonly #others: Others;
  #sequence = 0;

  /** @param ahead how many rows others put there past the sequence */
  constructor(kind: Kind, ahead: number, others: Others) {
    this.kind = kind;
    this.#others = others;
    for (let id = 1; id <= ahead; id++) this.rows.set(String(id), `somebody else's ${id}`);
    if (others.endsWith("before")) this.#storeTheirs();
  }

  nextId(): string {
    return String(++this.#sequence);
  }

  /** All rows or none, and what is to be done before and after them. */
  insert(ids: string[], names: string[], after?: () => void, before?: () => void): object[] {
    const [rows, keys] = [new Map(this.rows), new Map(this.keys)];
    try {
      before?.();
      this.#insertRows(ids, names);
      after?.();
    } catch (error) {
      restore(this.rows, rows);
      restore(this.keys, keys);
      throw error;
    }
    this.history.push(...names);
    return ids.map(() => ({}));
  }

  storeKey(key: string, stored: StoredKey): void {
    if (this.keys.has(key)) throw refused("23505", "", "items_keys_pkey");
    this.keys.set(key, stored);
  }

  /** What others do while the function connects again. */
  afterLoss(): void {
    if (this.kind === "another program changes rows after each loss")
      for (const id of this.rows.keys()) this.rows.set(id, `changed ${id}`);
    if (this.#others.startsWith("another invocation")) this.#storeTheirs();
    if (this.#others.startsWith("another program")) this.rows.clear();
    const next = String(this.#sequence + 1);
    if (this.kind.startsWith("another program stores") && !this.rows.has(next)) this.rows.set(next, `theirs ${next}`);
  }

  #storeTheirs(): void {
    const [key] = keyed([THEIRS]).keys;
    const id = this.nextId();
    if (!key || this.keys.has(key.text)) return;
    this.rows.set(id, THEIRS);
    this.history.push(THEIRS);
    this.storeKey(key.text, { fingerprint: key.fingerprint, ids: [id], made: { created_at: now() } });
  }

  #insertRows(ids: string[], names: string[]): void {
    for (const [index, id] of ids.entries()) {
      const name = String(names[index]);
      const known = new Set(Array.from(this.rows.values(), (each) => each.toLowerCase()));
      const isThere = known.has(name.toLowerCase());
      if (this.kind === "a trigger keeps back what is there" && isThere) throw refused("22P02", NOT_STORED);
      if (this.kind === "a trigger refuses what is there" && isThere) throw refused("P0001");
      const isTwice = this.kind.startsWith("names are unique") && isThere;
      if (isTwice && this.kind.endsWith("before ids")) throw refused("23505", "", "items_name_key");
      if (this.rows.has(id)) throw refused("23505", "", "items_pkey");
      if (isTwice) throw refused("23505", "", "items_name_key");
      this.rows.set(id, this.kind === "a trigger changes rows" ? name.toLowerCase() : name);
    }
  }
}

function restore<K, V>(map: Map<K, V>, before: Map<K, V>): void {
  map.clear();
  for (const [key, value] of before) map.set(key, value);
}
