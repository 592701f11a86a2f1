import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { after, suite, test } from "node:test";
import { platformForTests } from "./fixture.ts";
import { gatewaysOwn, operations } from "./openapi.ts";
import { assertAnswer } from "./openapi-answer.ts";
import { eventually } from "./platform/eventually.ts";
import { BODY_LIMIT } from "./platform/functions.ts";
import { startIssuer } from "./platform/issuer.ts";

const AUDIENCE = "inserter";

const issuer = await startIssuer();
after(() => issuer.stop());
const auth = { issuer: issuer.url, audience: AUDIENCE, keys: issuer.keysUrl };
const { url, functions, vault } = await platformForTests({ access: { auth, origins: [] } });
const LONG = functions.options.timeoutSeconds;
const TOKEN = { authorization: `Bearer ${issuer.token({ aud: AUDIENCE })}` };

/** Asks an operation, with a token and a body that fit unless others are given. */
type Ask = (headers?: Record<string, string>, body?: Buffer<ArrayBuffer>) => Promise<Response>;

/** How each example of the gateway's own answers comes to pass. */
const provocations: Readonly<Record<string, (ask: Ask) => Promise<Response>>> = {
  noToken: (ask) => ask({}),
  tooLarge: (ask) => ask(TOKEN, Buffer.alloc(BODY_LIMIT + 1, " ")),
  tooMany: (ask) =>
    eventually(async () => {
      await Promise.all(Array.from({ length: 120 }, () => fetch(`${url}/nowhere`)));
      const answer = await ask();
      return answer.status === 429 && answer;
    }, "the limit of a second"),
  died: (ask) => inTheMidst(ask, (container) => container.kill()),
  noAnswer(ask) {
    functions.options.timeoutSeconds = 3;
    return inTheMidst(ask, (container) => container.pause());
  },
};

/** What test/provision-gateway.test.ts meets, with the policies of the local cloud. */
const ELSEWHERE = ["noPolicy"];

/** Does something to the container while the function waits for Vault. */
async function inTheMidst(ask: Ask, act: (container: (typeof functions.containers)[number]) => void) {
  functions.replace();
  vault.answer("hang");
  const before = vault.requests;
  const answering = ask();
  await eventually(() => vault.requests > before, "a look into Vault");
  const [container] = functions.containers;
  assert(container);
  act(container);
  return answering;
}

/** As fetch, which sends no body with GET and HEAD. */
async function send(to: string, method: string, headers: Record<string, string>, body: Buffer): Promise<Response> {
  const sending = request(to, { method, headers: { ...headers, "content-length": String(body.length) }, agent: false });
  sending.end(body);
  const [answer] = (await once(sending, "response")) as [IncomingMessage];
  const { statusCode: status, headersDistinct } = answer;
  const received = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Response(Buffer.concat(await answer.toArray()), { status: Number(status), headers: received });
}

async function mend() {
  functions.options.timeoutSeconds = LONG;
  vault.answer();
  functions.replace();
  await eventually(async () => (await fetch(`${url}/nowhere`)).status !== 429, "the next second");
}

suite("each example of the gateway's own answers is what the local gateway gives", () => {
  for (const { method, path, responses } of operations)
    for (const { status, response } of responses) {
      const content = gatewaysOwn(status, response);
      for (const [name, example] of Object.entries(content?.examples ?? {})) {
        if (!content || ELSEWHERE.includes(name)) continue;
        test(`the gateway answers ${method} ${path} with ${status} as in the example ${name}`, async (t) => {
          t.after(mend);
          const fitting = Buffer.from(method === "POST" ? '{"name":"Anvil"}' : "");
          const ask: Ask = (headers = TOKEN, body = fitting) => send(`${url}${path}`, method, headers, body);
          const answer = await provocations[name]?.(ask);
          assert(answer, `nothing provokes ${name}`);
          await assertAnswer(answer, { method, status, response, example, ...content });
        });
      }
    }
});

test("each of the gateway's own statuses has an example", () => {
  for (const { method, path, responses } of operations)
    for (const { status, response } of responses) {
      const content = gatewaysOwn(status, response);
      if (content) assert(Object.keys(content.examples ?? {}).length > 0, `${method} ${path} ${status}`);
    }
});

test("the routes that document 401 are those that take tokens", async () => {
  const documented = operations.filter(({ responses }) => responses.some(({ status }) => status === 401));
  const refused = [];
  for (const operation of operations) {
    const { status } = await fetch(`${url}${operation.path}`, { method: operation.method });
    if (status === 401) refused.push(operation);
  }
  assert.deepEqual(refused, documented);
});
