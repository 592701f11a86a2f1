/**
 * Makes V8's code cache for the bundle: has an invocation run as far as a database that refuses it, and keeps what V8
 * compiled for it. Run by the Dockerfile in the final image, since the cache fits one release of Node.js. It fails where
 * the invocation does not come so far, since the cache would then lack what most of a cold start runs.
 *
 * Usage: node compile-cache.cjs FOLDER, which holds func.js and start.cjs
 */
const { generateKeyPairSync } = require("node:crypto");
const { existsSync, mkdtempSync, rmSync, writeFileSync } = require("node:fs");
const http = require("node:http");
const net = require("node:net");
const { join } = require("node:path");

/** For the whole, under an emulator too, where a second's work takes many. Milliseconds. */
const LIMIT = 60_000;

/** PostgreSQL's ErrorResponse to a user whom it does not let in: the function does not try that again. */
const fields = ["SFATAL", "VFATAL", "C28000", "Mno", ""].map((field) => `${field}\0`).join("");
const refusal = Buffer.concat([Buffer.from("E"), Buffer.alloc(4), Buffer.from(fields)]);
refusal.writeInt32BE(refusal.length - 1, 1);

const folder = process.argv[2];
const scratch = mkdtempSync("/tmp/compile-cache-");
const socketPath = join(scratch, "lsnr.sock");
let reached = false;
let made = false;

const database = net.createServer((socket) => {
  socket.on("error", () => undefined);
  socket.once("data", () => {
    reached = true;
    socket.end(refusal);
  });
});
const vault = http.createServer((_request, response) => {
  const { port } = database.address();
  const secret = { host: "127.0.0.1", port, dbname: "none", username: "none", password: "none", sslmode: "disable" };
  const content = Buffer.from(JSON.stringify(secret)).toString("base64");
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ secretBundleContent: { contentType: "BASE64", content } }));
});
for (const server of [database, vault]) server.listen(0, "127.0.0.1");

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

function fail(why) {
  process.stderr.write(`The code cache is not made: ${why}. Run the function (npm run demo) to see what it lacks.\n`);
  process.exit(1);
}

// However it ends: a bundle that ends the process itself must not pass for a cache that was made.
process.on("exit", (code) => {
  rmSync(scratch, { recursive: true, force: true });
  if (code === 0 && !made) fail("the function ended the process");
});
process.on("uncaughtException", (error) => fail(`the function broke with "${error.message}"`));
setTimeout(() => fail(`the invocation did not end in ${LIMIT / 1_000} s`), LIMIT);

const script = require(join(folder, "start.cjs"));
const waiting = setInterval(() => {
  if (!existsSync(socketPath) || !vault.listening || !database.listening) return;
  clearInterval(waiting);
  process.env.OCI_SECRETS_ENDPOINT = `http://127.0.0.1:${vault.address().port}`;
  const headers = { "Fn-Deadline": new Date(Date.now() + LIMIT).toISOString() };
  const call = http.request({ socketPath, method: "POST", path: "/call", headers }, async (response) => {
    let answer = "";
    for await (const chunk of response) answer += chunk;
    if (!reached) fail(`the invocation ended before it came to the database, with ${response.statusCode} ${answer}`);
    writeFileSync(join(folder, "func.js.cache"), script.createCachedData(), { mode: 0o644 });
    made = true;
    process.exit();
  });
  call.end('{"name":"name","description":"description"}');
}, 5);
