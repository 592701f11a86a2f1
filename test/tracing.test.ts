import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { createServer } from "node:tls";
import type { Context } from "@fnproject/fdk";
import type { Call } from "../src/call.ts";
import { Deadline } from "../src/deadline.ts";
import { startTrace } from "../src/tracing.ts";
import { oursFor } from "./bench/subjects.ts";
import { skipWithout } from "./deployment.ts";
import { type Lane, platformForTests } from "./fixture.ts";
import { type Span, startCollector } from "./platform/collector.ts";
import { eventually } from "./platform/eventually.ts";
import { type Invocation, startFunctions } from "./platform/functions.ts";
import { listen } from "./platform/port.ts";
import { trace, tracedLane, tracesOf, warnings } from "./traced.ts";

const platform = await platformForTests();

/** As the platform numbers a direct call: 64 bits each. */
const DIRECT = { "X-B3-TraceId": "463ac35c9f6413ad", "X-B3-SpanId": "a2fb4a1d1a96d312" };

const namesOf = (spans: Span[]) => spans.map(({ name }) => name);
const endOf = ({ timestamp, duration }: Span) => timestamp + duration;

test("a cold call, started as in the image, is one span with one each for secret, connect and insert", async (t) => {
  const ours = oursFor(platform);
  t.after(() => ours.stop());
  const lane = await tracedLane(t, platform, { command: ours.command });
  const since = Date.now();
  const body = '{"name":"nobody may see it"}';
  const { callId, whole, parts } = await trace(lane, { body, headers: DIRECT }, () => lane.functions.replace());
  assert.deepEqual(namesOf(parts), ["secret", "connect", "insert"]);
  assert.deepEqual(whole.tags, { outcome: "stored", status: "201", items: "1", first: "true", callId });
  assert.deepEqual([whole.name, whole.kind, whole.parentId], ["invocation", "SERVER", DIRECT["X-B3-SpanId"]]);
  for (const { kind, parentId, tags } of parts) assert.deepEqual([kind, parentId, tags], ["CLIENT", whole.id, {}]);
  const ids = new Set([DIRECT["X-B3-SpanId"]]);
  let earliest = whole.timestamp;
  for (const span of [whole, ...parts]) {
    assert.equal(span.traceId, DIRECT["X-B3-TraceId"]);
    assert.match(span.id, /^[0-9a-f]{16}$/);
    ids.add(span.id);
    assert.deepEqual(span.localEndpoint, { serviceName: "postgres-inserter::postgres-inserter" });
    assert(Number.isInteger(span.timestamp) && Number.isInteger(span.duration) && span.duration >= 1);
    assert(span.timestamp >= earliest && endOf(span) <= endOf(whole), `${span.name} is not within its time`);
    if (span !== whole) earliest = endOf(span);
  }
  assert.equal(ids.size, 5, "ids of their own");
  // Two clocks of one machine, of which one counts whole milliseconds.
  assert(whole.timestamp / 1_000 >= since - 2 && endOf(whole) / 1_000 <= Date.now() + 2, "by the wall clock");
  assert(!JSON.stringify(lane.collector.requests).includes("nobody"), "what was sent is in no span");
  assert.deepEqual(warnings(lane), []);
});

test("the collector is reached by TLS, in the image's start, too", { skip: skipWithout("openssl") }, async (t) => {
  const folder = mkdtempSync("/tmp/inserter-trace-");
  const file = (name: string) => join(folder, name);
  const [subject, key] = ["-subj /CN=localhost -addext subjectAltName=DNS:localhost", "-newkey rsa:2048 -nodes"];
  const request = `req -x509 ${key} ${subject} -days 2 -keyout ${file("key")} -out ${file("pem")}`;
  execFileSync("openssl", request.split(" "), { stdio: "pipe", timeout: 60_000 });
  const ours = oursFor(platform);
  const collector = await startCollector();
  const front = createServer({ key: readFileSync(file("key")), cert: readFileSync(file("pem")) }, (socket) => {
    const behind = connect(Number(new URL(collector.url).port), "127.0.0.1");
    for (const side of [socket, behind]) side.on("error", () => undefined);
    socket.pipe(behind).pipe(socket);
  });
  const address = `https://localhost:${await listen(front, 0, "")}`;
  const { options } = platform.functions;
  const functions = startFunctions({
    ...options,
    command: ours.command,
    tracing: { collectorUrl: collector.url.replace(/^http:..[^/]+/, address) },
    config: { ...options.config, NODE_EXTRA_CA_CERTS: file("pem") },
  });
  t.after(() => {
    functions.stop();
    front.close();
    collector.stop();
    ours.stop();
    rmSync(folder, { recursive: true });
  });
  const { parts } = await trace({ functions, collector }, { body: '{"name":"by TLS"}' });
  assert.equal(parts.at(-1)?.name, "insert");
});

