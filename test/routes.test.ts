import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { assertProblem, direct, gateway, platformForTests } from "./fixture.ts";

const platform = await platformForTests();

test("an empty direct invoke is the health check", async () => {
  const { status, json } = await direct(platform, "");
  assert.equal(status, 200);
  assert.deepEqual(json, { status: "ok" });
});

test("an empty body through the gateway is 400", async () => {
  assertProblem(await gateway(platform, "POST", "/items"), 400, 400);
});

for (const [method, path, status] of [
  ["GET", "/health", 200],
  ["GET", "/v1/inserter/health?verbose=1", 200],
  ["HEAD", "/health", 200],
  ["POST", "/v1/items?x=/health", 201],
  ["POST", "/", 404],
  ["POST", "/item", 404],
  ["POST", "/items/1", 404],
  ["POST", "/items/", 404],
  ["GET", "/items", 405],
  ["DELETE", "/items", 405],
  ["POST", "/health", 405],
] as const) {
  test(`${method} ${path} through the gateway is ${status}`, async () => {
    const answer = await gateway(
      platform,
      method,
      path,
      ["GET", "HEAD"].includes(method) ? undefined : '{"name":"routed"}',
    );
    assert.equal(answer.status, status);
    if (status >= 400) assertProblem(answer, status, status);
    assert.equal(answer.allow, status === 405 ? (path.endsWith("items") ? "POST" : "GET, HEAD") : null);
  });
}

for (const [coding, compress] of [
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["zstd", zstdCompressSync],
  ["br", brotliCompressSync],
] as const) {
  test(`a body compressed by ${coding} is 415, and by name where no header tells`, async () => {
    const body = new Uint8Array(compress('{"name":"compressed"}'));
    const headers = { "Content-Encoding": coding };
    const response = await fetch(`${platform.url}/items`, { method: "POST", headers, body });
    assert.equal(response.headers.get("accept-encoding"), "identity");
    assert.equal(((await response.json()) as { status: number }).status, 415);
    const { json } = await direct(platform, Buffer.from(body));
    if (coding === "br") assert.equal(json.status, 400);
    else assert.deepEqual([json.status, json.detail.includes(coding)], [415, true]);
  });
}

test("a body that says it is encoded as identity is taken", async () => {
  const headers = { "Content-Encoding": "identity" };
  const { status } = await fetch(`${platform.url}/items`, { method: "POST", headers, body: '{"name":"identity"}' });
  assert.equal(status, 201);
});
