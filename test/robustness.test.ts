import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import test from "node:test";
import fc from "fast-check";
import { assertNoSecret, platformForTests } from "./fixture.ts";
import type { Invocation } from "./platform/functions.ts";

const platform = await platformForTests({ functions: { timeoutSeconds: 20 } });

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
  const memory = () => residentOf(container?.pid ?? 0);
  const sizes: number[] = [];
  await fc.assert(
    fc.asyncProperty(body, fc.option(gateway, { nil: undefined }), headers, async (body, gateway, headers) => {
      sizes.push(memory());
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
  const early = Math.max(...sizes.slice(0, 1_000));
  const last = sizes.at(-1) ?? 0;
  t.diagnostic(`${sizes.length} cases; resident memory ${early} kB early, ${last} kB at the end`);
  assert(last <= 1.25 * early, "memory grows with the cases");
});

/** Resident memory of a process, kB; 0 where the system does not tell. */
function residentOf(pid: number): number {
  const status = `/proc/${pid}/status`;
  return existsSync(status) ? Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1]) : 0;
}
