import { randomUUID } from "node:crypto";
import type { Postgres } from "../platform/postgres.ts";
import { type Bench, callBlock, rowsOf, WARMING } from "./parts.ts";
import { call, mustCall, withContainer } from "./process.ts";
import { alternate, type Line } from "./stats.ts";

/** What keys and feeds cost, against the same without, with a million keys in the table. */
export async function keys({ platform, ours, rounds, say }: Bench): Promise<Line[]> {
  const { postgres } = platform;
  say("a million keys");
  await fill(postgres, rounds < 20 ? 10_000 : 1_000_000);
  return withContainer(ours, async (container) => {
    say("warm inserts with keys");
    const times = { with: [] as number[], without: [] as number[] };
    for (let round = -WARMING; round < rounds; round++) {
      for (const [kind, own] of [
        ["without", () => ({})],
        ["with", () => ({ idempotency_key: randomUUID() })],
      ] as const) {
        const body = () => JSON.stringify({ name: "name", description: "description", ...own() });
        const block = await callBlock(container, body);
        if (round >= 0) times[kind].push(...block);
      }
    }

    say("batches with keys");
    const empty = () => postgres.query("TRUNCATE items; DELETE FROM items_keys WHERE at > 'today'; CHECKPOINT");
    const send = (body: object) => mustCall(container, JSON.stringify(body));
    const tenThousand = rowsOf(10_000);
    const batches = await alternate(
      rounds,
      {
        plain: () => send(tenThousand),
        keyed: () => send(tenThousand.map((row) => ({ ...row, idempotency_key: randomUUID() }))),
      },
      empty,
    );

    say("batches of Streaming");
    const many = rowsOf(25_000);
    /** Of a feed nothing fails: what is set aside is no figure of what is stored. */
    const deliver = async (rows: object[], refused = 0) => {
      const { body, milliseconds } = await call(container, JSON.stringify(streamOf(rows)));
      const { count } = JSON.parse(body.toString());
      if (count !== rows.length - refused)
        throw new Error(`${count} stored of ${rows.length}, ${refused} to be refused`);
      return milliseconds;
    };
    const streams = await alternate(rounds, { plain: () => send(many), stream: () => deliver(many) }, empty);

    say("messages that the table refuses");
    await postgres.query("ALTER TABLE items ADD CONSTRAINT no_bad CHECK (name <> 'bad')");
    const withBad = (every: number) =>
      tenThousand.map((row, index) => (index % every === every / 2 ? { ...row, name: "bad" } : row));
    const refused = await alternate(
      rounds,
      {
        good: () => deliver(tenThousand),
        one: () => deliver(withBad(10_000), 1),
        hundred: () => deliver(withBad(100), 100),
      },
      empty,
    );
    await postgres.query("ALTER TABLE items DROP CONSTRAINT no_bad");

    const rate = (figures: number[], size: number) => figures.map((ms) => (1_000 * size) / ms);
    const good = { name: "none refused", figures: refused.good };
    return [
      {
        what: "warm insert of one item with a key",
        unit: "ms",
        ours: times.with,
        floor: { name: "without", figures: times.without },
        bar: 1.25,
      },
      {
        what: "batch of 10,000 with keys",
        unit: "rows/s",
        ours: rate(batches.keyed, 10_000),
        floor: { name: "without", figures: rate(batches.plain, 10_000) },
        bar: 0.6,
      },
      {
        what: "batch of 25,000 of Streaming",
        unit: "rows/s",
        ours: rate(streams.stream, 25_000),
        floor: { name: "a plain batch", figures: rate(streams.plain, 25_000) },
        bar: 0.5,
      },
      { what: "10,000 of Streaming, one refused by the table", unit: "ms", ours: refused.one, floor: good, bar: 2.5 },
      { what: "10,000 of Streaming, 100 refused", unit: "ms", ours: refused.hundred, floor: good, bar: 6 },
    ];
  });
}

/** Keys of before, as random as those of callers. */
async function fill(postgres: Postgres, count: number): Promise<void> {
  await postgres.query(
    `INSERT INTO items_keys (key, fingerprint, ids, at)
     SELECT 'item:' || gen_random_uuid(), sha256(id::text::bytea), ARRAY[id], 'yesterday' FROM generate_series(1, $1::int) AS id`,
    [count],
  );
  await postgres.query("VACUUM ANALYZE items_keys");
}

let offset = 0;

/** Each time other messages. */
function streamOf(rows: object[]): object[] {
  return rows.map((row) => ({
    stream: "orders",
    partition: "0",
    key: null,
    value: Buffer.from(JSON.stringify(row)).toString("base64"),
    offset: offset++,
    timestamp: 1_761_223_385_480 + offset,
  }));
}
