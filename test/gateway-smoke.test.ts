import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, test } from "node:test";
import type { GatewaySettings } from "../.github/scripts/settings/gateway-settings.ts";
import { smokeThrough } from "../.github/scripts/smoke/gateway.ts";
import { findKeys } from "../.github/scripts/smoke/token-keys.ts";
import { listen } from "./platform/port.ts";

let answers: [status: number, body: string][] = [];
const server = createServer((_, response) => {
  const [status, body] = (answers.length > 1 ? answers.shift() : answers[0]) ?? [500, ""];
  response.writeHead(status).end(body);
});
const url = `http://127.0.0.1:${await listen(server, 0, "")}`;
after(() => server.close());
const closed = createServer();
const nowhere = `http://127.0.0.1:${await listen(closed, 0, "")}`;
closed.close();

const gateway = { endpointType: "PRIVATE" } as GatewaySettings;
const HEALTHY = '{"status":"ok"}';

for (const [what, given, code, meaning] of [
  ["health", [[200, HEALTHY]], "ok", /answers through the gateway/],
  [
    "health after a deployment that is not known yet",
    [
      [404, ""],
      [200, HEALTHY],
    ],
    "ok",
    /answers through the gateway/,
  ],
  ["another page", [[200, "<html>"]], "200", /It answered: <html>/],
  ["a health that asks for a token", [[401, ""]], "401", /cannot be asked without one/],
  ["a gateway without the right to call", [[500, ""]], "500", /npm run bootstrap/],
  ["a function that failed", [[502, ""]], "502", /its log says why/],
] as [string, [number, string][], string, RegExp][]) {
  test(`the smoke test through the gateway tells ${what} as ${code}`, async () => {
    answers = given;
    const outcome = await smokeThrough(url, gateway);
    assert.equal(outcome.code, code);
    assert.match(outcome.meaning, meaning);
  });
}

test("a private gateway that cannot be reached from here is asked once", async () => {
  let asked = 0;
  const dropping = createServer(({ socket }) => {
    asked++;
    socket.destroy();
  });
  const { code, meaning } = await smokeThrough(`http://127.0.0.1:${await listen(dropping, 0, "")}`, gateway);
  dropping.close();
  assert.deepEqual([code, asked], ["unreachable", 1]);
  assert.match(meaning, /No answer came from \S+\/health \(\w+\)/);
});

test("keys that cannot be read from here are taken all the same, for the gateway may", async () => {
  const tokens = { issuer: "https://idp.example.com", audience: "inserter" };
  for (const keys of [`${url}/keys`, `${nowhere}/keys`]) {
    answers = [[200, "{}"]];
    assert.deepEqual(await findKeys({ ...tokens, keys }), { ...tokens, keys });
  }
});

test("of keys there must be one that a token can match", async (t) => {
  const said: string[] = [];
  t.mock.method(process.stderr, "write", (text: string) => said.push(text) > 0);
  const tokens = { issuer: "https://idp.example.com", audience: "inserter", keys: `${url}/keys` };
  const [rsa, none] = [{ kty: "RSA", kid: "1" }, /no RSA key with a kid/];
  for (const [keys, warning] of [
    [[{ kty: "EC", kid: "1" }, rsa], undefined],
    [[{ kty: "EC", kid: "1" }], none],
    [[{ kty: "RSA" }], none],
    [[{ kty: "RSA", kid: "" }, "RSA"], none],
    [[], none],
  ] as const) {
    answers = [[200, JSON.stringify({ keys })]];
    said.length = 0;
    await findKeys(tokens);
    assert.equal(said.length, warning ? 1 : 0, said.join());
    if (warning) assert.match(String(said[0]), warning);
  }
});