test("a warm call through the gateway reads no secret, and keeps a trace of 128 bits", async (t) => {
  const lane = await tracedLane(t, platform);
  await trace(lane, { body: '{"name":"warm up"}' });
  const traceId = "463ac35c9f6413ad48485a3953bb6124";
  const headers = { "X-B3-TraceId": traceId, "X-B3-SpanId": "a2fb4a1d1a96d312", "X-B3-Sampled": "1" };
  const gateway = { method: "POST", url: "/v1/items", headers: {} };
  const { callId, whole, parts } = await trace(lane, { body: '[{"name":"a"},{"name":"b"}]', headers, gateway });
  assert.deepEqual(whole.tags, { outcome: "stored", status: "201", items: "2", first: "false", callId });
  assert.equal(whole.parentId, "a2fb4a1d1a96d312");
  assert(!namesOf(parts).includes("secret") && namesOf(parts).at(-1) === "insert", `${namesOf(parts)}`);
  for (const span of [whole, ...parts]) assert.equal(span.traceId, traceId);
});

test("a call that is not sampled is not traced, and one of which nothing is said is", async (t) => {
  const lane = await tracedLane(t, platform);
  const body = '{"name":"sampled"}';
  for (const sampled of ["0", "false"]) {
    const { callId, code } = await lane.functions.invoke({ body, headers: { ...DIRECT, "X-B3-Sampled": sampled } });
    assert.equal(code, undefined);
    assert.deepEqual(tracesOf(lane.collector, callId), []);
  }
  await trace(lane, { body, headers: DIRECT });
  assert.deepEqual(warnings(lane), []);
});

test("a call that brings no ids begins a trace of its own", async (t) => {
  const lane = await tracedLane(t, platform);
  const seen = new Set<string>();
  for (const id of ["", "none", "463ac35c9f6413a", "463ac35c9f6413ad'--"]) {
    const { whole, parts } = await trace(lane, { headers: { "X-B3-TraceId": id, "X-B3-SpanId": id } });
    assert.match(whole.traceId, /^[0-9a-f]{32}$/);
    assert(!("parentId" in whole));
    assert(parts.every(({ traceId }) => traceId === whole.traceId));
    seen.add(whole.traceId);
  }
  assert.equal(seen.size, 4);
});

for (const [what, invocation, spoil, tags, names] of [
  ["health", {}, undefined, { outcome: "healthy", status: "200" }, ["secret", "connect", "connect"]],
  ["a refusal", { body: "{}" }, undefined, { outcome: "refused", status: "422" }, []],
  [
    "a failure",
    { body: '{"name":"a"}' },
    ({ vault }) => vault.answer({ status: 404 }),
    { outcome: "failed", status: "503", code: "404", error: "404" },
    ["secret"],
  ],
  [
    "a secret that is none",
    { body: '{"name":"a"}' },
    ({ vault }) => vault.put("none"),
    { outcome: "failed", status: "500", error: "failed" },
    ["secret"],
  ],
] as [string, Invocation, ((lane: Lane) => void) | undefined, Record<string, string>, string[]][]) {
  test(`${what} is traced, too`, async (t) => {
    const lane = await tracedLane(t, platform);
    spoil?.(lane);
    const { callId, whole, parts } = await trace(lane, invocation, () => lane.functions.replace());
    assert.deepEqual(whole.tags, { ...tags, items: "0", first: "true", callId });
    assert.deepEqual(namesOf(parts), names);
    const { error } = tags;
    if (error) assert.equal(parts[0]?.tags.error, error === "failed" ? "ConfigError" : error);
  });
}

test("each attempt is a span, with the code of its failure", async (t) => {
  const lane = await tracedLane(t, platform);
  const { vault } = lane;
  const { parts } = await trace(lane, { body: '{"name":"at the third"}' }, () => {
    lane.functions.replace();
    vault.answer({ status: 500 });
    const until = vault.requests + 2;
    void eventually(() => vault.requests >= until, "a second attempt").then(() => vault.answer());
  });
  const secrets = parts.filter(({ name }) => name === "secret");
  const errors = secrets.map(({ tags }) => tags.error);
  assert(errors.length >= 3 && errors.slice(0, -1).every((error) => error === "500"), `${errors}`);
  assert.deepEqual([errors.at(-1), parts.at(-1)?.name], [undefined, "insert"]);
});

test("of very many attempts the first are told", async (t) => {
  const collector = await startCollector();
  t.after(() => collector.stop());
  const call = { id: "many", deadline: new Deadline(null), log: { warn: () => undefined } };
  const tracingContext = { traceCollectorUrl: collector.url, traceId: null, spanId: null, serviceName: "unit" };
  const context = { tracingContext, getHeader: () => null };
  const tracing = startTrace(call as unknown as Call, context as unknown as Context);
  assert(tracing);
  for (let n = 1; n <= 40; n++) {
    const attempt = tracing.part("connect", () => Promise.reject(new TypeError(`attempt ${n}`)));
    await assert.rejects(attempt, new TypeError(`attempt ${n}`), "passed on as it is");
  }
  await tracing.send({ outcome: "failed", status: 503, items: 0, first: false });
  await eventually(() => collector.requests.length, "the trace, which a busy machine may send late");
  assert.equal(collector.requests[0]?.length, 31);
});
