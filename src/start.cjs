/**
 * Starts the bundle beside it with V8's code cache (compile-cache.cjs makes it). That holds what a whole invocation runs,
 * where Node.js's own compile cache holds only what a start runs; without it the bundle starts too, slower.
 */
const { readFileSync } = require("node:fs");
const { createRequire, wrap } = require("node:module");
const { join } = require("node:path");
const { Script } = require("node:vm");

const filename = join(__dirname, "func.js");
// The bundle is ASCII, and reads faster so.
const script = new Script(wrap(readFileSync(filename, "latin1")), { filename, cachedData: readCache() });
if (script.cachedDataRejected !== false) {
  const msg = "the code cache is missing or does not fit, so this start is slower";
  const remedy = "build the image with the Dockerfile, which makes the cache for the Node.js that is in it";
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level: "warn", msg, remedy })}\n`);
}
script.runInThisContext()(exports, createRequire(filename), module, filename, __dirname);
module.exports = script;

function readCache() {
  try {
    return readFileSync(`${filename}.cache`);
  } catch {
    return undefined;
  }
}
