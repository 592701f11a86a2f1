import assert from "node:assert/strict";
import test from "node:test";
import { ConfigError, loadConfig } from "../src/config.ts";

const complete = {
  DB_SECRET_OCID: "ocid1.vaultsecret.oc1..x",
  OCI_RESOURCE_PRINCIPAL_VERSION: "2.2",
  OCI_RESOURCE_PRINCIPAL_RPST: "/rpst",
  OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM: "/private.pem",
  OCI_RESOURCE_PRINCIPAL_REGION: "eu-frankfurt-1",
};

test("an empty environment is told in full, in one error", () => {
  assert.throws(
    () => loadConfig({ LOG_LEVEL: "loud", OCI_SECRETS_ENDPOINT: "vault" }),
    (error) => {
      assert(error instanceof ConfigError);
      for (const name of [...Object.keys(complete), "LOG_LEVEL", "OCI_SECRETS_ENDPOINT"]) {
        assert(error.message.includes(name), name);
      }
      return true;
    },
  );
});

test("a complete environment is enough, and empty options count as absent", () => {
  assert.deepEqual(loadConfig({ ...complete, LOG_LEVEL: "", OCI_SECRETS_ENDPOINT: "" }), {
    secretId: "ocid1.vaultsecret.oc1..x",
    secretsEndpoint: undefined,
  });
});
