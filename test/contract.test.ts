import assert from "node:assert/strict";
import { test } from "node:test";
import { type Answer, assertProblem, closingLine, direct, gateway, platformForTests } from "./fixture.ts";

const platform = await platformForTests();
const { postgres, functions } = platform;

const rows = () => postgres.query<{ id: number; name: string }>("SELECT * FROM items ORDER BY id");
const forms: [form: string, send: (body: string) => Promise<Answer>][] = [
  ["a direct invoke", (body) => direct(platform, body)],
  ["the gateway", (body) => gateway(platform, "POST", "/items", body)],
];

for (const [form, send] of forms) {
  const isDirect = form === "a direct invoke";

  test(`one item through ${form} is stored and answered with its row`, async () => {
    const { status, type, json } = await send('{"name":"Grüße 😀","description":"d"}');
    assert.equal(status, isDirect ? 200 : 201);
    assert.equal(type, "application/json");
    assert.deepEqual(Object.keys(json), ["id", "name", "description", "created_at"]);
    assert.match(json.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    const [row] = await postgres.query(
      `SELECT id, name, description, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00') AS created_at
       FROM items WHERE id = $1`,
      [json.id],
    );
    assert.deepEqual(row, json);
  });

  test(`a batch through ${form} is stored and answered with its ids, in order`, async () => {
    const { status, json } = await send('[{"name":"x"},{"name":"y"},{"name":"z"}]');
    assert.equal(status, isDirect ? 200 : 201);
    assert.deepEqual(Object.keys(json), ["count", "ids"]);
    const stored = await postgres.query<{ id: number; name: string }>("SELECT id, name FROM items WHERE id = ANY($1)", [
      json.ids,
    ]);
    assert.deepEqual(
      json.ids.map((id: number) => stored.find((row) => row.id === id)?.name),
      ["x", "y", "z"],
    );
  });

  for (const [what, body, status] of [
    ["bytes that are not JSON", "{", 400],
    ["an item without a name", "{}", 422],
    ["a batch with one bad item in the middle", '[{"name":"a"},{"name":""},{"name":"c"}]', 422],
  ] as const) {
    test(`${what} through ${form}: ${status}, and nothing is stored`, async () => {
      const before = await rows();
      const answer = await send(body);
      assertProblem(answer, status, isDirect ? 200 : status);
      assert.equal(status === 422, "errors" in answer.json);
      assert.deepEqual(await rows(), before);
    });
  }
}

test("a deadline that is past is 504, and plainly so", async () => {
  const headers = { "Fn-Deadline": new Date(Date.now() - 1_000).toISOString() };
  const gateway = { method: "POST", url: "/items", headers: {} };
  const { body, callId } = await functions.invoke({ body: '{"name":"late"}', headers, gateway });
  const { status, detail } = JSON.parse(body.toString());
  assert.deepEqual([status, detail], [504, "The time was up before anything was done."]);
  assert.equal((await closingLine(platform, callId)).code, "TIMEOUT");
});

test("each invocation has one closing line, with the outcome and the time of each step", async () => {
  functions.replace();
  const lines = [];
  for (const body of ['{"name":"a"}', '[{"name":"a"},{"name":"b"}]', "{}", ""]) {
    const { callId } = await functions.invoke({ body });
    lines.push(await closingLine(platform, callId));
  }
  assert.deepEqual(
    lines.map(({ level, msg, status, items, first }) => ({ level, msg, status, items, first })),
    [
      { level: "info", msg: "stored", status: 201, items: 1, first: true },
      { level: "info", msg: "stored", status: 201, items: 2, first: false },
      { level: "info", msg: "refused", status: 422, items: 0, first: false },
      { level: "info", msg: "healthy", status: 200, items: 0, first: false },
    ],
  );
  for (const { time, callId, ms } of lines) {
    assert(!Number.isNaN(Date.parse(time)));
    assert.match(callId, /./);
    assert.deepEqual(Object.keys(ms), ["secret", "connect", "insert", "total"]);
    assert(ms.total >= ms.secret);
  }
  assert(lines[0].ms.secret > 0, "the first one read the secret");
  assert.equal(lines[1].ms.secret, 0, "the second one had it");
});
