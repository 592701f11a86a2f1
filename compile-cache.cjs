/**
 * Makes V8's code cache for the bundle: has an invocation run as far as it comes without a database, and keeps what V8
 * compiled for it. Run by the Dockerfile in the final image, since the cache fits one release of Node.js.
 *
 * Usage: node compile-cache.cjs FOLDER, which holds func.js and start.cjs
 */
const { generateKeyPairSync } = require("node:crypto");
const { existsSync, mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const { createServer, request } = require("node:http");
const { join } = require("node:path");

/** Where nothing listens. */
const secret = { host: "127.0.0.1", port: 9, dbname: "none", username: "none", password: "none", sslmode: "disable" };

const folder = process.argv[2];
const vault = createServer((_request, response) => {
  const content = Buffer.from(JSON.stringify(secret)).toString("base64");
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ secretBundleContent: { contentType: "BASE64", content } }));
}).listen(0, "127.0.0.1");
const scratch = mkdtempSync("/tmp/compile-cache-");
const socketPath = join(scratch, "lsnr.sock");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const claims = Buffer.from(JSON.stringify({ exp: Date.now() })).toString("base64url");
Object.assign(process.env, {
  FN_FORMAT: "http-stream",
  FN_LISTENER: `unix:${socketPath}`,
  DB_SECRET_OCID: "ocid1.vaultsecret.oc1..none",
  OCI_RESOURCE_PRINCIPAL_VERSION: "2.2",
  OCI_RESOURCE_PRINCIPAL_RPST: `e30.${claims}.e30`,
  OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: privateKey.export({ type: "pkcs8", format: "pem" }),
  OCI_RESOURCE_PRINCIPAL_REGION: "eu-frankfurt-1",
});
const script = require(join(folder, "start.cjs"));

const waiting = setInterval(() => {
  if (!existsSync(socketPath) || !vault.listening) return;
  clearInterval(waiting);
  process.env.OCI_SECRETS_ENDPOINT = `http://127.0.0.1:${vault.address().port}`;
  const headers = { "Fn-Deadline": new Date(Date.now() + 2_000).toISOString() };
  const call = request({ socketPath, method: "POST", path: "/call", headers }, (response) => {
    response.resume().on("end", () => {
      writeFileSync(join(folder, "func.js.cache"), script.createCachedData(), { mode: 0o644 });
      rmSync(scratch, { recursive: true });
      process.exit();
    });
  });
  call.end('{"name":"name","description":"description"}');
}, 5);
