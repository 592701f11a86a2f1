import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import fc from "fast-check";
import { parseItems } from "../src/delivery/items.ts";
import { Problem } from "../src/problem.ts";
import { assertNoSecret, platformForTests } from "./fixture.ts";
import { document, faultsBy, functionsOwn, operations, type Request } from "./openapi.ts";
import { assertAnswer } from "./openapi-answer.ts";

const platform = await platformForTests();
const { functions, postgres, vault } = platform;
const { credentials } = postgres;
const LONG = functions.options.timeoutSeconds;

/** What an example's summary says, or its status: done before it is asked for. */
const circumstances: Readonly<Record<string, () => unknown>> = {
  inAnotherRow: () =>
    postgres.query("TRUNCATE items; INSERT INTO items (name) VALUES ('Anvil'); ALTER TABLE items ADD UNIQUE (name)"),
  brokenCheck: () => postgres.query("TRUNCATE items; ALTER TABLE items ADD CHECK (name <> 'Anvil')"),
  malformedSecret: () => vault.put({ ...credentials, host: "" }),
  wrongPassword: () => vault.put({ ...credentials, password: "wrong" }),
  vaultHangs: () => {
    functions.options.timeoutSeconds = 4;
    vault.answer("hang");
  },
};

async function mend() {
  vault.answer();
  vault.put(credentials);
  functions.options.timeoutSeconds = LONG;
  functions.replace();
  for (const name of ["items_name_key", "items_name_check"])
    await postgres.query(`ALTER TABLE items DROP CONSTRAINT IF EXISTS ${name}`);
}

/** What is sent where an example does not say. */
const items = operations.find(({ method }) => method === "POST")?.requests?.examples ?? {};
const itemFor = (name: string) => (items[name] ?? items.item)?.value;

test("the document is OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  assert(valid, JSON.stringify(errors));
  assert.match(document.openapi, /^3\.1\./);
});

suite("each example is what its schema says", () => {
  for (const { method, path, parameters, requests, responses } of operations) {
    const contents = responses.flatMap(({ status, response }) =>
      Object.values(response.content).map((content) => [`${status}`, content] as const),
    );
    for (const [where, { schema, examples = {} }] of [
      ...contents,
      ...(requests ? [["request", requests] as const] : []),
    ])
      for (const [name, { value }] of Object.entries(examples))
        test(`the example ${name} of ${method} ${path}, ${where}, is what its schema says`, () =>
          assert.deepEqual(faultsBy(schema, value), []));
    for (const { schema, example } of parameters)
      test(`the parameter ${example} of ${method} ${path} is what its schema says`, () =>
        assert.deepEqual(faultsBy(schema, example), []));
  }
});

test("each example of a request has its answer beside it", () => {
  const stored = operations.flatMap(({ responses }) => responses.filter(({ status }) => status === 201));
  const answers = stored.flatMap(({ response }) => Object.keys(functionsOwn(201, response)?.examples ?? {}));
  assert.deepEqual(
    Object.keys(items).filter((name) => !answers.includes(name)),
    [],
  );
});

const documented = new Set<string>();
const met = new Set<string>();

suite("each example of an answer is what the function gives", () => {
  for (const { method, path, responses } of operations)
    for (const { status, response } of responses) {
      const content = functionsOwn(status, response);
      if (!content) continue;
      documented.add(`${method} ${path} ${status}`);
      for (const [name, example] of Object.entries(content.examples ?? {})) {
        test(`${method} ${path} answers ${status} as in the example ${name}`, async (t) => {
          t.after(circumstances[name] ? mend : () => undefined);
          if (circumstances[name]) functions.replace();
          await circumstances[name]?.();
          const sent = { method, path, ...(method === "POST" && { body: itemFor(name) }), ...example["x-request"] };
          const text = await assertAnswer(await ask(sent), {
            method: sent.method,
            status,
            response,
            example,
            ...content,
          });
          assertNoSecret(platform, text);
          met.add(`${method} ${path} ${status}`);
        });
      }
    }
});

test("each status of the function has been met", () => {
  assert(documented.size > 0);
  assert.deepEqual([...met], [...documented]);
});

async function ask({ method = "", path, headers = {}, body, text }: Request): Promise<globalThis.Response> {
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body));
  return fetch(`${platform.url}${path}`, { method, headers, ...(sent !== undefined && { body: sent }) });
}

test("docs/api.md tells each status, and whose it is", () => {
  const page = readFileSync(new URL("../docs/api.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| +([\d, ]+?) +\| (function|gateway) +\|/gm);
  const told = [...rows].flatMap(([, statuses = "", whose]) => statuses.split(", ").map((one) => `${one} ${whose}`));
  const known = operations.flatMap(({ responses }) =>
    responses.flatMap(({ status, response }) => [
      ...(functionsOwn(status, response) ? [`${status} function`] : []),
      ...(status >= 400 && response.content["application/json"] ? [`${status} gateway`] : []),
    ]),
  );
  assert.deepEqual(new Set(told), new Set(known));
});

test("the schema of a request takes what the function takes, and nothing else", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 3 }),
    fc.constantFrom("", "\0", "a\0", "\ud83d", "\ude00a", "\ude00\ud83d", "é", "😀", " ", "\n", "\x7f"),
    fc
      .constantFrom("a", "😀", "é", "~", " ")
      .chain((unit) => fc.integer({ min: 253, max: 257 }).map((n) => unit.repeat(n))),
  );
  const odd = fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) });
  // One that is odd among those that are not shows what becomes of it.
  const member = (plain: string | null) => fc.oneof({ weight: 2, arbitrary: fc.constant(plain) }, odd);
  const members = { name: member("a"), description: member(null), idempotency_key: member("k") };
  const item = fc.record(members, { requiredKeys: ["name"], noNullPrototype: true });
  const stranger = fc.record({ name: fc.constant("a"), other: odd }, { requiredKeys: [], noNullPrototype: true });
  const one = fc.oneof({ weight: 4, arbitrary: item }, stranger, fc.jsonValue({ maxDepth: 1 }));
  const schema = { $ref: "#/components/schemas/Items" };
  let taken = 0;
  fc.assert(
    fc.property(fc.oneof(one, fc.array(one, { maxLength: 2 })), (value) => {
      const takes = isTaken(value);
      if (takes) taken++;
      assert.equal(faultsBy(schema, value).length === 0, takes);
    }),
    { numRuns: 5_000 },
  );
  assert(taken > 500 && taken < 4_500, `${taken} were taken`);
});

function isTaken(value: unknown): boolean {
  try {
    parseItems(value, Buffer.from(JSON.stringify(value)));
    return true;
  } catch (error) {
    if (error instanceof Problem && error.status === 422) return false;
    throw error;
  }
}
