import assert from "node:assert/strict";
import { test } from "node:test";
import { disconnect, type Lane, laneForTests, platformForTests, requestWithKey } from "./fixture.ts";
import { streaming } from "./messages.ts";
import { randomOf } from "./random.ts";

/** Each a container, with a network of its own. */
const CONTAINERS = 20;
/** RACES=100 is the long form. */
const ROUNDS = Number(process.env.RACES ?? 4);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);

const platform = await platformForTests({ functions: { timeoutSeconds: 120 } });
const { postgres } = platform;
const lanes: Lane[] = await Promise.all(
  Array.from({ length: CONTAINERS }, () => laneForTests(platform, { maxContainers: 1 })),
);

/** Rules that the first insert of a race makes the others break. */
const TABLES = {
  plain: "",
  "with unique names": "ALTER TABLE items ADD UNIQUE (name)",
  "with a trigger that changes rows, and unique names": `ALTER TABLE items ADD UNIQUE (name);
    CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.description := upper(NEW.name); RETURN NEW; END';
    CREATE TRIGGER change BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION change()`,
  "with a trigger that refuses what is there": `
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF EXISTS (SELECT FROM items WHERE name = NEW.name) THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END';
    CREATE TRIGGER refuse BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION refuse()`,
};
const PLAIN = `ALTER TABLE items DROP CONSTRAINT IF EXISTS items_name_key;
  ALTER TABLE items DROP CONSTRAINT IF EXISTS no_bad;
  DROP FUNCTION IF EXISTS change CASCADE; DROP FUNCTION IF EXISTS refuse CASCADE`;

const share = randomOf(SEED);
/** Less than `below`: a series that the seed gives again. */
const random = (below: number) => Math.floor(share() * below);

const cuts = () => lanes.reduce((sum, { wire }) => sum + wire.cuts, 0);

interface Sent {
  body: string;
  /** Through the gateway, of the whole request. */
  header?: string;
}

/** Sends from all containers at once, of which half lose the connection somewhere. */
async function race(sentBy: (container: number) => Sent) {
  await Promise.all(lanes.map(disconnect));
  return Promise.all(
    lanes.map(async ({ wire, functions }, container) => {
      const from = random(2) === 0 ? "client" : "server";
      if (random(2) === 0) wire.cut({ from, after: 300 + random(2_500), how: random(2) === 0 ? "end" : "reset" });
      const { body, header } = sentBy(container);
      const { code, body: answer } = await functions.invoke({ body, ...requestWithKey(header) });
      assert.equal(code, undefined, `SEED=${SEED} ${functions.logs.slice(-3).join("\n")}`);
      return JSON.parse(answer.toString());
    }),
  );
}

/** Which id each name has, of rows that are there once. */
async function idsByName(): Promise<Record<string, number>> {
  const rows = await postgres.query<{ id: number; name: string }>("SELECT id, name FROM items");
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length, `doubled, SEED=${SEED}`);
  return Object.fromEntries(rows.map(({ id, name }) => [name, id]));
}

const keyed = (name: string) => ({ name, idempotency_key: name });
const names = Array.from({ length: 12 }, (_, index) => `name-${index}`);

for (const [what, change] of Object.entries(TABLES)) {
  const where = `${CONTAINERS} containers at once into a table ${what}, over connections that break`;

  async function again(round: () => Promise<void>): Promise<void> {
    await postgres.query(`${PLAIN}; ${change}`);
    const before = cuts();
    for (let time = 0; time < ROUNDS; time++) {
      await postgres.query("TRUNCATE items, items_keys, items_rejected");
      await round();
    }
    assert(cuts() > before, "no connection broke");
  }

  test(`one key is one row and one answer, from ${where}`, () =>
    again(async () => {
      const answers = await race(() => ({ body: JSON.stringify(keyed("a")) }));
      const { a } = await idsByName();
      assert.equal(answers[0].id, a, JSON.stringify(answers[0]));
      for (const answer of answers) assert.deepEqual(answer, answers[0], `SEED=${SEED}`);
    }));

  test(`one header is one batch and one answer, from ${where}`, () =>
    again(async () => {
      const body = JSON.stringify(names.map((name) => ({ name })));
      const answers = await race(() => ({ body, header: "r" }));
      const ids = await idsByName();
      for (const answer of answers)
        assert.deepEqual(answer, { count: names.length, ids: names.map((name) => ids[name]) }, `SEED=${SEED}`);
    }));

  test(`of batches that overlap, in whichever order, and of items alone each key is one row and one id, from ${where}`, () =>
    again(async () => {
      const sent = Array.from({ length: CONTAINERS }, (_, container) => {
        const start = random(6);
        const part = names.slice(start, container % 4 === 0 ? start + 1 : start + 2 + random(5));
        return container % 2 === 0 ? part : part.reverse();
      });
      const answers = await race((container) => {
        const items = (sent[container] as string[]).map(keyed);
        return { body: JSON.stringify(items.length === 1 ? items[0] : items) };
      });
      const ids = await idsByName();
      assert.deepEqual(Object.keys(ids).sort(), [...new Set(sent.flat())].sort());
      for (const [container, { id, ids: told = [id] }] of answers.entries())
        assert.deepEqual(
          told,
          sent[container]?.map((name) => ids[name]),
          `SEED=${SEED}`,
        );
    }));

  test(`of a stream's batch each message is a row or set aside, and never both, from ${where}`, () =>
    again(async () => {
      await postgres.query(
        "ALTER TABLE items DROP CONSTRAINT IF EXISTS no_bad, ADD CONSTRAINT no_bad CHECK (name <> 'name-5')",
      );
      const body = JSON.stringify(streaming([...names.map((name) => JSON.stringify({ name })), "{"]));
      const answers = await race(() => ({ body }));
      const good = names.filter((name) => name !== "name-5");
      const ids = await idsByName();
      const set = await postgres.query<{ text: string }>(
        "SELECT convert_from(content, 'UTF8') AS text FROM items_rejected",
      );
      assert.deepEqual(set.map(({ text }) => text).sort(), ["{", '{"name":"name-5"}'], `SEED=${SEED}`);
      for (const answer of answers)
        assert.deepEqual(
          answer,
          { count: good.length, ids: good.map((name) => ids[name]), rejected: 2 },
          `SEED=${SEED}`,
        );
      await postgres.query("ALTER TABLE items DROP CONSTRAINT no_bad");
    }));
}
