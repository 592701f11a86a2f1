import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { closingLine, laneForTests, platformForTests } from "./fixture.ts";
import { eventually } from "./platform/eventually.ts";
import { startFunctions } from "./platform/functions.ts";

/** Of a token, seconds. */
const LIFETIME = 8;

const platform = await platformForTests({ tokenLifetime: LIFETIME });
const { functions, postgres, principal } = platform;
const { OCI_RESOURCE_PRINCIPAL_RPST: RPST = "", OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: PEM = "" } = principal.env;

async function renewal(): Promise<void> {
  const token = readFileSync(RPST, "utf8");
  await eventually(() => readFileSync(RPST, "utf8") !== token, "the next token");
}

test("token and key are renewed before the token expires, and the secret is read past that, by a container that stays too", async () => {
  const lane = await laneForTests(platform, { maxContainers: 1, idleSeconds: 600 });
  const tokens = new Set<string>();
  const keys = new Set<string>();
  const { username } = postgres.credentials;
  const until = Date.now() + 2_500 * LIFETIME;
  let round = 0;
  for (; Date.now() < until; round++) {
    // So that the container that stays looks into Vault.
    const password = `renewed-${round}`;
    platform.secrets.push(password);
    await postgres.query(`ALTER ROLE ${username} PASSWORD '${password}'`);
    for (const { vault, port } of [
      { vault: platform.vault, port: postgres.port },
      { vault: lane.vault, port: lane.wire.port },
    ])
      vault.put({ ...postgres.credentials, port, password });
    lane.wire.breakAll("end");
    functions.replace();
    for (const each of [lane.functions, functions]) {
      const { code } = await each.invoke({ body: '{"name":"renewed"}' });
      assert.equal(code, undefined, each.logs.at(-1));
    }
    tokens.add(readFileSync(RPST, "utf8"));
    keys.add(readFileSync(PEM, "utf8"));
    await sleep(200);
  }
  assert.equal(lane.vault.requests, round);
  assert(tokens.size >= 3 && keys.size === tokens.size, `${tokens.size} tokens, ${keys.size} keys`);
});

test("a token that nobody renews is refused once its time is up", async (t) => {
  const folder = mkdtempSync("/tmp/inserter-stale-");
  t.after(() => rmSync(folder, { recursive: true }));
  const [rpst, pem] = [join(folder, "rpst"), join(folder, "private.pem")];
  await renewal();
  copyFileSync(RPST, rpst);
  copyFileSync(PEM, pem);
  const env = { ...principal.env, OCI_RESOURCE_PRINCIPAL_RPST: rpst, OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: pem };
  const own = startFunctions({ ...functions.options, principal: { env } });
  t.after(() => own.stop());
  assert.equal((await own.invoke({ body: '{"name":"in time"}' })).code, undefined);
  await sleep(1_000 * (LIFETIME + 1));
  own.replace();
  const { code, callId } = await own.invoke({ body: '{"name":"late"}' });
  assert.equal(code, "FunctionInvokeExecutionFailed");
  assert.equal((await closingLine({ functions: own }, callId)).code, "401");
});
