import assert from "node:assert/strict";
import { test } from "node:test";
import { readGateway } from "../.github/scripts/settings/gateway-settings.ts";
import { readVariables } from "../.github/scripts/settings/variables.ts";

const subnet = { GATEWAY_SUBNET_OCID: "ocid1.subnet.oc1.eu-frankfurt-1.abc" };
const tokens = { GATEWAY_JWT_ISSUER: "https://idp.example.com", GATEWAY_JWT_AUDIENCE: "inserter" };

/** What is said of the variables. */
function faultsOf(env: Record<string, string>): string[] {
  const faults: string[] = [];
  for (const [name, value] of Object.entries(env)) process.env[name] = value;
  readGateway(readVariables(faults), faults);
  for (const name of Object.keys(env)) delete process.env[name];
  return faults;
}

for (const [what, env, fault] of [
  ["all of them", { ...subnet, ...tokens }, undefined],
  ["none of them", {}, undefined],
  ["an empty one, as a workflow sets it", { GATEWAY_AUTH: "" }, undefined],
  [
    "who may call, and no subnet",
    { GATEWAY_AUTH: "none" },
    /^GATEWAY_AUTH is set, and GATEWAY_SUBNET_OCID is not: no gateway is asked for\./,
  ],
  [
    "tokens and pages, and no subnet",
    { ...tokens, GATEWAY_CORS_ORIGINS: "*" },
    /^GATEWAY_CORS_ORIGINS and GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE are set, and GATEWAY_SUBNET_OCID is not/,
  ],
  ["a type, and no subnet", { GATEWAY_TYPE: "PUBLIC" }, /^GATEWAY_TYPE is set, and GATEWAY_SUBNET_OCID is not/],
  [
    "keys, and whoever may call",
    { ...subnet, GATEWAY_AUTH: "none", GATEWAY_JWT_KEYS_URL: "https://idp.example.com/keys" },
    /^GATEWAY_AUTH is none, and GATEWAY_JWT_KEYS_URL asks for tokens: unset it, or what asks$/,
  ],
] as [string, Record<string, string>, RegExp | undefined][])
  test(`variables of a gateway: ${what}`, () => {
    const faults = faultsOf(env);
    assert.equal(faults.length, fault ? 1 : 0, faults.join("\n"));
    if (fault) assert.match(String(faults[0]), fault);
  });
