import assert from "node:assert/strict";
import { test } from "node:test";
import { insertChecked, insertOne, TAKE_FIRST_IDS } from "../src/insert/statements.ts";
import { ownerForTests } from "./owner.ts";

const { platform, tableWith } = await ownerForTests();
const { postgres } = platform;

test("a table may have the name of anything in a statement", async () => {
  await tableWith("");
  const names = ["name", "description"];
  const until = Date.now() + 1e6;
  for (const name of ["sequence", "clock", "rows_0", "known", "taken", "next", "sent", "stored", "keyed", "free"]) {
    await postgres.query(`CREATE TABLE "${name}" (LIKE items INCLUDING ALL)`);
    const run = (text: string, values: unknown[]) =>
      postgres.query<{ sequence: string; ids: string | null; first: string }>(
        text.replaceAll('"items"', `"${name}"`),
        values,
      );
    const [taken] = await run(TAKE_FIRST_IDS, [1]);
    await run(insertOne(names, false).text, [taken?.first, "a", null, until, taken?.sequence]);
    const checked = insertChecked({ groups: [names], single: true, keyed: false, rejecting: false, guarded: true });
    await run(checked, [until, "{1000}", "{b}", "{NULL}"]);
    const key = [`of ${name}`, "00"];
    await run(insertOne(names, true).text, [1001, "c", null, until, taken?.sequence, ...key]);
    assert.equal((await postgres.query(`SELECT FROM "${name}"`)).length, 3, name);
    await postgres.query(`DROP TABLE "${name}"`);
  }
});
