import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fingerprintOf, openCredentials } from "../.github/scripts/oci/credentials.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
const encrypted = String(
  privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "pass" }),
);
const traditional = String(
  privateKey.export({ type: "pkcs1", format: "pem", cipher: "aes-128-cbc", passphrase: "pass" }),
);
const given = {
  OCI_CLI_USER: "ocid1.user.oc1..me",
  OCI_CLI_TENANCY: "ocid1.tenancy.oc1..ours",
  OCI_CLI_REGION: "eu-frankfurt-1",
  OCI_CLI_FINGERPRINT: fingerprintOf(privateKey),
};
const folder = mkdtempSync("/tmp/inserter-key-");
after(() => rmSync(folder, { recursive: true }));
const keyFile = join(folder, "key.pem");
writeFileSync(keyFile, `${pem}OCI_API_KEY\n`);
const publicPem = String(createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
const publicFile = join(folder, "public.pem");
writeFileSync(publicFile, publicPem);

/** The private key of the configuration file that the credentials lead to. */
function keyOf(env: Record<string, string>): string {
  const config = String(openCredentials({ ...given, ...env }).OCI_CLI_CONFIG_FILE);
  assert.match(readFileSync(config, "utf8"), /^\[DEFAULT\]\nuser=ocid1\.user\.oc1\.\.me\ntenancy=ocid1\.tenancy/);
  const file = /key_file=(.*)/.exec(readFileSync(config, "utf8"))?.[1] ?? "";
  assert.equal(statSync(file).mode & 0o77, 0, "others may read the key");
  return readFileSync(file, "utf8");
}

const forms: Record<string, Record<string, string>> = {
  "as it is": { OCI_CLI_KEY_CONTENT: pem },
  "with OCI's label after it": { OCI_CLI_KEY_CONTENT: `${pem}OCI_API_KEY\n` },
  "with \\n spelt out": { OCI_CLI_KEY_CONTENT: pem.replaceAll("\n", "\\n") },
  "with line ends of Windows": { OCI_CLI_KEY_CONTENT: pem.replaceAll("\n", "\r\n") },
  "with \\r\\n spelt out": { OCI_CLI_KEY_CONTENT: pem.replaceAll("\n", "\\r\\n") },
  "with blanks for line ends": { OCI_CLI_KEY_CONTENT: pem.replaceAll("\n", " ") },
  "in quotes": { OCI_CLI_KEY_CONTENT: `"${pem}"` },
  "in base64": { OCI_CLI_KEY_CONTENT: Buffer.from(pem).toString("base64") },
  "in base64 with lines": { OCI_CLI_KEY_CONTENT: Buffer.from(pem).toString("base64").replaceAll(/.{76}/g, "$&\n") },
  "with blanks around": { OCI_CLI_KEY_CONTENT: `\n  ${pem}  \n\n` },
  "of the older kind": { OCI_CLI_KEY_CONTENT: String(privateKey.export({ type: "pkcs1", format: "pem" })) },
  encrypted: { OCI_CLI_KEY_CONTENT: encrypted, OCI_CLI_PASSPHRASE: "pass" },
  "encrypted, with \\n spelt out": {
    OCI_CLI_KEY_CONTENT: encrypted.replaceAll("\n", "\\n"),
    OCI_CLI_PASSPHRASE: "pass\n",
  },
  "encrypted in the older form": { OCI_CLI_KEY_CONTENT: traditional, OCI_CLI_PASSPHRASE: "pass" },
  "in a file": { OCI_CLI_KEY_FILE: keyFile },
};
for (const [form, env] of Object.entries(forms)) test(`takes an API key ${form}`, () => assert.equal(keyOf(env), pem));

test("takes ~ in the names of files for the home folder, as the CLI does", (t) => {
  const home = process.env.HOME;
  t.after(() => {
    process.env.HOME = home;
  });
  process.env.HOME = folder;
  assert.equal(keyOf({ OCI_CLI_KEY_FILE: "~/key.pem" }), pem);
  const { OCI_CLI_CONFIG_FILE } = openCredentials({ OCI_CLI_CONFIG_FILE: "~/key.pem" });
  assert.equal(OCI_CLI_CONFIG_FILE, keyFile);
});

const faults: [string, Record<string, string>, RegExp][] = [
  ["is none", { OCI_CLI_KEY_CONTENT: "my key" }, /^ {2}- OCI_CLI_KEY_CONTENT is no private key in PEM/m],
  [
    "is a public one",
    { OCI_CLI_KEY_CONTENT: publicPem },
    /^ {2}- OCI_CLI_KEY_CONTENT is the public key: it must be the private one/m,
  ],
  [
    "is a public one of SSH",
    { OCI_CLI_KEY_CONTENT: "ssh-rsa AAAA me" },
    /^ {2}- OCI_CLI_KEY_CONTENT is the public key/m,
  ],
  [
    "is a public one in a file",
    { OCI_CLI_KEY_FILE: publicFile },
    /^ {2}- OCI_CLI_KEY_FILE is the public key: it must be the private one/m,
  ],
  ...["~/.oci/key.pem", "/home/me/key", "./key", "C:\\Users\\me\\key", "key.pem"].map(
    (path): [string, Record<string, string>, RegExp] => [
      `is the path ${path}`,
      { OCI_CLI_KEY_CONTENT: path },
      /^ {2}- OCI_CLI_KEY_CONTENT is the path of a file: .* OCI_CLI_KEY_FILE/m,
    ],
  ),
  [
    "is cut",
    { OCI_CLI_KEY_CONTENT: pem.replace(/\n.{64}\n/, "\n") },
    /^ {2}- OCI_CLI_KEY_CONTENT cannot be read as a private key: paste it anew/m,
  ],
  ["is encrypted and has no passphrase", { OCI_CLI_KEY_CONTENT: encrypted }, /is encrypted: set OCI_CLI_PASSPHRASE/],
  [
    "has another passphrase",
    { OCI_CLI_KEY_CONTENT: encrypted, OCI_CLI_PASSPHRASE: "wrong" },
    /check OCI_CLI_PASSPHRASE/,
  ],
  [
    "is not the fingerprint's",
    { OCI_CLI_KEY_CONTENT: pem, OCI_CLI_FINGERPRINT: "00:11" },
    /OCI_CLI_FINGERPRINT is not that of OCI_CLI_KEY_CONTENT, which is (..:){15}..: /,
  ],
  [
    "has no user",
    { OCI_CLI_KEY_CONTENT: pem, OCI_CLI_USER: "" },
    /OCI_CLI_USER is missing, and belongs to the API key/,
  ],
  [
    "is a file that is not there",
    { OCI_CLI_KEY_FILE: "/nowhere" },
    /OCI_CLI_KEY_FILE \/nowhere cannot be read \(ENOENT\)/,
  ],
];
for (const [what, env, message] of faults)
  test(`says so where an API key ${what}, and shows nothing of it`, () => {
    assert.throws(
      () => openCredentials({ ...given, ...env }),
      (error: Error) => {
        assert.match(error.message, message);
        assert(!error.message.includes(pem.slice(40, 80)));
        return true;
      },
    );
  });

test("tells all that is wrong with the credentials, a line each", () => {
  const bad = {
    ...given,
    OCI_CLI_REGION: "",
    OCI_CLI_USER: "me",
    OCI_CLI_FINGERPRINT: "",
    OCI_CLI_KEY_CONTENT: "no key",
  };
  assert.throws(
    () => openCredentials(bad),
    (error: Error) => {
      const lines = error.message.split("\n").slice(1);
      for (const [at, fault] of ["FINGERPRINT is missing", "REGION is missing", "USER is", "KEY_CONTENT is"].entries())
        assert(lines[at]?.startsWith(`  - OCI_CLI_${fault}`), error.message);
      return lines.length === 4;
    },
  );
});

test("no key is left behind when the process ends", () => {
  const script = `import { openCredentials } from "./.github/scripts/oci/credentials.ts"; console.log(openCredentials(process.env).OCI_CLI_CONFIG_FILE);`;
  const env = { ...process.env, ...given, OCI_CLI_KEY_CONTENT: pem };
  const config = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
    env,
    encoding: "utf8",
    timeout: 60_000,
  });
  assert.throws(() => statSync(config.trim()), /ENOENT/);
});

test("a session or another way to log in sets a key aside", () => {
  const env = openCredentials({ ...given, OCI_CLI_KEY_CONTENT: "no key", OCI_CLI_AUTH: "security_token" });
  assert.deepEqual(
    [env.OCI_CLI_KEY_CONTENT, env.OCI_CLI_USER, env.OCI_CLI_AUTH],
    [undefined, undefined, "security_token"],
  );
});

test("a fingerprint is what OCI shows of a key", () => {
  const der = createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "der" });
  const shown = execFileSync("openssl", ["md5", "-c"], { input: der, encoding: "utf8", timeout: 60_000 });
  assert.equal(fingerprintOf(privateKey), shown.trim().replace(/.*= */, ""));
});
