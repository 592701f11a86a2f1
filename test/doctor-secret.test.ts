import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readContent } from "../.github/scripts/doctor/secret.ts";
import { ConfigError } from "../src/config.ts";
import { parseSecret } from "../src/vault/secret.ts";
import { AT, credentials, encode, examine, goodWorld, marked } from "./doctor-fixture.ts";

const PASSWORD = credentials.password;
const { host: _, ...hostless } = credentials;

/** What people put into a secret, and what the doctor says of the database's place. */
const contents: [string, unknown][] = [
  ["the whole", credentials],
  ["a port as text", { ...credentials, port: "5432" }],
  ["no port", { ...credentials, port: undefined }],
  ["a port that is null", { ...credentials, port: null }],
  ["a port that is none", { ...credentials, port: "abc" }],
  ["port 0", { ...credentials, port: 0 }],
  ["a host by name", { ...credentials, host: "db.example.com" }],
  ["a host with a dot behind", { ...credentials, host: "db.example.com." }],
  ["an IPv6 address", { ...credentials, host: "fd00::7" }],
  ["a managed database", { ...credentials, host: "primary.abc.postgresql.eu-frankfurt-1.oci.oraclecloud.com" }],
  ["an address that is none", { ...credentials, host: "10.0.0.999" }],
  ["a whole connection string as host", { ...credentials, host: `postgresql://user:${PASSWORD}@10.0.0.146/db` }],
  ["a user before the host", { ...credentials, host: `user:${PASSWORD}@db` }],
  ["a host of a number", { ...credentials, host: 7 }],
  ["no host", hostless],
  ["an unknown sslmode", { ...credentials, sslmode: PASSWORD }],
  ["a certificate that is none", { ...credentials, sslrootcert: PASSWORD }],
  ["a password alone", PASSWORD],
  ["an array", [PASSWORD]],
  ["a number", 7],
  ["null", "null"],
  ["text in quotes", JSON.stringify(PASSWORD)],
  ["nothing", ""],
  ["a byte order mark", `\uFEFF${JSON.stringify(credentials)}`],
  ["JSON that breaks off", JSON.stringify(credentials).slice(0, -1)],
  ["lines of a shell", `export PGPASSWORD=${PASSWORD}`],
];

suite("the doctor reads a secret", () => {
  for (const [what, content] of contents) {
    test(`as the function does: ${what}`, async () => {
      const bundle = encode(content);
      const read = readContent(bundle.secretBundleContent.content);
      const taken = accepts(bundle.secretBundleContent.content);
      assert.equal("server" in read, taken);

      const world = goodWorld();
      world.answers[AT.bundle] = bundle;
      world.smoke = { code: "FunctionInvokeExecutionFailed", meaning: "It ran, and failed." };
      const lines = await examine(world);
      assert(!lines.join("\n").includes(PASSWORD), "the password is shown");
      assert.equal(
        marked(lines, "✖").some((line) => line.includes("what the secret holds")),
        !taken,
        lines.join("\n"),
      );
      assert.equal(
        marked(lines, "✔").some((line) => line.includes("well-formed")),
        taken,
      );
      assert(lines.some((line) => /database/.test(line)));
    });
  }

  test("and keeps nothing of it but host and port", () => {
    const text = JSON.stringify(readContent(encode(credentials).secretBundleContent.content));
    assert.equal(text, '{"server":{"host":"10.0.0.146","port":6432}}');
  });

  test("whatever has become of its bundle", async () => {
    for (const bundle of [null, 5, [], {}, { secretBundleContent: { content: 5 } }, { secretBundleContent: null }]) {
      const world = goodWorld();
      world.answers[AT.bundle] = bundle;
      assert.match(marked(await examine(world), "?").join("\n"), /^\? Content of the secret: UnexpectedAnswer/);
    }
  });
});

function accepts(base64: string): boolean {
  try {
    parseSecret(base64);
    return true;
  } catch (error) {
    assert(error instanceof ConfigError);
    return false;
  }
}
