import assert from "node:assert/strict";
import test from "node:test";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { assertNoSecret, platformForTests } from "./fixture.ts";
import type { Container } from "./platform/container.ts";
import { eventually } from "./platform/eventually.ts";
import type { Invocation } from "./platform/functions.ts";

/** Makes a container tell its memory. */
const HEAP = fileURLToPath(new URL("platform/heap.cjs", import.meta.url));

// Never frozen, since it is asked for its memory by a signal, which a frozen container does not get.
const platform = await platformForTests({
  functions: { pauseAfter: 3_600_000, idleSeconds: 3_600 },
  config: { NODE_OPTIONS: `--expose-gc --require=${HEAP}` },
});

/** FUZZ_CASES=100000 is the long form. */
const CASES = Number(process.env.FUZZ_CASES ?? 1_500);

const STATUSES = [200, 201, 400, 404, 405, 422, 503, 504];

const text = fc.oneof(fc.constantFrom("a", "a\0b", "\ud800", "", "😀".repeat(256)), fc.string({ unit: "binary" }));
const shape = fc.oneof(
  fc.json(),
  fc.record({ name: text, description: fc.option(text) }).map((item) => JSON.stringify(item)),
  fc.dictionary(fc.constantFrom("name", "description", "__proto__", "x"), text).map((item) => JSON.stringify(item)),
);
const body = fc.oneof(
  fc.uint8Array().map(Buffer.from),
  shape.map(Buffer.from),
  shape.map((json) => Buffer.from(json).subarray(1)),
);
const headerText = fc.stringMatching(/^[\x20-\x7e\xa0-\xff]{0,40}$/);
const url = fc.oneof(
  headerText,
  fc.constantFrom(
    "/items",
    "/health",
    "//items",
    "http://[",
    "/items?/health",
    "#",
    "%",
    "/%zz/items",
    `/${"x".repeat(8000)}`,
  ),
);
const gateway = fc.record({
  method: fc.oneof(fc.constantFrom("GET", "POST", "post", "TRACE"), headerText),
  url,
  headers: fc.dictionary(
    fc.stringMatching(/^[a-z-]{1,9}$/),
    fc.oneof(headerText, fc.array(headerText, { minLength: 1 })),
  ),
});
const deadline = fc.oneof(
  fc.constantFrom("", "soon", "9999-12-31T23:59:59Z", "+275760-09-13T00:00:00.000Z", "-1"),
  fc.date().map(String),
);
const headers = fc.oneof(
  fc.constant({}),
  fc.record({ "Fn-Deadline": deadline }),
  fc.record({
    "Fn-Deadline": fc.array(deadline, { minLength: 2 }),
    "Fn-Call-Id": fc.array(headerText, { minLength: 2 }),
  }),
  fc.record({ "Fn-Intent": headerText, "Content-Type": headerText }),
);

test("no input whatever makes the function die, hang or answer outside the contract", async (t) => {
  await platform.functions.invoke({});
  const [container] = platform.functions.containers;
  assert(container);
  let cases = 0;
  let early = 0;
  await fc.assert(
    fc.asyncProperty(body, fc.option(gateway, { nil: undefined }), headers, async (body, gateway, headers) => {
      if (++cases === 500) early = await memoryOf(container);
      const outcome = await platform.functions.invoke({ body, headers, ...(gateway && { gateway }) } as Invocation);
      assertNoSecret(platform, outcome.body.toString());
      const failed = outcome.code !== undefined;
      if (failed) assert.deepEqual([outcome.code, Boolean(gateway)], ["FunctionInvokeExecutionFailed", false]);
      const answer = failed ? {} : JSON.parse(outcome.body.toString());
      const told = outcome.headers["fn-http-status"];
      if (gateway) assert(STATUSES.includes(Number(told)), String(told));
      if (!failed && Number(told) >= 400) assert.equal(answer.status, Number(told));
      assert.equal(typeof answer, "object");
    }),
    { numRuns: CASES },
  );
  assert.deepEqual(platform.functions.containers, [container], "the same process answered all");
  const last = await memoryOf(container);
  t.diagnostic(`${cases} cases; ${early} bytes of memory after 500, ${last} at the end`);
  assert(last <= 1.2 * early, "memory grows with the cases");
});

/** What a container holds once its garbage is collected, bytes. */
async function memoryOf({ pid }: Container): Promise<number> {
  const { logs } = platform.functions;
  const told = () => logs.filter((line) => line.includes('"msg":"memory"'));
  const before = told().length;
  process.kill(pid, "SIGUSR2");
  await eventually(() => told().length > before, "the container to tell its memory");
  return JSON.parse(String(told().at(-1))).bytes;
}
