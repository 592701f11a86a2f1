import * as z from "zod/mini";
import { countMembers, parseJson } from "./json.ts";
import { type Pointed, Problem } from "./problem.ts";

/** `name VARCHAR(255)` counts code points, where `String.length` counts UTF-16 units. */
const NAME_CHARACTERS = 255;

/**
 * The platform drops an answer above 6 MB after the row is stored, and a single item's answer repeats the item.
 * Taken as decimal megabytes, less room for the id, the time and the keys.
 */
const ANSWER_BYTES = 6_000_000 - 200;

const text = z.string({ error: ({ input }) => (input === undefined ? "is required" : "must be a string") }).check(
  z.refine((value) => !value.includes("\0"), "contains U+0000, which PostgreSQL cannot store"),
  z.refine((value) => value.isWellFormed(), "contains an unpaired surrogate, which is not a Unicode character"),
);

const itemSchema = z.strictObject(
  {
    name: text.check(
      z.refine((value) => value !== "", "must not be empty"),
      z.refine((value) => !isLongerThan(NAME_CHARACTERS, value), `must have at most ${NAME_CHARACTERS} characters`),
    ),
    description: z._default(z.nullable(text), null),
  },
  'must be an object like {"name": "…", "description": "…"}',
);

export type Item = z.infer<typeof itemSchema>;

/**
 * Reads the body of an invoke: one item, or a batch of them.
 *
 * @throws {Problem} 400 when the bytes are not UTF-8 JSON, 422 when the JSON is not an item or a batch
 */
export function parseItems(body: Uint8Array): { items: Item[]; batch: boolean } {
  const value = parseJson(body);
  const batch = Array.isArray(value);
  const candidates: unknown[] = batch ? value : [value];
  const items: Item[] = [];
  const faults = new Faults(batch);

  if (candidates.length === 0) {
    const errors = [{ pointer: "", detail: "must hold at least one item" }];
    throw new Problem(422, "The batch is empty.", { errors });
  }
  for (const [index, candidate] of candidates.entries()) {
    const { data, error } = itemSchema.safeParse(candidate);
    if (data) items.push(data);
    else for (const issue of error.issues) faults.addIssue(index, issue);
  }
  faults.throwIfAny();

  for (const [index, members] of countMembers(body).entries()) {
    if (members !== Object.keys(candidates[index] as object).length) faults.add(index, [], "has the same key twice");
  }
  if (!batch && Buffer.byteLength(JSON.stringify(value)) > ANSWER_BYTES) {
    faults.add(0, ["description"], "is too long for an answer that repeats it; send a batch of one instead: [{…}]");
  }
  faults.throwIfAny();
  return { items, batch };
}

function isLongerThan(limit: number, value: string): boolean {
  return value.length > 2 * limit || (value.length > limit && [...value].length > limit);
}

/** Faults of the items: the first are kept to be shown, the others counted, since a bad body can hold millions. */
class Faults {
  static readonly shown = 100;
  /** A longer key is not quoted: the answer has its limit too. */
  static readonly longestKey = 255;

  readonly #batch: boolean;
  readonly #errors: Pointed[] = [];
  #total = 0;

  constructor(batch: boolean) {
    this.#batch = batch;
  }

  add(index: number, path: readonly PropertyKey[], detail: string): void {
    if (++this.#total > Faults.shown) return;
    const keys = this.#batch ? [index, ...path] : path;
    const pointer = keys.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
    this.#errors.push({ pointer, detail });
  }

  addIssue(index: number, issue: z.core.$ZodIssue): void {
    if (issue.code !== "unrecognized_keys") this.add(index, issue.path, issue.message);
    else {
      for (const key of issue.keys) {
        if (key.length > Faults.longestKey) this.add(index, [], `has an unknown key of ${key.length} characters`);
        else this.add(index, [key], "is not a key of an item; its keys are name and description");
      }
    }
  }

  throwIfAny(): void {
    if (this.#total === 0) return;
    const [is, s] = this.#total === 1 ? ["is", ""] : ["are", "s"];
    const shown = this.#total > Faults.shown ? `, of which the first ${Faults.shown} are listed` : "";
    const nothing = this.#batch ? "The batch was not stored" : "The item was not stored";
    throw new Problem(422, `${nothing}: there ${is} ${this.#total} fault${s} in it${shown}.`, { errors: this.#errors });
  }
}
