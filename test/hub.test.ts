import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createApi } from "./platform/api.ts";
import { eventually } from "./platform/eventually.ts";
import { type Delivery, type HubOptions, startHub, type Target } from "./platform/hub.ts";
import { listen } from "./platform/port.ts";
import { createQueue, drain } from "./platform/queue.ts";
import { createStream, follow, type Message } from "./platform/stream.ts";
import { answerPut } from "./platform/streaming.ts";

/** Longer than a test waits: what comes before it comes by number or size. Seconds. */
const NEVER = 3_600;

const FAILURE = "FunctionInvokeExecutionFailed";

/** A function that keeps the bodies it gets, and succeeds unless it is told otherwise. */
function played(answer: (call: number) => Promise<string | undefined> | string | undefined = () => undefined) {
  const bodies: string[] = [];
  return {
    bodies,
    get messages(): Message[][] {
      return bodies.map((body) => JSON.parse(body));
    },
    async invoke({ body }: Parameters<Target["invoke"]>[0]) {
      const code = await answer(bodies.push(body.toString()) - 1);
      return code === undefined ? {} : { code };
    },
  };
}

function hubFor(t: TestContext, options: HubOptions) {
  const deliveries: Delivery[] = [];
  const hub = startHub({
    backoff: { first: 5, most: 40 },
    ...options,
    onDelivery: (delivery) => deliveries.push(delivery),
  });
  t.after(() => hub.stop());
  return { hub, deliveries };
}

const entries = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ value: Buffer.from(String(from + index)) }));

const valuesOf = (messages: readonly Message[]) =>
  messages.map(({ value }) => Buffer.from(value, "base64").toString("latin1"));

test("a stream's message has what Oracle's has, bytes in base64", async (t) => {
  const stream = createStream({ name: "orders" });
  const before = Date.now();
  stream.put([{ value: Buffer.of(0xff, 0x00) }, { key: Buffer.from("ä"), value: Buffer.of() }]);
  const target = played();
  hubFor(t, { source: follow(stream), target, batchSizeInNum: 2, batchTimeInSec: NEVER });
  await eventually(() => target.bodies.length > 0, "a delivery");
  const times = target.messages.flat().map(({ timestamp }) => timestamp);
  for (const time of times) assert(time >= before && time <= Date.now());
  assert.equal(
    target.bodies[0],
    `[{"stream":"orders","partition":"0","key":null,"value":"/wA=","offset":0,"timestamp":${times[0]}},` +
      `{"stream":"orders","partition":"0","key":"w6Q=","value":"","offset":1,"timestamp":${times[1]}}]`,
  );
});

test("messages of one key share a partition, others are spread, and offsets count within one", () => {
  const stream = createStream({ partitions: 3 });
  const keyed = stream.put(Array.from({ length: 4 }, () => ({ key: Buffer.from("k"), value: Buffer.of() })));
  assert.equal(new Set(keyed.map(({ partition }) => partition)).size, 1);
  assert.deepEqual(
    keyed.map(({ offset }) => offset),
    [0, 1, 2, 3],
  );
  const spread = createStream({ partitions: 3 }).put(entries(0, 6));
  assert.deepEqual(
    spread.map(({ partition, offset }) => [partition, offset]),
    [0, 0, 0, 1, 1, 1].map((offset, index) => [String(index % 3), offset]),
  );
});

test("the Streaming API takes keys and values in base64, up to 1 MiB a request, and says where each message is", async (t) => {
  const stream = createStream();
  const server = createApi(async (_request, body, response) => answerPut(stream, body, response));
  const port = await listen(server, 0, "");
  t.after(() => server.close());
  const put = async (body: unknown) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body: text });
    // biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
    return { status: response.status, json: (await response.json()) as any };
  };
  const most = Buffer.alloc(1024 * 1024 - 1);
  const { status, json } = await put({
    messages: [{ value: most.toString("base64") }, { key: "aw==", value: "" }],
  });
  assert.deepEqual([status, json.failures, json.entries.length], [200, 0, 2]);
  assert.deepEqual([json.entries[1].partition, json.entries[1].offset], ["0", 1]);
  assert.equal(json.entries[0].timestamp, new Date(stream.read("0", 0)?.timestamp ?? 0).toISOString());
  assert.deepEqual(stream.read("0", 1), { ...stream.read("0", 1), key: "aw==", value: "" });

  for (const [body, what] of [
    [{ messages: [{ value: most.toString("base64") }, { key: "aw==", value: "aw==" }] }, /1048577 bytes/],
    [{ messages: [{ value: "aw==" }, { value: "a" }] }, /messages\[1\]\.value must be base64/],
    [{ messages: [{ key: 1, value: "aw==" }] }, /messages\[0\]\.key must be base64/],
    [{ messages: [null] }, /messages\[0\]\.value must be base64/],
    [null, /messages must be an array/],
    ["{", /not JSON/],
  ] as const) {
    const { status, json } = await put(body);
    assert.deepEqual([status, json.code], [400, "InvalidParameter"]);
    assert.match(json.message, what);
  }
  assert.equal(stream.end("0"), 2, "what is refused is not there");
});

