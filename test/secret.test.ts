import assert from "node:assert/strict";
import test from "node:test";
import { ConfigError } from "../src/config.ts";
import { parseSecret } from "../src/secret.ts";

const secret = { host: "db", dbname: "d", username: "u", password: "hunter2" };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");

test("a secret has the defaults of the contract", () => {
  assert.deepEqual(parseSecret(encode(secret)), { ...secret, port: 5432, sslmode: "verify-full" });
});

test("a secret's port may be a numeric string", () => {
  assert.equal(parseSecret(encode({ ...secret, port: "6432" })).port, 6432);
});

for (const [field, value] of [
  ["host", undefined],
  ["dbname", ""],
  ["username", 5],
  ["password", null],
  ["port", "hunter2"],
  ["port", 0],
  ["port", true],
  ["sslmode", "prefer"],
  ["sslrootcert", "hunter2"],
] as const) {
  test(`a secret whose ${field} is ${JSON.stringify(value)} is refused by the field's name, without a value`, () => {
    assert.throws(
      () => parseSecret(encode({ ...secret, [field]: value })),
      (error) =>
        error instanceof ConfigError && error.message.includes(`${field}:`) && !error.message.includes("hunter2"),
    );
  });
}

for (const content of ["", "hunter2", "[]", "null", '"hunter2"', '{"password":"hunter2"']) {
  test(`a secret that is ${content || "empty"} is refused without being quoted`, () => {
    assert.throws(
      () => parseSecret(Buffer.from(content).toString("base64")),
      (error) => error instanceof ConfigError && !error.message.includes("hunter2"),
    );
  });
}
