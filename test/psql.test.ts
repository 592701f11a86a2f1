import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, skipWithout } from "./deployment.ts";
import { platformForTests } from "./fixture.ts";

test("README.md's psql line makes the tables and grants what health asks for", {
  skip: skipWithout("psql"),
}, async () => {
  const [line = ""] = /PGOPTIONS=.*$/m.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
  assert.match(line, /psql .*--file src\/schema\.sql/);
  const { functions, postgres } = await platformForTests({ config: { ON_INVALID: "set-aside" } });
  await postgres.query("DROP TABLE items, items_keys, items_rejected");
  const env = { ...process.env, DATABASE_URL: postgres.url };
  execFileSync("sh", ["-c", line.replace("librarian_user", postgres.credentials.username)], {
    cwd: ROOT,
    env,
    stdio: "pipe",
    timeout: 60_000,
  });
  const { body } = await functions.invoke({ body: "" });
  assert.equal(body.toString(), '{"status":"ok"}');
});
