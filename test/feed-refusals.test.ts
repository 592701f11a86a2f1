import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { deliver as deliverTo, empty, item, namesIn, rejectedIn } from "./feed-fixture.ts";
import { closingLine, laneForTests, platformForTests } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { eventually } from "./platform/eventually.ts";

const platform = await platformForTests();
const { postgres } = platform;
const aside = await platformForTests({ config: { ON_INVALID: "set-aside" } });

beforeEach(() => Promise.all([platform, aside].map(empty)));

const deliver = (body: unknown, to = platform) => deliverTo(body, to);

const messages = (count: number, bad: (index: number) => boolean) =>
  Array.from({ length: count }, (_, index) => item(`${bad(index) ? "bad" : "good"} ${index}`));

for (const [rule, make, drop] of [
  [
    "a CHECK",
    "ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name NOT LIKE 'bad%')",
    "ALTER TABLE items DROP CONSTRAINT no_bad",
  ],
  [
    "a trigger",
    `CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN IF NEW.name LIKE ''bad%'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END';
       CREATE TRIGGER no_bad BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION no_bad()`,
    "DROP FUNCTION no_bad CASCADE",
  ],
  [
    "a deferred constraint trigger",
    `CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS
       'BEGIN IF NEW.name LIKE ''bad%'' THEN RAISE EXCEPTION ''no''; END IF; RETURN NULL; END';
       CREATE CONSTRAINT TRIGGER no_bad AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION no_bad()`,
    "DROP FUNCTION no_bad CASCADE",
  ],
] as const) {
  for (const [to, what] of [
    [platform, "Streaming"],
    [aside, "Queue"],
  ] as const) {
    for (const [which, bad] of [
      ["one", (index: number) => index === 77],
      ["the first and the last", (index: number) => index === 0 || index === 99],
      ["every third", (index: number) => index % 3 === 1],
      ["all but one", (index: number) => index !== 50],
    ] as const) {
      test(`what the table refuses is set aside: ${which} of a batch, by ${rule}, from ${what}`, async () => {
        await to.postgres.query(make);
        try {
          const sent = messages(100, bad);
          const body = what === "Streaming" ? streaming(sent) : Buffer.from(`[${sent}]`);
          const { json, callId } = await deliver(body, to);
          const good = sent.filter((_, index) => !bad(index));
          const line = await closingLine(to, callId);
          assert.deepEqual([json.count, json.rejected], [good.length, 100 - good.length], JSON.stringify(line));
          assert.deepEqual((await namesIn(to)).sort(), good.map((each) => JSON.parse(each).name).sort());
          const kept = (await rejectedIn(to)).map(({ content }) => content.toString());
          assert.deepEqual(kept.sort(), sent.filter((_, index) => bad(index)).sort());
        } finally {
          await to.postgres.query(drop);
        }
      });
    }
  }
  test(`a batch of which the table refuses every item fails: by ${rule}`, async () => {
    await postgres.query(make);
    try {
      const { code, callId } = await deliver(streaming(messages(50, () => true)));
      assert.equal(code, "FunctionInvokeExecutionFailed");
      const line = await closingLine(platform, callId);
      assert(line.code && line.remedy, JSON.stringify(line));
      assert.deepEqual([await namesIn(platform), await rejectedIn(platform)], [[], []]);
    } finally {
      await postgres.query(drop);
    }
  });
}

test("an item that another of its batch forbids is set aside", async () => {
  await postgres.query("CREATE UNIQUE INDEX once ON items (lower(name))");
  try {
    const { json } = await deliver(streaming(["a", "b", "A", "c", "B"].map((name) => item(name))));
    assert.deepEqual([json.count, json.rejected], [3, 2]);
    assert.deepEqual(await namesIn(platform), ["a", "b", "c"]);
  } finally {
    await postgres.query("DROP INDEX once");
  }
});

/** Refuses what is bad, and is slow with what is slow: once, since a sequence counts what is taken back too. */
const slowOnce = (seconds: number) => `CREATE SEQUENCE tries;
  GRANT USAGE ON SEQUENCE tries TO PUBLIC;
  CREATE FUNCTION no_bad() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN
       IF NEW.name = ''bad'' THEN RAISE EXCEPTION ''no''; END IF;
       IF NEW.name = ''slow'' AND nextval(''tries'') = 1 THEN PERFORM pg_sleep(${seconds}); END IF;
       RETURN NEW;
     END';
  CREATE TRIGGER no_bad BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION no_bad()`;

for (const [what, seconds, timeoutSeconds, silence] of [
  ["is given up", 3.5, 6, false],
  ["loses its connection in silence", 0.5, 14, true],
] as const) {
  test(`a search that ${what} leaves nothing behind that the next attempt waits for`, async () => {
    await postgres.query(slowOnce(seconds));
    const lane = await laneForTests(platform, { timeoutSeconds });
    try {
      // Once its first row is there, uncommitted.
      const breaking =
        silence &&
        eventually(async () => {
          const [tries] = await postgres.query<{ is_called: boolean }>("SELECT is_called FROM tries");
          return tries?.is_called ? (lane.wire.breakAll("silence") ?? true) : undefined;
        }, "the search");
      const body = streaming(["good", "bad", "slow"].map((name) => item(name)));
      const { json } = await deliver(body, { ...platform, functions: lane.functions });
      await breaking;
      assert.deepEqual([json.count, json.rejected], [2, 1]);
      assert.deepEqual(await namesIn(platform), ["good", "slow"]);
    } finally {
      lane.wire.sweep();
      await postgres.query("DROP FUNCTION no_bad CASCADE; DROP SEQUENCE tries");
    }
  });
}

test("a batch of Queue that comes again is set aside where the table has each item already", async () => {
  await aside.postgres.query("CREATE UNIQUE INDEX once ON items (name)");
  try {
    const batch = Buffer.from(`[${["a", "b"].map((name) => item(name))}]`);
    assert.deepEqual((await deliver(batch, aside)).json.count, 2);
    assert.deepEqual((await deliver(batch, aside)).json, { count: 0, ids: [], rejected: 2 });
    assert.deepEqual(await namesIn(aside), ["a", "b"]);
  } finally {
    await aside.postgres.query("DROP INDEX once");
  }
});

test("a message of Queue that looks like one of Streaming's, and is nested too deeply for one, is set aside", async () => {
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  for (const name of ["value", "offset"]) {
    const message = JSON.stringify({ ...streaming(["a"])[0], [name]: "deep" }).replace('"deep"', deep);
    assert.deepEqual((await deliver(Buffer.from(`[${message}]`), aside)).json, { count: 0, ids: [], rejected: 1 });
  }
});
