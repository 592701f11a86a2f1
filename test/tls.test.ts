import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { createServer } from "node:tls";
import { skipWithout } from "./deployment.ts";
import { closingLine, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { startFunctions } from "./platform/functions.ts";
import type { Platform } from "./platform/platform.ts";
import { listen } from "./platform/port.ts";

suite("TLS", { skip: skipWithout("openssl") }, async () => {
  const folder = mkdtempSync("/tmp/inserter-tls-");
  chmodSync(folder, 0o755);
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe", timeout: 60_000 });
  const key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(" ");

  function authority(name: string): void {
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.pem`,
      "-subj",
      `/CN=${name}`,
      "-days",
      "2",
    );
  }
  function certificate(name: string, subjectAltName: string, days: number): void {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(file("extensions"), `subjectAltName=${subjectAltName}`);
    const signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions"];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signing, "-days", String(days), "-out", `${name}.pem`);
  }
  authority("ca");
  authority("other-ca");
  const LOCAL = "DNS:localhost,IP:127.0.0.1";
  certificate("proper", LOCAL, 2);
  certificate("expired", LOCAL, -1);
  certificate("wrong-name", "DNS:db.example", 2);
  const own = ["-keyout", "self-signed.key", "-out", "self-signed.pem", "-subj", "/CN=self", "-addext"];
  openssl("req", "-x509", ...key, ...own, `subjectAltName=${LOCAL}`, "-days", "2");

  /** The server reads its files as its own user. */
  function present(name: string): void {
    for (const kind of ["pem", "key"]) {
      const shown = file(`server.${kind}`);
      copyFileSync(file(`${name}.${kind}`), shown);
      chmodSync(shown, 0o600);
      if (process.getuid?.() === 0) chownSync(shown, Number(execFileSync("id", ["-u", "nobody"])), 0);
    }
  }
  present("proper");

  const plain = await platformForTests();
  const flags = [
    "-c",
    "ssl=on",
    "-c",
    `ssl_cert_file=${file("server.pem")}`,
    "-c",
    `ssl_key_file=${file("server.key")}`,
  ];
  const secured = await platformForTests({ postgres: { flags } });
  let presented = "proper";

  async function show(name: string): Promise<void> {
    if (name === presented) return;
    present(name);
    presented = name;
    const loaded = () => secured.postgres.query("SELECT pg_conf_load_time() AS at");
    const former = await loaded();
    await secured.postgres.query("SELECT pg_reload_conf()");
    const changed = async () => JSON.stringify(await loaded()) !== JSON.stringify(former);
    await eventually(changed, "PostgreSQL to load its files again");
  }

  type Secret = { sslmode?: string; sslrootcert?: string; host?: string };

  /** "stored, encrypted", "stored, plain", or the code and the remedy of the closing line. */
  async function insert(platform: Platform, secret: Secret): Promise<string> {
    const { functions, postgres, vault } = platform;
    const { sslmode: _, ...credentials } = postgres.credentials;
    vault.put({ ...credentials, host: "localhost", ...secret });
    functions.replace();
    const { code, callId } = await functions.invoke({ body: '{"name":"by TLS"}' });
    if (code !== undefined) {
      const line = await closingLine(platform, callId);
      return `${line.code}: ${line.remedy}`;
    }
    const [row] = await postgres.query<{ ssl: boolean }>(
      "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = $1",
      [credentials.username],
    );
    return row?.ssl ? "stored, encrypted" : "stored, plain";
  }

  const pem = (name: string) => ({ sslrootcert: readFileSync(file(`${name}.pem`), "utf8") });
  const ENCRYPTED = /^stored, encrypted$/;
  const cases: [certificate: string, what: string, secret: Secret, expected: RegExp][] = [
    ["proper", "verify-full", { sslmode: "verify-full", ...pem("ca") }, ENCRYPTED],
    ["proper", "no sslmode", pem("ca"), ENCRYPTED],
    ["proper", "an address for a host", { host: "127.0.0.1", ...pem("ca") }, ENCRYPTED],
    ["proper", "no sslrootcert", {}, /^UNABLE_TO_VERIFY_LEAF_SIGNATURE: .*"sslrootcert"/],
    ["proper", "another authority", pem("other-ca"), /^UNABLE_TO_VERIFY_LEAF_SIGNATURE|^SELF_SIGNED_CERT/],
    ["proper", "require", { sslmode: "require" }, ENCRYPTED],
    [
      "proper",
      "require and another authority",
      { sslmode: "require", ...pem("other-ca") },
      /^UNABLE_TO_VERIFY|^SELF_SIGNED/,
    ],
    ["expired", "verify-full", pem("ca"), /^CERT_HAS_EXPIRED: renew the database's certificate$/],
    ["expired", "require", { sslmode: "require" }, ENCRYPTED],
    [
      "wrong-name",
      "verify-full",
      pem("ca"),
      /^ERR_TLS_CERT_ALTNAME_INVALID: write the host in the secret as the certificate/,
    ],
    ["wrong-name", "require and the authority", { sslmode: "require", ...pem("ca") }, ENCRYPTED],
    ["self-signed", "verify-full", {}, /^DEPTH_ZERO_SELF_SIGNED_CERT: .*"sslrootcert"/],
    ["self-signed", "verify-full and itself", pem("self-signed"), ENCRYPTED],
    ["self-signed", "require", { sslmode: "require" }, ENCRYPTED],
  ];
  for (const [shown, what, secret, expected] of cases) {
    test(`with a ${shown} certificate and ${what}, an item is ${expected === ENCRYPTED ? "stored, encrypted" : "not stored, and it is told why"}`, async () => {
      await show(shown);
      assert.match(await insert(secured, secret), expected);
    });
  }

  for (const [what, secret, expected] of [
    ["verify-full", pem("ca"), /^NO_TLS: .*"sslmode": "disable"/],
    ["require", { sslmode: "require" }, /^NO_TLS: .*"sslmode": "disable"/],
    ["disable", { sslmode: "disable" }, /^stored, plain$/],
  ] as [string, Secret, RegExp][]) {
    test(`without TLS on the server and with ${what}, an item is ${what === "disable" ? "stored" : "not stored, and it is told why"}`, async () =>
      assert.match(await insert(plain, secret), expected));
  }

  // Where it fails, it is tried until the deadline.
  for (const [what, trusted, expected, timeoutSeconds] of [
    ["of an authority that Node.js trusts", { NODE_EXTRA_CA_CERTS: file("ca.pem") }, 200, 60],
    ["of another", {}, 502, 5],
  ] as const) {
    test(`Vault by TLS is ${expected === 200 ? "asked" : "not believed"}, with a certificate ${what}`, async (t) => {
      const { vault, postgres, functions } = plain;
      vault.put(postgres.credentials);
      const shown = { key: readFileSync(file("proper.key")), cert: readFileSync(file("proper.pem")) };
      const front = createServer(shown, (socket) => {
        const behind = dial(Number(new URL(vault.endpoint).port), "127.0.0.1");
        for (const side of [socket, behind]) side.on("error", () => undefined);
        socket.pipe(behind).pipe(socket);
      });
      const port = await listen(front, 0, "");
      const config = { ...functions.options.config, OCI_SECRETS_ENDPOINT: `https://localhost:${port}`, ...trusted };
      const own = startFunctions({ ...functions.options, config, timeoutSeconds });
      t.after(() => {
        own.stop();
        front.close();
      });
      const { status, callId } = await own.invoke({ body: '{"name":"Vault by TLS"}' });
      assert.equal(status, expected);
      if (expected === 502) {
        await closingLine({ functions: own }, callId);
        // The last try may have run out of time.
        const codes = own.logs.map((line) => JSON.parse(line).code);
        assert(codes.includes("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), codes.join());
      }
    });
  }
});
