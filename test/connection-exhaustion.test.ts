import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithout } from "./deployment.ts";
import { platformForTests } from "./fixture.ts";
import { startPgBouncer } from "./platform/pgbouncer.ts";
import type { Platform } from "./platform/platform.ts";

/** Many containers at once. */
const CONTAINERS = 20;

async function storm(platform: Platform): Promise<void> {
  const { functions, postgres } = platform;
  const answers = await Promise.all(
    Array.from({ length: CONTAINERS }, (_, index) =>
      functions.invoke({ body: JSON.stringify({ name: `item ${index}` }) }),
    ),
  );
  assert.equal(answers.filter(({ coldStart }) => coldStart).length, CONTAINERS, "each in a container of its own");
  const failed = answers.filter(({ code }) => code !== undefined);
  assert.equal(failed.length, 0, functions.logs.slice(-3).join("\n"));
  const rows = await postgres.query("SELECT name FROM items GROUP BY name HAVING count(*) = 1");
  assert.equal(rows.length, CONTAINERS);
}

test(`${CONTAINERS} containers share a database that has five connections for them`, async () => {
  // Three of the eight are kept for superusers. A container keeps its connection while it lives, so others wait for its end.
  const platform = await platformForTests({
    postgres: { flags: ["-c", "max_connections=8"] },
    functions: { idleSeconds: 1, timeoutSeconds: 300 },
  });
  await storm(platform);
});

test(`${CONTAINERS} containers share three connections through PgBouncer in transaction mode`, {
  skip: skipWithout("pgbouncer"),
}, async (t) => {
  const platform = await platformForTests();
  const bouncer = await startPgBouncer(platform.postgres, 3);
  t.after(() => bouncer.stop());
  platform.vault.put({ ...platform.postgres.credentials, port: bouncer.port });
  await storm(platform);
});