test("a batch ends by number, and the rest waits for its time", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 7));
  const target = played();
  const source = follow(stream);
  const { hub } = hubFor(t, { source, target, batchSizeInNum: 3, batchTimeInSec: NEVER });
  await eventually(() => source.left === 1, "two batches");
  // Far more looks than it needs to send the seventh.
  await sleep(100);
  assert.deepEqual(target.messages.map(valuesOf), [
    ["0", "1", "2"],
    ["3", "4", "5"],
  ]);
  await hub.stop();
  hubFor(t, { source, target, batchSizeInNum: 3, batchTimeInSec: 0 });
  await eventually(() => source.left === 0, "the rest");
  assert.deepEqual(target.messages.map(valuesOf).at(-1), ["6"]);
});

test("a batch ends by time, which counts from its oldest message", async (t) => {
  const stream = createStream();
  const target = played();
  hubFor(t, { source: follow(stream), target, batchSizeInNum: 1_000_000, batchTimeInSec: 0.3 });
  await eventually(() => {
    stream.put(entries(0, 1));
    return target.bodies.length > 0;
  }, "a delivery while messages come");
  const now = Date.now();
  const [messages = []] = target.messages;
  assert(messages.length > 1);
  assert(now - (messages[0]?.timestamp ?? now) >= 300);
});

test("a batch by kilobytes stays below them, and a message above them goes alone", async (t) => {
  const queue = createQueue();
  queue.put(...["a", "b", "c"].map((letter) => JSON.stringify(letter.repeat(400))));
  queue.put(JSON.stringify("d".repeat(2_000)), '"e"');
  const target = played();
  const source = drain(queue);
  hubFor(t, { source, target, batchSizeInKbs: 1, batchTimeInSec: 0 });
  await eventually(() => source.left === 0, "the queue to be empty");
  assert.deepEqual(
    target.bodies.map((body) => (JSON.parse(body) as string[]).map((text) => text[0]).join("")),
    ["ab", "c", "d", "e"],
  );
});

test("nothing is sent where there is nothing", async (t) => {
  const target = played();
  hubFor(t, { source: follow(createStream()), target, batchSizeInNum: 1, batchTimeInSec: 0 });
  hubFor(t, { source: drain(createQueue()), target, batchSizeInNum: 1, batchTimeInSec: 0 });
  await sleep(100);
  assert.deepEqual(target.bodies, []);
});

test("a hub has one call at a time, in each partition's order", async (t) => {
  const stream = createStream({ partitions: 2 });
  stream.put(entries(0, 20));
  let [running, most] = [0, 0];
  const target = played(async () => {
    most = Math.max(most, ++running);
    await sleep(5);
    running--;
    return undefined;
  });
  const source = follow(stream);
  hubFor(t, { source, target, batchSizeInNum: 3, batchTimeInSec: 0 });
  await eventually(() => source.left === 0, "the stream to be read");
  assert.equal(most, 1);
  const offsets = Map.groupBy(target.messages.flat(), ({ partition }) => partition);
  for (const messages of offsets.values()) {
    assert.deepEqual(
      messages.map(({ offset }) => offset),
      [...Array(10).keys()],
    );
  }
  assert.equal(offsets.size, 2);
});

test("a stream's batch comes again as it was until the platform's 200, and nothing passes it", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 2));
  const target = played((call) => (call < 4 ? FAILURE : undefined));
  const source = follow(stream);
  const { deliveries } = hubFor(t, { source, target, batchSizeInNum: 100, batchTimeInSec: 0 });
  await eventually(() => target.bodies.length > 0, "the first try");
  stream.put(entries(2, 1));
  await eventually(() => source.left === 0, "the stream to be read");
  assert.deepEqual(target.messages.map(valuesOf), [...Array(5).fill(["0", "1"]), ["2"]]);
  assert.equal(new Set(target.bodies.slice(0, 5)).size, 1);
  assert.deepEqual(
    deliveries.map(({ attempt, code, messages }) => [attempt, code, messages]),
    [...[1, 2, 3, 4].map((attempt) => [attempt, FAILURE, 2]), [5, undefined, 2], [1, undefined, 1]],
  );
});

test("the wait between two tries doubles up to its most", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 1));
  const times: number[] = [];
  const target = played(() => {
    times.push(performance.now());
    return FAILURE;
  });
  const backoff = { first: 40, most: 160 };
  hubFor(t, { source: follow(stream), target, batchSizeInNum: 1, batchTimeInSec: 0, backoff });
  await eventually(() => times.length > 4, "five calls");
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  // Timers may be a millisecond early; how late they are is the machine's.
  for (const [index, least] of [40, 80, 160, 160].entries()) {
    assert((waits[index] ?? 0) >= least - 2, `${waits[index]} ms before call ${index + 1}`);
  }
});

