import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { FAILURE, hubForTests, NEVER, played } from "./hub-fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { createQueue, drain } from "./platform/queue.ts";

test("a queue's contents are joined as they are, JSON or not", async (t) => {
  const queue = createQueue();
  queue.put('{ "name": "ä" }', "plain", '"b"');
  const target = played();
  hubForTests(t, { source: drain(queue), target, batchSizeInNum: 3, batchTimeInSec: NEVER });
  await eventually(() => queue.length === 0, "the queue to be empty");
  assert.deepEqual(target.bodies, ['[{ "name": "ä" },plain,"b"]']);
});

test("a queue's messages go back all, and to the dead letters after so many deliveries", async (t) => {
  const queue = createQueue({ maxDeliveries: 3 });
  queue.put("1", "2");
  const target = played((call) => (call < 3 ? FAILURE : undefined));
  hubForTests(t, { source: drain(queue), target, batchSizeInNum: 2, batchTimeInSec: 0 });
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
    hubForTests(t, { source: drain(queue), target, batchSizeInNum: 4, batchTimeInSec: 0 });
  }
  await eventually(() => queue.length === 0, "the queue to be empty");
  assert.deepEqual(
    target.bodies.flatMap((body) => JSON.parse(body)).toSorted((a, b) => a - b),
    [...Array(40).keys()],
  );
});
