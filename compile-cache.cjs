/**
 * Fills V8's compile cache for the bundle, so that a cold start need not compile it: run by the Dockerfile, in the final
 * image, since the cache is keyed by the Node.js release, the bundle's path and the user.
 *
 * Usage: node compile-cache.cjs BUNDLE FOLDER [USER]; with USER, as root
 */
const { chmodSync, chownSync, mkdirSync, readdirSync } = require("node:fs");
const { enableCompileCache, flushCompileCache } = require("node:module");

const [, , bundle, folder, user] = process.argv;
mkdirSync(folder);
if (user !== undefined) {
  chownSync(folder, Number(user), Number(user));
  process.setgid(Number(user));
  process.setuid(Number(user));
}
enableCompileCache(folder);

Object.assign(process.env, { FN_FORMAT: "http-stream", FN_LISTENER: "unix:/tmp/compile-cache.sock" });
require(bundle);
flushCompileCache();

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  chmodSync(`${entry.parentPath}/${entry.name}`, entry.isDirectory() ? 0o755 : 0o644);
}
process.exit();
