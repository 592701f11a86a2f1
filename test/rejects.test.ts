import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";
import { platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";

const page = readFileSync(new URL("../docs/operate.md", import.meta.url), "utf8");

/** The statements of a section of docs/operate.md, as they stand there. */
function statements(section: string, count: number): string[] {
  const text = page.split(/^### /m).find((part) => part.startsWith(`${section}\n`)) ?? "";
  const found = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, statement]) => statement as string);
  assert.equal(found.length, count, `statements under "${section}"`);
  return found;
}

const [look = ""] = statements("Look at rejects", 1);
const [choose = "", write = "", remove = ""] = statements("Send rejects again", 3);
const [removeOld = ""] = statements("Remove rejects by age", 1);
const [deleteKeys = "", schedule = ""] = statements("Delete old keys", 2);

const platform = await platformForTests({ config: { ON_INVALID: "set-aside" } });
const { postgres } = platform;

beforeEach(() => postgres.query("TRUNCATE items, items_keys, items_rejected"));

async function deliver(body: string) {
  const { code, body: answer } = await platform.functions.invoke({ body });
  assert.equal(code, undefined, platform.functions.logs.at(-1));
  return JSON.parse(answer.toString());
}

const names = async () =>
  (await postgres.query<{ name: string }>("SELECT name FROM items ORDER BY name")).map(({ name }) => name);
const rejects = async () =>
  (await postgres.query<{ content: Buffer }>("SELECT content FROM items_rejected ORDER BY content")).map(
    ({ content }) => content,
  );

/** The content of the file that is sent again. */
async function file(): Promise<string> {
  await postgres.query(choose);
  const [row] = await postgres.query<{ json_agg: unknown }>(write);
  return JSON.stringify(row?.json_agg ?? null);
}

test("the statements of docs/operate.md show what was set aside, whatever its bytes", async () => {
  await deliver(JSON.stringify(streaming(["{", Buffer.from([0xff, 0])])));
  const rows = await postgres.query<{ source: { offset: number }; content: string; errors: unknown[] }>(look);
  const shown = new Map(rows.map(({ source, content }) => [source.offset, content]));
  assert.deepEqual([shown.get(0), shown.get(1)], ["{", "\\377\\000"]);
  assert(rows.every(({ errors }) => errors.length > 0));
});

test("the statements of docs/operate.md send again what the table takes by now; what is refused still stays, as does what came meanwhile", async () => {
  const bytes = Buffer.from([0xff, 0]);
  await postgres.query("ALTER TABLE items ADD CONSTRAINT soon CHECK (name !~ '^later')");
  try {
    await deliver(
      JSON.stringify(streaming(['{"name":"now"}', `{"name":"later 1","description":"${"long ".repeat(30)}"}`, bytes])),
    );
    // As Queue brings it: without a place in a stream.
    await deliver('[{"name":"now too"},{"name":"later 2"}]');
    assert.equal((await rejects()).length, 3);
  } finally {
    await postgres.query("ALTER TABLE items DROP CONSTRAINT soon");
  }
  const again = await file();
  await deliver('[{"name":""},{"name":"now three"}]');
  for (let time = 1; time <= 2; time++) {
    const { count, rejected } = await deliver(again);
    assert.deepEqual([count, rejected], [2, 1]);
  }
  await postgres.query(remove);
  assert.deepEqual(await names(), ["later 1", "later 2", "now", "now three", "now too"]);
  assert.deepEqual(await rejects(), [Buffer.from('{"name":""}'), bytes]);
});

test("the statements of docs/operate.md send no more at once than a call takes, and all of it in the end", async () => {
  const long = (index: number) => Buffer.from(`{"name":"${index}","no":"${"x".repeat(1_500_000)}"}`);
  for (let index = 0; index < 3; index++) {
    await deliver(JSON.stringify(streaming([long(index)], index)));
  }
  const again = await file();
  assert(again.length < 6 * 1024 * 1024);
  assert.equal(JSON.parse(again).length, 2);
  await postgres.query(remove);
  assert.equal((await rejects()).length, 1);
});

test("the statements of docs/operate.md remove rejects by age", async () => {
  await deliver(JSON.stringify(streaming(["{", "["])));
  await postgres.query("UPDATE items_rejected SET at = now() - interval '91 days' WHERE content = '{'");
  await postgres.query(removeOld);
  assert.deepEqual(await rejects(), [Buffer.from("[")]);
});

test("the statements of docs/operate.md delete keys that nobody repeats any more, and pg_cron would do the same", async () => {
  await deliver('[{"name":"old","idempotency_key":"old"},{"name":"new","idempotency_key":"new"}]');
  await postgres.query("UPDATE items_keys SET at = now() - interval '8 days' WHERE key ~ 'old'");
  await postgres.query(deleteKeys);
  const keys = await postgres.query<{ key: string }>("SELECT key FROM items_keys");
  assert.equal(keys.length, 1);
  assert.match(String(keys[0]?.key), /new$/);
  assert.equal(/\$\$(.*)\$\$/s.exec(schedule)?.[1], deleteKeys.trim().replace(/;$/, ""));
});
