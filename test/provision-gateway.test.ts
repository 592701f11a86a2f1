import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { deploymentForTests, type Run, skipWithout, TOOLS } from "./deployment.ts";
import { startIssuer } from "./platform/issuer.ts";

/** With an API gateway before the function; the rest of a provision is provision.test.ts's matter. */
suite("provision with an API gateway", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, landscape, run } = deployment;
  const issuer = await startIssuer();
  after(() => issuer.stop());
  const specification = join(deployment.folder, ".github/gateway.yaml");
  const original = readFileSync(specification, "utf8");
  const subnet = { GATEWAY_SUBNET_OCID: landscape.subnet.id };
  const tokens = { GATEWAY_JWT_ISSUER: issuer.url, GATEWAY_JWT_AUDIENCE: "inserter" };
  const provision = (env: Record<string, string | undefined> = tokens) => run("provision", { ...subnet, ...env });
  const deployed = (kind: string) => cloud.store.all(kind);
  const changes = (since: number) =>
    cloud.requests.slice(since).filter((request) => !/^GET |\/actions\/invoke$|\/v2\//.test(request));

  /** Runs it where it must refuse and change nothing. */
  async function refused(env?: Record<string, string | undefined>): Promise<Run> {
    const since = cloud.requests.length;
    const result = await provision(env);
    assert.equal(result.code, 1, result.text);
    assert.deepEqual(changes(since), [], "something was changed");
    return result;
  }

  const wrong: [string, Record<string, string>, RegExp][] = [
    [
      "nobody is said to be let in",
      {},
      /- GATEWAY_SUBNET_OCID asks for an API gateway, and nothing says who may call it: set GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE, and callers need a token, or GATEWAY_AUTH=none, and everybody may call\n/,
    ],
    ["an issuer alone", { GATEWAY_JWT_ISSUER: issuer.url }, /- GATEWAY_JWT_AUDIENCE is missing: .* go together/],
    [
      "both ways",
      { ...tokens, GATEWAY_AUTH: "none" },
      /- GATEWAY_AUTH is none, and GATEWAY_JWT_ISSUER and GATEWAY_JWT_AUDIENCE ask for tokens/,
    ],
    ["another way", { GATEWAY_AUTH: "open" }, /- GATEWAY_AUTH is "open", and must be none, or unset/],
    ["another type", { ...tokens, GATEWAY_TYPE: "world" }, /- GATEWAY_TYPE is "WORLD", and must be PRIVATE/],
    [
      "an origin with a path",
      { ...tokens, GATEWAY_CORS_ORIGINS: "https://a.example.com/app" },
      /- GATEWAY_CORS_ORIGINS has "https:\/\/a\.example\.com\/app", and each must be scheme, host and port/,
    ],
    [
      "an issuer that is no URL",
      { ...tokens, GATEWAY_JWT_ISSUER: "our identity" },
      /- GATEWAY_JWT_KEYS_URL is missing: GATEWAY_JWT_ISSUER is "our identity", and no https URL/,
    ],
    [
      "keys that come unencrypted",
      { ...tokens, GATEWAY_JWT_KEYS_URL: "http://example.com/keys" },
      /- GATEWAY_JWT_KEYS_URL is "http:\/\/example\.com\/keys", and must be an https URL/,
    ],
    [
      "an issuer that tells no keys",
      { ...tokens, GATEWAY_JWT_ISSUER: `${issuer.url}/other` },
      /GATEWAY_JWT_ISSUER does not tell its keys: .*openid-configuration answers 404\. .*set GATEWAY_JWT_KEYS_URL/,
    ],
    [
      "an issuer that calls itself otherwise",
      { ...tokens, GATEWAY_JWT_ISSUER: `${issuer.url}/` },
      /GATEWAY_JWT_ISSUER is http:\S+\/, and calls itself http:\S+, in its tokens too: set it to that/,
    ],
    ["a public gateway in a private subnet", { ...tokens, GATEWAY_TYPE: "PUBLIC" }, /GATEWAY_SUBNET_OCID is a private/],
    ["a VCN for its subnet", { GATEWAY_SUBNET_OCID: landscape.vcn.id }, /- GATEWAY_SUBNET_OCID is the OCID of a VCN/],
  ];
  for (const [what, env, message] of wrong)
    test(`${what}: said, and nothing is made`, async () => {
      assert.match((await refused(env)).text, message);
    });

  test("a specification without authentication, or that is none, is refused", async () => {
    for (const [text, message] of [
      [
        original.replace(/^ {2}authentication:\n(?: {4,}.*\n)+/m, ""),
        /has no requestPolicies\.authentication, so that/,
      ],
      [original.replace(/^routes:/m, "paths:"), /gateway\.yaml: routes: /],
      ["routes: [", /gateway\.yaml is not YAML/],
    ] as const) {
      writeFileSync(specification, text);
      assert.match((await refused(tokens)).text, message);
    }
    writeFileSync(specification, original);
  });

  test("without the policy that lets it call, the function answers and the gateway does not: said, with what mends it", async () => {
    const { code, text } = await provision();
    assert.equal(code, 1);
    assert.match(text, /✖ No policy is there by which the API gateway calls the function\n/);
    assert.match(text, /The function answers, and not through the gateway: 500\. .*npm run bootstrap/);
  });

  test("a deployment that FAILED is not left as it is: refused, with what deletes it", async () => {
    const [deployment] = deployed("apideployment");
    assert(deployment);
    Object.assign(deployment, { lifecycleState: "FAILED", lifecycleDetails: "The keys cannot be read." });
    assert.match((await refused(tokens)).text, /is FAILED, .*be read\..*\n {2}oci api-gateway deployment delete/);
    deployment.lifecycleState = "ACTIVE";
  });

  suite("allowed by bootstrap", () => {
    before(async () => {
      const { code, text } = await run("bootstrap", subnet);
      assert.equal(code, 0, text);
      for (const kind of ["apideployment", "apigateway"]) for (const { id } of deployed(kind)) cloud.store.remove(id);
    });

    test("makes gateway and deployment, and proves them; the URL takes a token, and refuses what has none", async () => {
      const { code, text, summary } = await provision();
      assert.equal(code, 0, text);
      const [[gateway], [deployment]] = [deployed("apigateway"), deployed("apideployment")];
      assert.deepEqual([gateway?.endpointType, gateway?.subnetId], ["PRIVATE", landscape.subnet.id]);
      assert.deepEqual([deployment?.gatewayId, deployment?.pathPrefix], [gateway?.id, "/"]);
      assert.equal(deployment?.specification.requestPolicies.authentication.validationPolicy.uri, issuer.keysUrl);
      assert.match(
        summary,
        /API gateway .* created, PRIVATE[\s\S]*API deployment .* created[\s\S]*Health check through the gateway: ok/,
      );
      const url =
        /URL: (\S+[^/]) \(\/items and \/health\), for tokens of http:\S+; without one: GET, HEAD \/health$/m.exec(
          summary,
        )?.[1] ?? "";
      const call = (headers: Record<string, string>) =>
        fetch(`${url}/items`, { method: "POST", headers, body: '{"name":"through the gateway"}' }).then(
          ({ status }) => status,
        );
      assert.equal(await call({ authorization: `Bearer ${issuer.token({ aud: "inserter" })}` }), 201);
      assert.equal(await call({}), 401);
      assert.equal(cloud.accessLog.filter((line) => line.includes('"/items"')).length, 2);
    });

    test("again, nothing changes", async () => {
      const since = cloud.requests.length;
      const { code, text, summary } = await provision();
      assert.equal(code, 0, text);
      assert.deepEqual(changes(since), []);
      assert.match(summary, /API gateway .* left as it is[\s\S]*API deployment .* left as it is/);
    });

    test("the doctor finds it in order", async () => {
      const { code, text } = await run("doctor", { ...subnet, ...tokens });
      assert.equal(code, 0, text);
      assert.doesNotMatch(text, /^[^✔]/m);
      for (const line of [
        "The API gateway is ACTIVE",
        "A policy lets the API gateway call the function",
        "The API gateway's subnet is functions, 10.1.1.0/24, in the function's VCN",
      ])
        assert(text.includes(`✔ ${line}\n`), text);
    });

    test("what was changed by hand is shown, and set to what file and variables say", async () => {
      const [deployment] = deployed("apideployment");
      assert(deployment);
      delete deployment.specification.routes[0].requestPolicies;
      deployment.specification.requestPolicies.rateLimiting.rateInRequestsPerSecond = 5;
      deployment.specification.routes.push({
        path: "/more",
        methods: ["GET"],
        backend: { type: "STOCK_RESPONSE_BACKEND", status: 200 },
      });
      const page = "https://app.example.com";
      const { code, text, summary } = await provision({ ...tokens, GATEWAY_CORS_ORIGINS: page });
      assert.equal(code, 0, text);
      const shown = /API deployment .* changed: (.*)/.exec(summary)?.[1]?.split(", ").sort();
      assert.deepEqual(shown, [
        "requestPolicies.cors added",
        "requestPolicies.rateLimiting.rateInRequestsPerSecond 5 → 100",
        "routes[0].requestPolicies added",
        "routes[3] removed",
      ]);
      assert.deepEqual(deployment.specification.requestPolicies.cors.allowedOrigins, [page]);
    });

    test("GATEWAY_AUTH=none opens it, and the summary warns", async () => {
      const { code, text, summary } = await provision({ GATEWAY_AUTH: "none" });
      assert.equal(code, 0, text);
      assert.match(summary, /^- \*\*GATEWAY_AUTH=none: whoever reaches the gateway \(PRIVATE\) can insert\./m);
      const url = /URL: (\S+) \(\/items and \/health\)$/m.exec(summary)?.[1] ?? "";
      assert.equal((await fetch(`${url}/items`, { method: "POST", body: '{"name":"by anybody"}' })).status, 201);
    });

    test("without the variable it is left, and told with what deletes it; what may not be seen is no fault", async () => {
      const since = cloud.requests.length;
      const left = await provision({ GATEWAY_SUBNET_OCID: undefined });
      assert.equal(left.code, 0, left.text);
      assert.deepEqual(changes(since), []);
      const [gateway] = deployed("apigateway");
      assert.match(
        left.summary,
        new RegExp(
          `^- \\*\\*The API gateway postgres-inserter is there, and GATEWAY_SUBNET_OCID is not set\\. [\\s\\S]*deployment list .*--gateway-id ${gateway?.id}\\n[\\s\\S]*gateway delete --gateway-id ${gateway?.id}\\*\\*$`,
          "m",
        ),
      );
      cloud.fault("GET", /^\/gateways/, 404, "NotAuthorizedOrNotFound", 1);
      const unseen = await provision({ GATEWAY_SUBNET_OCID: undefined });
      assert.equal(unseen.code, 0, unseen.text);
      assert.doesNotMatch(unseen.summary, /API gateway/);
    });

    test("another subnet is refused with what to do, since OCI cannot change it; and so is a gateway that FAILED", async () => {
      const other = await refused({ ...tokens, GATEWAY_SUBNET_OCID: landscape.hubSubnet.id });
      assert.match(other.text, /its subnet is .*, and GATEWAY_SUBNET_OCID is [\s\S]*deployment delete/);
      const [gateway] = deployed("apigateway");
      assert(gateway);
      Object.assign(gateway, { lifecycleState: "FAILED", lifecycleDetails: "The subnet has no addresses." });
      assert.match((await refused(tokens)).text, /is FAILED, .*no addresses\..*\n {2}oci api-gateway gateway delete/);
      gateway.lifecycleState = "ACTIVE";
    });

    test("a deployment that fails is told with its work request's errors", async () => {
      cloud.failNext("UPDATE_DEPLOYMENT", "InvalidParameter", "The keys cannot be read.");
      const { code, text } = await provision({ ...tokens, GATEWAY_CORS_ORIGINS: "*" });
      assert.equal(code, 1);
      assert.match(text, /Changing the API deployment .* ended in FAILED: InvalidParameter: The keys cannot be read\./);
    });
  });
});
