/**
 * Fills V8's compile cache for the bundle, so that a cold start need not compile it: run by the Dockerfile, in the final
 * image, since the cache is keyed by the Node.js release, the bundle's path and the user.
 *
 * Usage, as root: node compile-cache.js BUNDLE FOLDER
 */
const { chmodSync, chownSync, mkdirSync, readdirSync } = require("node:fs");
const { enableCompileCache, flushCompileCache } = require("node:module");

/** Whom the platform runs the function as. */
const USER = 1000;

const [, , bundle, folder] = process.argv;
mkdirSync(folder);
chownSync(folder, USER, USER);
process.setgid(USER);
process.setuid(USER);
enableCompileCache(folder);

Object.assign(process.env, { FN_FORMAT: "http-stream", FN_LISTENER: "unix:/tmp/compile-cache.sock" });
require(bundle);
flushCompileCache();

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  chmodSync(`${entry.parentPath}/${entry.name}`, entry.isDirectory() ? 0o755 : 0o644);
}
process.exit();