test("the wait between two tries is short again after a success, and never above its most", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 30));
  const alternating = follow(stream);
  const common = { batchSizeInNum: 1, batchTimeInSec: 0 };
  const target = played((call) => (call % 2 === 0 ? FAILURE : undefined));
  hubFor(t, { source: alternating, target, ...common, backoff: { first: 1, most: NEVER * 1_000 } });
  const stubborn = played(() => FAILURE);
  hubFor(t, { source: follow(stream), target: stubborn, ...common, backoff: { first: 1, most: 2 } });
  await eventually(() => alternating.left === 0 && stubborn.bodies.length > 30, "waits that end");
});

test("a restarted hub goes back to its committed cursor: batches overlap, and none is left out", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 10));
  const source = follow(stream, { commitEvery: 2 });
  const stuck = Promise.withResolvers<undefined>();
  const target = played((call) => (call === 3 ? stuck.promise : undefined));
  const { hub, deliveries } = hubFor(t, { source, target, batchSizeInNum: 2, batchTimeInSec: 0 });
  await eventually(() => target.bodies.length === 4, "the fourth batch on its way");
  hub.restart();
  await eventually(() => source.left === 0, "the stream to be read");
  stuck.resolve(undefined);
  await hub.stop();
  const [batches, again] = [target.messages.map(valuesOf).slice(0, 4), target.messages.map(valuesOf).slice(4)];
  assert.deepEqual(batches.flat(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
  assert.deepEqual(again.flat(), ["4", "5", "6", "7", "8", "9"]);
  assert.equal(deliveries.length, 6, "nobody heard of the call that was under way");
});

test("several hubs read a stream's partitions side by side", async (t) => {
  const stream = createStream({ partitions: 3 });
  stream.put(entries(0, 30));
  const sources = stream.partitions.map((partition) => follow(stream, { partitions: [partition] }));
  // Each waits for the others' first call.
  const all = Promise.withResolvers<undefined>();
  const target = played((call) => {
    if (call === 2) all.resolve(undefined);
    return all.promise;
  });
  for (const source of sources) hubFor(t, { source, target, batchSizeInNum: 4, batchTimeInSec: 0 });
  await eventually(() => sources.every(({ left }) => left === 0), "the stream to be read");
  const numbers = valuesOf(target.messages.flat()).map(Number);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    [...Array(30).keys()],
  );
  for (const messages of target.messages) assert.equal(new Set(messages.map(({ partition }) => partition)).size, 1);
});

test("a queue's contents are joined as they are, JSON or not", async (t) => {
  const queue = createQueue();
  queue.put('{ "name": "ä" }', "plain", '"b"');
  const target = played();
  hubFor(t, { source: drain(queue), target, batchSizeInNum: 3, batchTimeInSec: NEVER });
  await eventually(() => queue.length === 0, "the queue to be empty");
  assert.deepEqual(target.bodies, ['[{ "name": "ä" },plain,"b"]']);
});

test("a queue's messages go back all, and to the dead letters after so many deliveries", async (t) => {
  const queue = createQueue({ maxDeliveries: 3 });
  queue.put("1", "2");
  const target = played((call) => (call < 3 ? FAILURE : undefined));
  hubFor(t, { source: drain(queue), target, batchSizeInNum: 2, batchTimeInSec: 0 });
  await eventually(() => queue.length === 0, "the queue to be empty");
  queue.put("3");
  await eventually(() => queue.length === 0, "the queue to be empty again");
  assert.deepEqual(target.bodies, ["[1,2]", "[1,2]", "[1,2]", "[3]"]);
  assert.deepEqual(queue.deadLetters, ["1", "2"]);
});

test("a queue's messages are nobody else's while they are taken, and come back where nobody deletes them", async () => {
  const queue = createQueue({ visibilitySeconds: 0.2 });
  queue.put("a", "b");
  const [first] = queue.take(1);
  assert.deepEqual([first?.content, first?.deliveryCount], ["a", 1]);
  const [second] = queue.take(5);
  assert.equal(second?.content, "b");
  assert.deepEqual(queue.take(5), []);
  queue.delete([second.receipt]);
  const again = await eventually(() => queue.take(5)[0], "the message to be visible");
  assert.deepEqual([again.content, again.deliveryCount], ["a", 2]);
  queue.delete([first?.receipt ?? ""]);
  assert.equal(queue.length, 1, "a receipt of before deletes nothing");
  queue.release([again.receipt]);
  assert.equal(queue.take(5)[0]?.deliveryCount, 3);
});

test("hubs that share a queue share its messages", async (t) => {
  const queue = createQueue();
  queue.put(...[...Array(40).keys()].map(String));
  const target = played(async () => {
    await sleep(2);
    return undefined;
  });
  for (let hub = 0; hub < 3; hub++) {
    hubFor(t, { source: drain(queue), target, batchSizeInNum: 4, batchTimeInSec: 0 });
  }
  await eventually(() => queue.length === 0, "the queue to be empty");
  assert.deepEqual(
    target.bodies.flatMap((body) => JSON.parse(body)).toSorted((a, b) => a - b),
    [...Array(40).keys()],
  );
});
