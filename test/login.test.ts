import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { deploymentForTests, skipWithout, TOOLS } from "./deployment.ts";

suite("login", { skip: skipWithout(...TOOLS) }, async () => {
  const { cloud, run, folder } = await deploymentForTests();
  const given = join(`${folder}.tools`, "github-env");
  /** What a workflow has with OIDC and no API key: GitHub hands over an unset variable as an empty one. */
  const oidc = {
    OCI_CLI_USER: "",
    OCI_CLI_FINGERPRINT: "",
    OCI_CLI_KEY_CONTENT: "",
    OIDC_DOMAIN_URL: cloud.url,
    OIDC_CLIENT_ID: cloud.domain.client.id,
    OIDC_CLIENT_SECRET: cloud.domain.client.secret,
    ACTIONS_ID_TOKEN_REQUEST_URL: `${cloud.url}/github/token?api-version=2`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: cloud.domain.requestToken,
    GITHUB_ENV: given,
  };

  test("GitHub's word for the run becomes a session, with which a function can be provisioned", async () => {
    writeFileSync(given, "");
    const { code, text } = await run("login", oidc);
    assert.equal(code, 0, text);
    const session = Object.fromEntries(
      readFileSync(given, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split("=")),
    );
    assert.equal(statSync(session.OCI_CLI_CONFIG_FILE).mode & 0o77, 0, "others may read it");
    const provisioned = await run("provision", { ...oidc, ...session });
    assert.equal(provisioned.code, 0, provisioned.text);
  });

  test("a refused exchange is told in the domain's words, and no secret is", async () => {
    const { code, text } = await run("login", { ...oidc, OIDC_CLIENT_SECRET: "wrong-secret" });
    assert.equal(code, 1);
    assert.match(text, /The identity domain answered 401: Client authentication failed/);
    assert(!text.includes("wrong-secret"));
  });

  test("the client's secret goes nowhere unencrypted, and GitHub's own fault is not laid on the domain", async () => {
    const plain = await run("login", { ...oidc, OIDC_DOMAIN_URL: "http://idcs.example.com" });
    assert.equal(plain.code, 1);
    assert.match(plain.text, /✖ OIDC_DOMAIN_URL is "http:\/\/idcs\.example\.com", and must be like https:/);
    const refused = await run("login", { ...oidc, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "another" });
    assert.match(refused.text, /✖ GitHub's OIDC provider answered 401: .*\. Start the run again/);
    assert.doesNotMatch(refused.text, /OIDC_CLIENT_ID|OIDC_DOMAIN_URL/);
  });

  test("what is missing to log in by OIDC is named", async () => {
    const { text } = await run("login", { ...oidc, OIDC_CLIENT_ID: "", OIDC_CLIENT_SECRET: "" });
    assert.match(text, /OIDC_CLIENT_ID, OIDC_CLIENT_SECRET missing: .* go together/);
    const job = await run("login", { ...oidc, ACTIONS_ID_TOKEN_REQUEST_TOKEN: undefined });
    assert.match(job.text, /permissions: id-token: write/);
    const part = await run("login", { ...oidc, OIDC_DOMAIN_URL: "", OIDC_CLIENT_ID: "" });
    assert.match(part.text, /OIDC_DOMAIN_URL, OIDC_CLIENT_ID missing: .* go together/);
    const none = await run("provision", oidc);
    assert.equal(none.code, 1);
    assert.match(none.text, /There are no credentials: set OCI_CLI_USER/);
  });

  test("without an identity domain the API key is used as it is", async () => {
    const { code, text } = await run("login");
    assert.equal(code, 0);
    assert.match(text, /OIDC_DOMAIN_URL is not set: the API key is used/);
  });
});
