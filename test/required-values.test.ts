import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { test } from "node:test";

/** A table that requires a value of each type. */
const TABLE = `
  import * as columns from "./columns.ts";
  const of = Object.entries(columns).map(([type, column]) => [type, type === "varchar" ? column(9, "not null") : column("not null")]);
  export const table = { name: "strict", columns: Object.fromEntries(of) };`;

registerHooks({
  load: (url, context, next) =>
    url.endsWith("/src/table.ts") ? { format: "module", shortCircuit: true, source: TABLE } : next(url, context),
});

const { parseItems } = await import("../src/delivery/items.ts");
const { table } = await import("../src/table.ts");

for (const [what, value, detail] of [
  ["left out", undefined, "is required"],
  ["null", null, "must not be null"],
] as const) {
  test(`a required value of any type that is ${what} is told so`, () => {
    const item = Object.fromEntries(Object.keys(table.columns).map((name) => [name, value]));
    const expected = Object.keys(table.columns).map((name) => ({ pointer: `/${name}`, detail }));
    assert(expected.length > 10);
    assert.throws(() => parseItems(item, Buffer.from(JSON.stringify(item))), { status: 422, errors: expected });
  });
}
