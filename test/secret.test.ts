import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import test from "node:test";
import { rootCertificates } from "node:tls";
import { ConfigError } from "../src/config.ts";
import { parseSecret } from "../src/vault/secret.ts";

const secret = { host: "db", dbname: "d", username: "u", password: "hunter2" };
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");

test("a secret has the defaults of the contract", () => {
  assert.deepEqual(parseSecret(encode(secret)), { ...secret, port: 5432, sslmode: "verify-full" });
});

test("a secret's port may be a numeric string", () => {
  assert.equal(parseSecret(encode({ ...secret, port: "6432" })).port, 6432);
});

for (const [what, text] of [
  ["a byte order mark", `\ufeff${JSON.stringify(secret)}`],
  ["a port that is null", JSON.stringify({ ...secret, port: null })],
] as const) {
  test(`${what} in a secret is taken for nothing`, () => {
    assert.equal(parseSecret(Buffer.from(text).toString("base64")).port, 5432);
  });
}

for (const host of ["db", "10.0.0.146", "::1", "fe80::1%eth0", "db_1.example.", "xn--mller-kva.de", "müller.de"]) {
  test(`a secret's host may be ${host}`, () => assert.equal(parseSecret(encode({ ...secret, host })).host, host));
}

for (const [host, why] of [
  ["hunter2 ", /blanks/],
  ["hunter2:6432", /the port belongs into "port"/],
  ["[::1]", /brackets/],
  ["hunter2,other", /not a list/],
  ["postgresql://u:hunter2@db", /not a URL/],
  ["/var/run/hunter2", /not a socket's path/],
  ["hunter2@db", /a character in it/],
] as const) {
  test(`a secret's host may not be ${host}, and it is said why`, () =>
    assertRefused({ ...secret, host }, /host: .*alone/, why));
}

test("a field under a wrong name is said to be missing under its own", () => {
  const { username: user, dbname: database, ...rest } = secret;
  assertRefused(
    { ...rest, user, database },
    /dbname: is missing; "database" must be called "dbname"/,
    /username: .*"user"/,
  );
});

const [one = "", other = ""] = rootCertificates;
const both = `${one}\n${other}\n`;

for (const [what, pem] of [
  ["as they are", both],
  ["with a text before each", `one\n${one}\nother\n${other}`],
  ["with Windows's ends of lines", both.replaceAll("\n", "\r\n")],
  ["with literal \\n", both.replaceAll("\n", "\\n")],
  ["with blanks for ends of lines", both.replaceAll("\n", " ")],
  ["without ends of lines", both.replaceAll("\n", "")],
] as const) {
  test(`certificates ${what} are those that were meant`, () => {
    const { sslrootcert = "" } = parseSecret(encode({ ...secret, sslrootcert: pem }));
    const read = sslrootcert.split(/(?<=-----END CERTIFICATE-----\n)/);
    assert.deepEqual(
      read.map((text) => new X509Certificate(text).fingerprint256),
      [one, other].map((text) => new X509Certificate(text).fingerprint256),
    );
  });
}

for (const [what, sslrootcert, why] of [
  ["no certificate", "hunter2", /must be PEM certificates/],
  ["a file's name", "/etc/hunter2.pem", /not a file's name/],
  ["cut", one.slice(0, -30), /is cut/],
  ["shortened", one.replace(/\n[^\n]*\n/, "\n"), /cannot be read/],
  [
    "changed",
    both.replace(/(?<=END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n)MI/, "XX"),
    /number 2 of 2 cannot be read/,
  ],
] as const) {
  test(`an sslrootcert that is ${what} is refused, and it is said why`, () =>
    assertRefused({ ...secret, sslrootcert }, /sslrootcert: /, why));
}

function assertRefused(content: object, ...says: RegExp[]): void {
  assert.throws(
    () => parseSecret(encode(content)),
    (error) => {
      assert(error instanceof ConfigError && !error.message.includes("hunter2"));
      for (const say of says) assert.match(error.message, say);
      return true;
    },
  );
}

for (const [field, value] of [
  ["host", undefined],
  ["dbname", ""],
  ["username", 5],
  ["password", null],
  ["port", "hunter2"],
  ["port", 0],
  ["port", true],
  ["sslmode", "prefer"],
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
