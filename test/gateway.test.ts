import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, test } from "node:test";
import { fillSpecification, openRoutes, readSpecification } from "../.github/scripts/settings/specification.ts";
import { platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { openGateway } from "./platform/gateway.ts";
import { startIssuer } from "./platform/issuer.ts";

const AUDIENCE = "inserter";
const PAGE = "https://app.example.com";

const issuer = await startIssuer();
after(() => issuer.stop());
const auth = { issuer: issuer.url, audience: AUDIENCE, keys: issuer.keysUrl };
const { url, accessLog, functions, postgres } = await platformForTests({ access: { auth, origins: [PAGE] } });

const now = () => Math.floor(Date.now() / 1_000);
const bearer = (claims: object = {}) => ({ authorization: `Bearer ${issuer.token({ aud: AUDIENCE, ...claims })}` });
const post = (headers: Record<string, string> = {}, body: BodyInit = '{"name":"by token"}') =>
  fetch(`${url}/items`, { method: "POST", headers, body });

test("a token of the issuer, for the audience, inserts", async () => {
  for (const claims of [{}, { aud: ["other", AUDIENCE] }, { exp: now() - 5 }]) {
    const response = await post(bearer(claims));
    assert.equal(response.status, 201, await response.text());
  }
});

const { privateKey: strange } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const claims = { aud: AUDIENCE };
const unsigned = issuer.token(claims).replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString("base64url"));
for (const [what, headers] of [
  ["no token", {}],
  ["a token for another audience", bearer({ aud: "other" })],
  ["a token of another issuer", bearer({ iss: "https://other.example.com" })],
  ["a token that has expired", bearer({ exp: now() - 120 })],
  ["a token that is not yet valid", bearer({ nbf: now() + 120 })],
  ["a token without an end", bearer({ exp: undefined })],
  ["a token signed by another key", { authorization: `Bearer ${issuer.token(claims, strange)}` }],
  ["a token signed by nobody", { authorization: `Bearer ${unsigned}` }],
  ["a token of another scheme", { authorization: `Basic ${issuer.token(claims)}` }],
  ["what is no token", { authorization: "Bearer x" }],
] as [string, Record<string, string>][]) {
  test(`${what} is refused with 401`, async () => {
    const response = await post(headers);
    assert.equal(response.status, 401);
    assert.deepEqual(await response.json(), { code: 401, message: "Unauthorized" });
  });
}

test("health, and nothing else, is asked without a token", async () => {
  assert.equal((await fetch(`${url}/health`)).status, 200);
  assert.equal((await fetch(`${url}/health`, { method: "HEAD" })).status, 200);
  for (const [method, path] of [
    ["GET", "/items"],
    ["POST", "/health"],
    ["GET", "/v1/health"],
    ["POST", "/x/items"],
  ])
    assert.equal((await fetch(`${url}${path}`, { method: String(method) })).status, 401, `${method} ${path}`);
  const response = await fetch(`${url}/items`, { headers: bearer() });
  assert.deepEqual([response.status, response.headers.get("allow")], [405, "POST"]);
});

test("a page of an origin that is named may call, and no other", async () => {
  const preflight = (origin: string) =>
    fetch(`${url}/items`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
  const { status, headers } = await preflight(PAGE);
  assert.equal(status, 204);
  assert.equal(headers.get("access-control-allow-origin"), PAGE);
  assert.match(String(headers.get("access-control-allow-methods")), /\bPOST\b/);
  assert.match(String(headers.get("access-control-allow-headers")), /Authorization.*Idempotency-Key/);
  const named = await post({ ...bearer(), origin: PAGE });
  assert.deepEqual([named.status, named.headers.get("access-control-allow-origin")], [201, PAGE]);

  const other = "https://other.example.com";
  assert.equal((await preflight(other)).headers.get("access-control-allow-origin"), null);
  assert.equal((await post({ ...bearer(), origin: other })).headers.get("access-control-allow-origin"), null);
});

test("the access log has a line for each request, without what was sent", async () => {
  const before = accessLog.length;
  await post(bearer(), '{"name":"not to be logged"}');
  await post();
  const [stored, refused, ...others] = accessLog.slice(before).map((line) => JSON.parse(line));
  assert.deepEqual([stored.method, stored.url, stored.status], ["POST", "/items", 201]);
  assert.equal(refused.status, 401);
  assert.deepEqual(others, []);
  assert.doesNotMatch(accessLog.join("\n"), /not to be logged|Bearer|eyJ/);
});

test("requests above the rate are refused with 429, until the next second", async () => {
  const ask = () => fetch(`${url}/nowhere`).then(({ status }) => status);
  const statuses = await Promise.all(Array.from({ length: 320 }, ask));
  assert(statuses.includes(429), `${new Set(statuses)}`);
  await eventually(async () => (await ask()) === 401, "an answer");
});

const faults: string[] = [];
const written = readSpecification(faults);
assert(written, faults.join());

test("without tokens, nobody is authenticated and no route asks for it; without origins, no page may call", () => {
  const open = fillSpecification(written, "ocid1.fnfunc.a", { auth: "none", origins: [] });
  assert.deepEqual(Object.keys(open.requestPolicies ?? {}), ["rateLimiting"]);
  assert.doesNotMatch(JSON.stringify(open), /authorization|\$\{/);
  assert.deepEqual(openRoutes(open), ["POST /items", "GET, HEAD /health", "ANY /{other*}"]);
  const closed = fillSpecification(written, "ocid1.fnfunc.a", { auth, origins: [PAGE] });
  assert.doesNotMatch(JSON.stringify(closed), /\$\{/);
  assert.deepEqual(openRoutes(closed), ["GET, HEAD /health"]);
});

test("a policy that is not played here is refused by name", () => {
  const filled = fillSpecification(written, "ocid1.fnfunc.a", { auth, origins: [] });
  const strange = { ...filled, requestPolicies: { ...filled.requestPolicies, mutualTls: {} } };
  assert.throws(() => openGateway(strange, () => functions), /does not play requestPolicies: .*mutualTls/);
  const { authentication: _, ...policies } = filled.requestPolicies ?? {};
  const unread = { ...filled, requestPolicies: policies };
  assert.throws(() => openGateway(unread, () => functions), /\/items has an authorization, and nobody authenticates/);
});

test("nothing but what was answered 201 is in the table", async () => {
  const [row] = await postgres.query<{ count: string }>("SELECT count(*) FROM items");
  const stored = accessLog.filter((line) => JSON.parse(line).status === 201);
  assert.deepEqual([row?.count, stored.length], ["6", 6]);
});
