import assert from "node:assert/strict";
import test from "node:test";
import type { Call } from "../src/call.ts";
import { Deadline } from "../src/deadline.ts";
import { openVault } from "../src/vault.ts";
import { closingLine, platformForTests } from "./fixture.ts";
import { startFunctions } from "./platform/functions.ts";
import { createPrincipal } from "./platform/principal.ts";

const platform = await platformForTests();
const { vault, functions } = platform;

test("concurrent first reads fetch the secret once, and a failed read is not remembered", async () => {
  Object.assign(process.env, platform.principal.env);
  const opened = openVault({ secretId: vault.secretId, secretsEndpoint: vault.endpoint });
  const call = { deadline: new Deadline(null), timed: (_step, work) => work() } as Call;
  const read = () => opened.credentials(call);
  const before = vault.requests;
  vault.answer({ status: 404 });
  await assert.rejects(Promise.all([read(), read()]));
  vault.answer();
  const [one, two] = await Promise.all([read(), read()]);
  assert.equal(one, two);
  assert.equal(vault.requests, before + 2);
});

test("the local Vault refuses a signature by another key, and a token from elsewhere", async (t) => {
  const stranger = createPrincipal("ocid1.fnfunc.oc1..stranger", "eu-frankfurt-1");
  t.after(() => stranger.stop());
  const mixed = { ...platform.principal.env, OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: "" };
  for (const env of [
    stranger.env,
    { ...mixed, OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: stranger.env.OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM as string },
  ]) {
    const other = startFunctions({ ...functions.options, principal: { env } });
    t.after(() => other.stop());
    const { code, callId } = await other.invoke({ body: '{"name":"a"}' });
    assert.equal(code, "FunctionInvokeExecutionFailed");
    assert.equal((await closingLine({ functions: other }, callId)).code, "401");
  }
});
