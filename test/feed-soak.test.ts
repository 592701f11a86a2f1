import assert from "node:assert/strict";
import test from "node:test";
import { CHECK, type FeedMessage, messagesOf } from "./feed-messages.ts";
import { type Lane, laneForTests, platformForTests } from "./fixture.ts";
import { createMonkey } from "./monkey.ts";
import { eventually } from "./platform/eventually.ts";
import { type Hub, type Source, startHub, type Target } from "./platform/hub.ts";
import { createQueue, drain } from "./platform/queue.ts";
import { createStream, follow } from "./platform/stream.ts";
import { randomOf } from "./random.ts";

/** FEED_MESSAGES=100000 makes it longer; SEED replays the messages of a run, and its faults in their order. */
const MESSAGES = Number(process.env.FEED_MESSAGES ?? 3_000);
const SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** For all to be delivered, on a busy machine. Milliseconds. */
const LIMIT = 240_000 + MESSAGES * 20;

/** Of the calls so many meet a fault, and of the answers so many are lost, or the call is made twice. */
const SHARE = { faulty: 0.4, lost: 0.05, twice: 0.1 };

test(`${MESSAGES} messages of a stream and a queue are stored or set aside once, through faults (SEED=${SEED})`, async (t) => {
  const platform = await platformForTests();
  const { postgres } = platform;
  await postgres.query(CHECK);

  const contents = randomOf(SEED);
  const streamed = messagesOf(contents, Math.ceil(MESSAGES * 0.8), false);
  const queued = messagesOf(contents, MESSAGES - streamed.length, true);
  const stream = createStream({ name: "soaked", partitions: 4 });
  const placed = stream.put(streamed.map(({ content }) => ({ value: content })));
  const queue = createQueue({ visibilitySeconds: 3, maxDeliveries: Number.POSITIVE_INFINITY });
  queue.put(...queued.map(({ content }) => content.toString()));
  // A producer repeats, too.
  queue.put(...queued.filter((_, index) => index % 10 === 0).map(({ content }) => content.toString()));

  const functions = { maxContainers: 6, timeoutSeconds: 20 };
  const byDefault = await laneForTests(platform, functions);
  const { options } = platform.functions;
  const setAside = { ...options, config: { ...options.config, ON_INVALID: "set-aside" } };
  const aside = await laneForTests({ ...platform, functions: { ...platform.functions, options: setAside } }, functions);

  const random = randomOf(SEED + 1);
  const hubs: Hub[] = [];
  const monkey = createMonkey(postgres, hubs, random);
  const count = { calls: 0, messages: 0, failures: 0, "answers lost": 0, "calls made twice": 0 };

  /** A function whose calls meet faults. */
  function soaked(lane: Lane): Target {
    return {
      async invoke(invocation) {
        count.calls++;
        if (random() < SHARE.faulty) monkey.bother(lane);
        const luck = random();
        const twice = luck < SHARE.twice && lane.functions.invoke(invocation);
        const outcome = await lane.functions.invoke(invocation);
        if (twice) {
          count["calls made twice"]++;
          await twice;
        }
        if (luck < 1 - SHARE.lost) return outcome;
        count["answers lost"]++;
        return { code: "lost" };
      },
    };
  }

  const sources: Source[] = [];
  function feed(source: Source, lane: Lane, batchSizeInNum: number): void {
    sources.push(source);
    const backoff = { first: 20, most: 1_000 };
    const onDelivery = ({ messages, code }: { messages: number; code: string | undefined }) => {
      count.messages += messages;
      if (code !== undefined) count.failures++;
    };
    const size = { batchSizeInNum, batchTimeInSec: 1 };
    hubs.push(startHub({ source, target: soaked(lane), ...size, backoff, onDelivery }));
  }
  t.after(() => Promise.all(hubs.map((hub) => hub.stop())));
  for (const partitions of [["0", "1"], ["2"], ["3"]])
    feed(follow(stream, { partitions, commitEvery: 3 }), byDefault, 20);
  // Another connector, whose batches are others. What only one reads, nobody else brings where it is lost.
  feed(follow(stream, { partitions: ["0", "1"], commitEvery: 2 }), aside, 35);
  feed(drain(queue), aside, 15);

  await eventually(
    () => sources.every(({ left }) => left === 0),
    () => `all to be delivered: ${sources.map(({ left }) => left)} are left after ${JSON.stringify(count)}`,
    LIMIT,
  );
  await Promise.all(hubs.map((hub) => hub.stop()));
  await monkey.rest();
  const atWork = "SELECT FROM pg_stat_activity WHERE usename = $1 AND state <> 'idle'";
  await eventually(
    async () => (await postgres.query(atWork, [postgres.credentials.username])).length === 0,
    "the last inserts to end",
  );

  const all = [...streamed, ...queued];
  const ofKind = Map.groupBy(all, ({ kind }) => kind);
  t.diagnostic(`messages: ${[...ofKind].map(([kind, { length }]) => `${length} ${kind}`).join(", ")}`);
  t.diagnostic(
    `deliveries: ${Object.entries(count)
      .map(([what, times]) => `${times} ${what}`)
      .join(", ")}`,
  );
  t.diagnostic(`faults: ${[...monkey.done].map(([what, times]) => `${what} ${times}`).join(", ")}`);

  const valid = all.flatMap(({ item }) => item ?? []);
  const rows = await postgres.query<{ name: string; description: string | null }>(
    'SELECT name, description FROM items ORDER BY name COLLATE "C", id',
  );
  assertSame(rows.map(textOf), valid.map(textOf), "items");

  const isInvalid = ({ item }: FeedMessage) => !item;
  const expected = streamed.flatMap((message, index) => {
    const { stream, partition, offset, timestamp } = placed[index] as (typeof placed)[number];
    return isInvalid(message) ? [[stream, partition, offset, timestamp, message.content.toString("hex")]] : [];
  });
  const apart = queued.filter(isInvalid).map(({ content }) => [null, content.toString("hex")]);
  const rejected = await postgres.query<{
    source: { stream: string | null; partition: string; offset: number; timestamp: number };
    content: Buffer;
    errors: { detail: string }[];
  }>("SELECT source, content, errors FROM items_rejected");
  assertSame(
    rejected.map(({ source: { stream, partition, offset, timestamp }, content }) =>
      textOf(
        stream === null
          ? [null, content.toString("hex")]
          : [stream, partition, offset, timestamp, content.toString("hex")],
      ),
    ),
    [...expected, ...apart].map(textOf),
    "items_rejected",
  );
  for (const { errors } of rejected) assert(errors[0]?.detail);

  const [keys] = await postgres.query<{ count: string }>("SELECT count(*) FROM items_keys");
  assert.equal(Number(keys?.count), valid.length, "a key for each item, and no other");
  assert(monkey.done.size > 5 && count["calls made twice"] > 0 && count["answers lost"] > 0, "faults came to pass");
});

const textOf = (value: unknown) => JSON.stringify(value);

/** As multisets; tells some of what is missing, and of what is too much. */
function assertSame(actual: string[], expected: string[], where: string): void {
  const left = new Map<string, number>();
  for (const each of expected) left.set(each, (left.get(each) ?? 0) + 1);
  for (const each of actual) left.set(each, (left.get(each) ?? 0) - 1);
  const lost = [...left].filter(([, count]) => count > 0).map(([each]) => each);
  const doubled = [...left].filter(([, count]) => count < 0).map(([each]) => each);
  const some = (list: string[]) => list.slice(0, 3).join("\n");
  assert(lost.length === 0, `${lost.length} are lost of ${where}: ${some(lost)}`);
  assert(doubled.length === 0, `${doubled.length} are too much in ${where}: ${some(doubled)}`);
  assert.equal(actual.length, expected.length);
}
