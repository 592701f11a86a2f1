import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { policiesFor } from "../.github/scripts/rights/policies.ts";
import { deploymentForTests, skipWithout, TOOLS } from "./deployment.ts";

suite("bootstrap", { skip: skipWithout(...TOOLS) }, async () => {
  const { cloud, landscape, run } = await deploymentForTests();
  const { store } = cloud;
  store.remove(landscape.dynamicGroup.id);
  store.remove(landscape.runtimePolicy.id);
  const network = {
    DB_CIDR: "10.0.0.146/32",
    DB_PORT: "6432",
    VCN_CIDR: "10.2.0.0/16",
    SUBNET_CIDR: "10.2.1.0/24",
    DRG_OCID: String(store.all("drg")[0]?.id),
  };
  const changes = (since: number) => cloud.requests.slice(since).filter((request) => !request.startsWith("GET "));
  const statements = () => store.all("policy").flatMap((policy) => policy.statements as string[]);

  test("all that is missing is named at once", async () => {
    const nothing = { OCI_CLI_TENANCY: undefined, COMPARTMENT_OCID: undefined, DB_SECRET_OCID: undefined };
    const { code, text } = await run("bootstrap", nothing, "--network");
    assert.equal(code, 1);
    for (const name of [...Object.keys(nothing), "DB_CIDR"]) assert.match(text, new RegExp(`- ${name} is missing: `));
    assert.deepEqual(changes(0), []);
  });

  test("blocks that do not go together, and a DRG that is not there, are refused before anything is made", async () => {
    const gone = { DRG_OCID: `${network.DRG_OCID}x` };
    for (const [wrong, message] of [
      [
        { VCN_CIDR: "10.0.0.0/16" },
        /- VCN_CIDR 10\.0\.0\.0\/16 overlaps DB_CIDR[\s\S]*- SUBNET_CIDR 10\.2\.1\.0\/24 is not within/,
      ],
      [gone, /drg get: 404/],
    ] as const) {
      const { code, text } = await run("bootstrap", { ...network, ...wrong }, "--network");
      assert.equal(code, 1, text);
      assert.match(text, message);
      assert.deepEqual(changes(0), []);
    }
  });

  test("a group's name with blanks is quoted, and its domain's by itself", () => {
    const ocid = "ocid1.any.oc1..one";
    const rights = { name: "any", tenancy: ocid, compartment: ocid, secretCompartment: ocid, secret: ocid };
    const others = { networkCompartment: ocid, repository: "any", gateway: false, feeds: [], feedCompartment: ocid };
    const groupOf = (ciGroup: string) => {
      const rest = { traced: false, traceCompartment: ocid, home: [], ciGroup };
      return /^Allow group (.+) to manage/.exec(
        policiesFor({ ...rights, ...others, ...rest })[0]?.statements[0] ?? "",
      )?.[1];
    };
    assert.equal(groupOf("CI Group"), "'CI Group'");
    assert.equal(groupOf("Default/CI"), "Default/CI");
    assert.equal(groupOf("Our Domain/CI Group"), "'Our Domain'/'CI Group'");
    // As a variable arrives that was in quotes.
    assert.equal(groupOf("Our Domain'/'CI Group"), "'Our Domain'/'CI Group'");
  });

  test("--dry-run prints each statement and command, and changes nothing", async () => {
    const { code, text } = await run("bootstrap", network, "--dry-run", "--network");
    assert.equal(code, 0, text);
    assert.deepEqual(changes(0), []);
    assert.match(text, /Allow group CI-CD-Deployers to manage repos in compartment id/);
    for (const what of ["iam policy", "iam dynamic-group", "network vcn", "network subnet", "network security-list"])
      assert.match(text, new RegExp(`oci ${what} create`));
  });

  test("makes the rights, limited to the compartment, and a private network that leads to the database", async () => {
    const { code, text } = await run("bootstrap", network, "--network");
    assert.equal(code, 0, text);
    const wide = statements().filter((statement) => !statement.includes(`in compartment id ${cloud.compartmentId}`));
    assert.deepEqual(wide, ["Allow group CI-CD-Deployers to read objectstorage-namespaces in tenancy"]);
    const secrets = statements().filter((statement) => statement.includes("secret"));
    assert.equal(secrets.length, 1);
    assert.match(
      String(secrets[0]),
      new RegExp(`read secret-bundles .* where target\\.secret\\.id = '${landscape.secret.id}'$`),
    );
    const [group] = store.all("dynamicgroup");
    assert.match(group?.matchingRule, new RegExp(`resource\\.compartment\\.id = '${cloud.compartmentId}'`));

    const made = (kind: string) => store.all(kind).find(({ displayName }) => displayName === "postgres-inserter");
    const services = "all-fra-services-in-oracle-services-network";
    assert.equal(made("subnet")?.prohibitPublicIpOnVnic, true);
    assert.equal(made("subnet")?.routeTableId, made("routetable")?.id);
    assert.deepEqual(
      made("routetable")?.routeRules.map((rule: Record<string, string>) => [rule.destination, rule.networkEntityId]),
      [
        [services, made("servicegateway")?.id],
        ["10.0.0.146/32", network.DRG_OCID],
      ],
    );
    assert.deepEqual(
      made("securitylist")?.egressSecurityRules.map((rule: Record<string, never>) => [
        rule.destination,
        // biome-ignore lint/complexity/useLiteralKeys: an answer's field
        rule["tcpOptions"]?.["destinationPortRange"],
      ]),
      [
        [services, { min: 443, max: 443 }],
        ["10.0.0.146/32", { min: 6432, max: 6432 }],
      ],
    );
    assert.equal(made("drgattachment")?.vcnId, made("vcn")?.id);
  });

  test("again, nothing changes; and what was taken away comes back, without touching the rest", async () => {
    let before = cloud.requests.length;
    assert.equal((await run("bootstrap", network, "--network")).code, 0);
    assert.deepEqual(changes(before), []);

    const routes = store.all("routetable").find(({ displayName }) => displayName === "postgres-inserter");
    const policy = store.all("policy").find(({ name }) => name === "postgres-inserter-ci");
    assert(routes && policy);
    const own = { destination: "192.168.0.0/24", destinationType: "CIDR_BLOCK", networkEntityId: network.DRG_OCID };
    const [, toDatabase] = routes.routeRules;
    routes.routeRules = [own, toDatabase];
    policy.statements = ["Allow group CI-CD-Deployers to manage all-resources in tenancy"];
    before = cloud.requests.length;
    const { code, text } = await run("bootstrap", network, "--network");
    assert.equal(code, 0, text);
    assert.deepEqual(changes(before), [`PUT /policies/${policy.id}`, `PUT /routeTables/${routes.id}`]);
    assert.equal(routes.routeRules.length, 3);
    assert.deepEqual({ ...routes.routeRules[0], ...own }, routes.routeRules[0]);
    assert.equal(policy.statements.length, 2);
  });

  test("what has its name in another VCN is not its own, and an attachment of another name is", async () => {
    const attachments = store.all("drgattachment");
    const own = attachments.find(({ displayName }) => displayName === "postgres-inserter");
    const routes = store.all("routetable").find(({ displayName }) => displayName === "postgres-inserter");
    assert(own && routes);
    // Another deployment's, from before.
    landscape.attachment.displayName = landscape.routes.displayName = "postgres-inserter";
    own.displayName = "made by hand";
    let before = cloud.requests.length;
    let result = await run("bootstrap", network, "--network");
    assert.equal(result.code, 0, result.text);
    assert.deepEqual(changes(before), []);

    store.remove(own.id);
    before = cloud.requests.length;
    result = await run("bootstrap", network, "--network");
    assert.equal(result.code, 0, result.text);
    assert.deepEqual(changes(before), ["POST /drgAttachments"]);
    landscape.attachment.displayName = landscape.routes.displayName = "another";
  });

  test("an API gateway's rights come with its subnet; without it the group of CI has none", async () => {
    const { code, text } = await run("bootstrap", { GATEWAY_SUBNET_OCID: landscape.subnet.id });
    assert.equal(code, 0, text);
    const own = `in compartment id ${cloud.compartmentId}`;
    const about = () => statements().filter((statement) => /gateway/i.test(statement));
    assert.deepEqual(about(), [
      `Allow group CI-CD-Deployers to manage api-gateway-family ${own}`,
      `Allow any-user to use functions-family ${own} where all {request.principal.type = 'ApiGateway', request.resource.compartment.id = '${cloud.compartmentId}'}`,
    ]);
    assert.equal((await run("bootstrap")).code, 0);
    assert.equal(about().length, 1);
  });

  test("a policy that nothing asks for any more is told with the command that deletes it, and left", async () => {
    const others = cloud.store.add("compartment", { compartmentId: cloud.compartmentId, name: "streams" }).id;
    const feeds = { FEED_COMPARTMENT_OCID: others, STREAM_OCID: landscape.stream.id };
    const domain = { APM_DOMAIN_OCID: "ocid1.apmdomain.oc1.eu-frankfurt-1.ours" };
    const all = { ...feeds, ...domain, GATEWAY_SUBNET_OCID: landscape.subnet.id };
    const asked = await run("bootstrap", all);
    assert.equal(asked.code, 0, asked.text);
    assert.doesNotMatch(asked.text, /iam policy delete/);

    const since = cloud.requests.length;
    const { code, text } = await run("bootstrap", { FEED_COMPARTMENT_OCID: others });
    assert.equal(code, 0, text);
    const ci = store.all("policy").find(({ name }) => name === "postgres-inserter-ci");
    assert.deepEqual(changes(since), [`PUT /policies/${ci?.id}`]);
    assert.match(text, /^ {2}no longer: Allow group CI-CD-Deployers to manage api-gateway-family in /m);
    for (const [name, variable] of [
      ["gateway", "GATEWAY_SUBNET_OCID is"],
      ["connector", "STREAM_OCID and QUEUE_OCID are"],
      ["stream", "STREAM_OCID is"],
      ["tracing", "APM_DOMAIN_OCID is"],
    ]) {
      const policy = store.all("policy").find((each) => each.name === `postgres-inserter-${name}`);
      assert.match(
        text,
        new RegExp(
          `! The policy ${policy?.name} is there, and ${variable} not set\\. .*\\n  oci iam policy delete --policy-id ${policy?.id} --force --region eu-frankfurt-1\\n`,
        ),
      );
    }
    assert.equal(text.match(/iam policy delete/g)?.length, 4, text);
  });

  test("tracing's rights come with its domain", async () => {
    const { code, text } = await run("bootstrap", { APM_DOMAIN_OCID: "ocid1.apmdomain.oc1.eu-frankfurt-1.ours" });
    assert.equal(code, 0, text);
    const own = `in compartment id ${cloud.compartmentId}`;
    assert.deepEqual(
      statements().filter((statement) => statement.includes("apm-domains")),
      [`Allow group CI-CD-Deployers to use apm-domains ${own}`, `Allow service faas to use apm-domains ${own}`],
    );
  });
});
