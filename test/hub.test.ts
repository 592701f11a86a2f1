import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { entries, FAILURE, hubForTests, NEVER, played, valuesOf } from "./hub-fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { createQueue, drain } from "./platform/queue.ts";
import { createStream, follow } from "./platform/stream.ts";

test("a batch ends by number, and the rest waits for its time", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 7));
  const target = played();
  const source = follow(stream);
  const { hub } = hubForTests(t, { source, target, batchSizeInNum: 3, batchTimeInSec: NEVER });
  await eventually(() => source.left === 1, "two batches");
  // Far more looks than it needs to send the seventh.
  await sleep(100);
  assert.deepEqual(target.messages.map(valuesOf), [
    ["0", "1", "2"],
    ["3", "4", "5"],
  ]);
  await hub.stop();
  hubForTests(t, { source, target, batchSizeInNum: 3, batchTimeInSec: 0 });
  await eventually(() => source.left === 0, "the rest");
  assert.deepEqual(target.messages.map(valuesOf).at(-1), ["6"]);
});

test("a batch ends by time, which counts from its oldest message", async (t) => {
  const stream = createStream();
  const target = played();
  hubForTests(t, { source: follow(stream), target, batchSizeInNum: 1_000_000, batchTimeInSec: 0.3 });
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
  hubForTests(t, { source, target, batchSizeInKbs: 1, batchTimeInSec: 0 });
  await eventually(() => source.left === 0, "the queue to be empty");
  assert.deepEqual(
    target.bodies.map((body) => (JSON.parse(body) as string[]).map((text) => text[0]).join("")),
    ["ab", "c", "d", "e"],
  );
});

test("nothing is sent where there is nothing", async (t) => {
  const target = played();
  hubForTests(t, { source: follow(createStream()), target, batchSizeInNum: 1, batchTimeInSec: 0 });
  hubForTests(t, { source: drain(createQueue()), target, batchSizeInNum: 1, batchTimeInSec: 0 });
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
  hubForTests(t, { source, target, batchSizeInNum: 3, batchTimeInSec: 0 });
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
  const { deliveries } = hubForTests(t, { source, target, batchSizeInNum: 100, batchTimeInSec: 0 });
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
  hubForTests(t, { source: follow(stream), target, batchSizeInNum: 1, batchTimeInSec: 0, backoff });
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
  hubForTests(t, { source: alternating, target, ...common, backoff: { first: 1, most: NEVER * 1_000 } });
  const stubborn = played(() => FAILURE);
  hubForTests(t, { source: follow(stream), target: stubborn, ...common, backoff: { first: 1, most: 2 } });
  await eventually(() => alternating.left === 0 && stubborn.bodies.length > 30, "waits that end");
});

test("a restarted hub goes back to its committed cursor: batches overlap, and none is left out", async (t) => {
  const stream = createStream();
  stream.put(entries(0, 10));
  const source = follow(stream, { commitEvery: 2 });
  const stuck = Promise.withResolvers<undefined>();
  const target = played((call) => (call === 3 ? stuck.promise : undefined));
  const { hub, deliveries } = hubForTests(t, { source, target, batchSizeInNum: 2, batchTimeInSec: 0 });
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
  for (const source of sources) hubForTests(t, { source, target, batchSizeInNum: 4, batchTimeInSec: 0 });
  await eventually(() => sources.every(({ left }) => left === 0), "the stream to be read");
  const numbers = valuesOf(target.messages.flat()).map(Number);
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    [...Array(30).keys()],
  );
  for (const messages of target.messages) assert.equal(new Set(messages.map(({ partition }) => partition)).size, 1);
});
