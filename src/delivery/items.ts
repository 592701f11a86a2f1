import * as z from "zod/mini";
import type { Column } from "../columns.ts";
import { MOST_ERRORS, type Pointed, Problem, pointer } from "../problem.ts";
import { table } from "../table.ts";
import { countMembers, membersOf, parseJson } from "./json.ts";
import { isKey, KEY, keyText } from "./keys.ts";

const columns = Object.entries(table.columns);
const accepted = columns.filter(([, { traits }]) => !traits.includes("generated"));
const exact = accepted.some(([, column]) => column.exact);

/** Columns that an item may leave out, and its answer has nevertheless. */
const omittable = columns.filter(
  ([, { traits }]) => !traits.includes("not null") || traits.includes("generated") || traits.includes("default"),
);

/**
 * The platform drops an answer above 6 MB after the row is stored, and a single item's answer repeats the item.
 * Taken as decimal megabytes, less room for what is in the answer alone: the id, and columns of ordinary length.
 */
export const ANSWER_BYTES = 6_000_000 - 100 * (1 + omittable.length);

const keySchema = z.optional(z.custom(isKey, { error: "must have 1 to 255 visible ASCII characters" }));
const schemas = Object.fromEntries(accepted.map(([name, column]) => [name, schemaOf(column)]));
/** Not where the table has a column of that name. */
const hasKeys = !Object.hasOwn(table.columns, KEY);
const members = [...Object.keys(schemas), ...(hasKeys ? [KEY] : [])];

const itemSchema = z.strictObject(
  hasKeys ? { ...schemas, [KEY]: keySchema } : schemas,
  `must be an object like {${Object.keys(schemas)
    .map((name) => `"${name}": …`)
    .join(", ")}}`,
);

function schemaOf({ traits, fault }: Column): z.ZodMiniType {
  const value = z.custom((input) => input !== undefined && input !== null && fault(input) === undefined, {
    error: ({ input }) => {
      if (input === undefined) return "is required";
      return input === null ? "must not be null" : (fault(input) ?? "");
    },
  });
  const nullable = traits.includes("not null") ? value : z.nullable(value);
  if (traits.includes("default")) return z.optional(nullable);
  return traits.includes("not null") ? value : z._default(nullable, null);
}

/** By column, and with its own key. A column with a default that was left out is not there. */
export type Item = Readonly<Record<string, unknown>>;

/** The text of the key that an item brings. */
export function keyOf(item: Item): string | undefined {
  const key = hasKeys ? item[KEY] : undefined;
  return key === undefined ? undefined : keyText("item", String(key));
}

/** What an invoke brings: one item, or a batch of them. */
export interface Items {
  items: readonly Item[];
  batch: boolean;
}

/**
 * Reads the body of an invoke.
 *
 * @throws {Problem} 400 when the bytes are not UTF-8 JSON
 */
export function readJson(body: Uint8Array): unknown {
  return parseJson(body, exact);
}

/**
 * Takes JSON for an item, or an array for a batch of them.
 *
 * @param body the bytes that it was read from, which show what `JSON.parse` hides
 * @throws {Problem} 422 when it is not
 */
export function parseItems(json: unknown, body: Uint8Array): Items {
  const batch = Array.isArray(json);
  const candidates: unknown[] = batch ? json : [json];
  const items: Item[] = [];
  const errors = new Errors(batch);

  if (candidates.length === 0) {
    throw new Problem(422, "The batch is empty.", { errors: [{ pointer: "", detail: "must hold at least one item" }] });
  }
  for (const [index, candidate] of candidates.entries()) {
    const item = validate(candidate, index, errors);
    if (item) items.push(item);
  }
  errors.throwIfAny();
  addRepeated(candidates, body, batch, errors);
  if (!batch && Buffer.byteLength(JSON.stringify(json)) > ANSWER_BYTES) {
    errors.add(
      0,
      longestOf(json as Item),
      "is too long for an answer that repeats it; send a batch of one instead: [{…}]",
    );
  }
  errors.throwIfAny();
  return { items, batch };
}

/**
 * Takes a message of a feed for an item.
 *
 * @throws {Problem} 422 when it is not
 */
export function parseItem(json: unknown, body: Uint8Array): Item {
  const errors = new Errors(false);
  const item = validate(json, 0, errors);
  errors.throwIfAny();
  addRepeated([json], body, false, errors);
  errors.throwIfAny();
  return item as Item;
}

function validate(candidate: unknown, index: number, errors: Errors): Item | undefined {
  // A number that was read exactly is an object: NaN is refused in its place.
  const { data, error } = itemSchema.safeParse(JSON.isRawJSON(candidate) ? Number.NaN : candidate);
  if (error) for (const issue of error.issues) errors.addIssue(index, issue);
  return data;
}

/** Of candidates that are all objects, as the count takes for granted. */
function addRepeated(candidates: readonly unknown[], body: Uint8Array, batch: boolean, errors: Errors): void {
  for (const [index, members] of countMembers(body, batch).entries()) {
    if (members !== membersOf(candidates[index])) errors.add(index, [], "has the same key twice");
  }
}

function longestOf(item: Item): string[] {
  const lengths = Object.entries(item).map(([key, value]) => [key, JSON.stringify(value).length] as const);
  return lengths
    .sort(([, one], [, other]) => other - one)
    .map(([key]) => key)
    .slice(0, 1);
}

/** A longer key is not quoted: the answer has its limit too. */
const LONGEST_QUOTED = 255;

/** Errors in the items: the first are kept to be shown, the others counted. */
class Errors {
  readonly #batch: boolean;
  readonly #errors: Pointed[] = [];
  #total = 0;

  constructor(batch: boolean) {
    this.#batch = batch;
  }

  add(index: number, path: readonly PropertyKey[], detail: string): void {
    if (++this.#total > MOST_ERRORS) return;
    this.#errors.push({ pointer: pointer(this.#batch ? [index, ...path] : path), detail });
  }

  addIssue(index: number, issue: z.core.$ZodIssue): void {
    if (issue.code !== "unrecognized_keys") this.add(index, issue.path, issue.message);
    else {
      for (const key of issue.keys) {
        if (key.length > LONGEST_QUOTED) this.add(index, [], `has an unknown key of ${key.length} characters`);
        else
          this.add(
            index,
            [key],
            `is not a key of an item; its keys are ${members.join(", ").replace(/, ([^,]*)$/, " and $1")}`,
          );
      }
    }
  }

  throwIfAny(): void {
    if (this.#total === 0) return;
    const [is, s] = this.#total === 1 ? ["is", ""] : ["are", "s"];
    const shown = this.#total > MOST_ERRORS ? `, of which the first ${MOST_ERRORS} are listed` : "";
    const nothing = this.#batch ? "The batch was not stored" : "The item was not stored";
    throw new Problem(422, `${nothing}: there ${is} ${this.#total} fault${s} in it${shown}.`, { errors: this.#errors });
  }
}
