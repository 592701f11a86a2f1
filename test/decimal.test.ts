import assert from "node:assert/strict";
import test from "node:test";
import { decimalOf } from "../src/values/decimal.ts";

test("a number's digits and power of ten are those that were written", () => {
  for (const [source, digits, exponent, scale] of [
    ["0.0120", "12", -3, 4],
    ["-1200", "12", 2, 0],
    ["1.50e3", "15", 2, -1],
    ["12E-400", "12", -400, 400],
    ["-0.00e9", "", 0, -7],
    ["100200300", "1002003", 2, 0],
  ] as const) {
    assert.deepEqual(decimalOf(source), { digits, exponent, scale }, source);
  }
});

test("a number of millions of digits is taken apart without a wait", () => {
  const zeros = "0".repeat(6_000_000);
  const since = performance.now();
  assert.equal(decimalOf(`1${zeros}1`).digits.length, zeros.length + 2);
  assert.deepEqual(decimalOf(`0.${zeros}1${zeros}`).digits, "1");
  assert(performance.now() - since < 5_000);
});
