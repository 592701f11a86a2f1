import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Column } from "../src/columns.ts";
import { parseExactly } from "../src/values/json.ts";
import { platformForTests, requestWithKey } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { sampleOf } from "./samples.ts";
import { bodyOf } from "./strangers.ts";
import { type Source, sourcesOf } from "./values.ts";

/** VALUE_CASES=10000 is the long form. */
const CASES = Number(process.env.VALUE_CASES ?? 150);

const { table, relation, options } = await sampleOf("test/types");
const platform = await platformForTests(options);
const { postgres, functions } = platform;
const accepted = Object.entries(table.columns).filter(([, { traits }]) => !traits.includes("generated"));

type Sources = Readonly<Record<string, Source>>;
const itemOf = fc.record(Object.fromEntries(accepted.map(([name, column]) => [name, sourcesOf(column)])));

/** What became of an item: its id, or undefined where the key is known for other content. */
type Sent = (key: string, item: Sources) => Promise<number | undefined>;

async function invoke(body: string, header?: string) {
  const { code, body: answer } = await functions.invoke({ body, ...requestWithKey(header) });
  assert.equal(code, undefined, functions.logs.slice(-3).join("\n"));
  const json = JSON.parse(answer.toString());
  if (json.status === undefined) return json;
  assert.match(json.detail, /a key was used for other content/, `${answer} ${body}`);
  return undefined;
}

const withKey = (key: string, item: Sources) => bodyOf({ ...item, idempotency_key: JSON.stringify(key) });

/** Each message a place of its own in the stream: that is its key. */
const offsetOf = (key: string) => Number(key.split(" ")[1]);

const FORMS: Record<string, Sent> = {
  "an item": async (key, item) => (await invoke(withKey(key.replace(" ", "-"), item)))?.id,
  "one of a batch": async (key, item) => (await invoke(`[{},${withKey(key.replace(" ", "-"), item)}]`))?.ids[1],
  "an item with a header": async (key, item) => (await invoke(bodyOf(item), key.replace(" ", "-")))?.id,
  "a batch with a header": async (key, item) => (await invoke(`[{},${bodyOf(item)}]`, key.replace(" ", "-")))?.ids[1],
  "a stream's message": async (key, item) =>
    (await invoke(JSON.stringify(streaming([bodyOf(item)], offsetOf(key))))).ids[0],
};

/** The same JSON with blanks, escapes, and members in another order. */
function rewritten(value: unknown): string {
  if (JSON.isRawJSON(value)) return ` ${value.rawJSON}\t`;
  if (typeof value === "string")
    return `"${value.replace(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
  if (typeof value !== "object" || value === null) return ` ${value}`;
  if (Array.isArray(value)) return `[ ${value.map(rewritten)}\n]`;
  const members = Object.entries(value).reverse();
  return `{\r\n${members.map(([name, member]) => `${JSON.stringify(name)} :${rewritten(member)}`)} }`;
}

const isQuotable = ({ base }: Column) => base === "bigint" || base === "numeric";

/** As another program writes the same item. */
function repeatOf(item: Sources): Sources {
  const members = accepted.toReversed().map(([name, column]) => {
    const source = item[name];
    const isOptional = !column.traits.includes("not null") && !column.traits.includes("default");
    if (isOptional && (source === undefined || source === "null"))
      return [name, source === undefined ? "null" : undefined];
    if (source === undefined) return [name, undefined];
    const again = rewritten(parseExactly(source)).trim();
    return [name, isQuotable(column) && source !== "null" ? JSON.stringify(textOf(source)) : again];
  });
  return Object.fromEntries(members);
}

const textOf = (source: string) => (source.startsWith('"') ? (JSON.parse(source) as string) : source);

/** The same text for what is the same, by another way than the function's. */
function meaningOf(column: Column, source: Source): string {
  const isDefaulted = column.traits.includes("default");
  if (source === undefined || source === "null") return isDefaulted ? String(source) : "null";
  if (column.base === "jsonb") return `= ${sorted(parseExactly(source))}`;
  return `= ${source.startsWith('"') ? JSON.parse(source) : source}`;
}

function sorted(value: unknown): string {
  if (typeof value !== "object" || value === null || JSON.isRawJSON(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(sorted)}]`;
  return `{${Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${sorted((value as Record<string, unknown>)[name])}`)}}`;
}

let keys = 0;

for (const [form, send] of Object.entries(FORMS)) {
  test(`${form} that comes again as another program writes it is the same, and with any other value another`, async (t) => {
    let others = 0;
    const [{ count: before } = { count: 0 }] = await postgres.query(`SELECT count(*)::int FROM ${relation}`);
    const another = fc
      .constantFrom(...accepted)
      .chain(([name, column]) => fc.tuple(fc.constant(name), sourcesOf(column)));
    const property = fc.asyncProperty(itemOf, another, async (item, [name, source]) => {
      const key = `key ${keys++}`;
      const id = await send(key, item);
      assert(id !== undefined);
      assert.equal(await send(key, repeatOf(item)), id);
      const column = table.columns[name] as Column;
      const isSame = meaningOf(column, item[name]) === meaningOf(column, source);
      assert.equal(
        await send(key, { ...item, [name]: source }),
        isSame ? id : undefined,
        `${name}: ${item[name]}, ${source}`,
      );
      others += isSame ? 0 : 1;
    });
    await fc.assert(property, { numRuns: CASES });
    const [{ count } = { count: 0 }] = await postgres.query(`SELECT count(*)::int FROM ${relation}`);
    t.diagnostic(`${CASES} items, of which ${others} came again with another value`);
    assert(others > CASES / 4);
    assert(count - before >= CASES);
  });
}
