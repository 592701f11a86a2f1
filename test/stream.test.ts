import assert from "node:assert/strict";
import { test } from "node:test";
import { entries, hubForTests, NEVER, played } from "./hub-fixture.ts";
import { createApi } from "./platform/api.ts";
import { eventually } from "./platform/eventually.ts";
import { listen } from "./platform/port.ts";
import { createStream, follow } from "./platform/stream.ts";
import { answerPut } from "./platform/streaming.ts";

test("a stream's message has what Oracle's has, bytes in base64", async (t) => {
  const stream = createStream({ name: "orders" });
  const before = Date.now();
  stream.put([{ value: Buffer.of(0xff, 0x00) }, { key: Buffer.from("ä"), value: Buffer.of() }]);
  const target = played();
  hubForTests(t, { source: follow(stream), target, batchSizeInNum: 2, batchTimeInSec: NEVER });
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
