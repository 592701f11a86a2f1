import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { TENANCY } from "./cloud/cloud.ts";
import { DATABASE } from "./cloud/landscape.ts";
import { deploymentForTests, skipWithout, TOOLS } from "./deployment.ts";

/** The doctor itself, before the local cloud. What it makes of what it sees, the tests doctor-*.test.ts tell. */
suite("the doctor", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, landscape, run } = deployment;

  before(async () => {
    const { code, text } = await run("provision", { NSG_OCIDS: landscape.nsg.id });
    assert.equal(code, 0, text);
  });

  test("has a ✔ for each thing where all is in order, shows no secret, and changes nothing", async () => {
    cloud.requests.length = 0;
    const { code, text, stdout, summary } = await run("doctor");
    assert.equal(code, 0, text);
    const lines = text.trim().split("\n");
    const others = lines.filter((line) => !line.startsWith("✔ "));
    assert.deepEqual(others, []);
    assert(lines.length >= 27, `${lines.length} lines`);
    assert.equal(stdout, "");
    for (const line of lines) assert(summary.includes(line), line);
    const changes = cloud.requests.filter((request) => !/^GET |actions\/invoke$/.test(request));
    assert.deepEqual(changes, []);
    assert(lines.includes(`✔ The secret is well-formed: ${DATABASE.host}:${DATABASE.port}`));
    for (const value of cloud.platform.secrets) assert(!text.includes(value));
  });

  test("tells what the registry answers, and does not take a fault of it for a right that is missing", async () => {
    for (const [status, mend] of [
      [403, "this user needs the right to read the repository"],
      [500, "start again later"],
    ] as const) {
      cloud.fault("GET", /^\/v2\//, status, "Fault", 1);
      const { code, text } = await run("doctor");
      assert.equal(code, 0, text);
      assert.match(text, new RegExp(`^\\? Image: The registry answered ${status} for \\S+: ${mend}`, "m"));
    }
  });

  test("lives through answers of any kind, and through none", async () => {
    const { routeRules } = landscape.routes;
    landscape.routes.routeRules = [{ destination: 7 }, "x", ...routeRules];
    landscape.securityList.ingressSecurityRules = null;
    landscape.dynamicGroup.matchingRule = "resource.age > 3";
    cloud.fault("GET", /^\/secrets\//, 404, "NotAuthorizedOrNotFound", 1);
    const { code, text } = await run("doctor");
    assert.equal(code, 0, text);
    assert.doesNotMatch(text, /✖|undefined|a defect of/);
    assert.match(text, /^\? Security lists of functions: UnexpectedAnswer: /m);
    assert.match(text, /^\? Secret: not permitted to look, or not there \(NotAuthorizedOrNotFound\)/m);
    assert.match(text, /^\? Dynamic group: whether /m);
  });

  test("refuses to begin without what it cannot do without", async () => {
    const { code, text } = await run("doctor", { COMPARTMENT_OCID: undefined });
    assert.equal(code, 1);
    assert.match(text, /✖ .*\n.*COMPARTMENT_OCID is missing/);
  });
});

/** An older system for the same table, as its record describes it: it deployed, and never ran. */
suite("the doctor before the old system", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, landscape, run } = deployment;
  const { store, compartmentId } = cloud;
  const env = { REPOSITORY_NAME: "hello-world-app/postgres-inserter" };

  before(async () => {
    const { code, text } = await run("provision", env);
    assert.equal(code, 0, text);
    const [repository] = store.all("containerrepo");
    const [fn] = store.all("fnfunc");
    assert(repository && fn);
    repository.compartmentId = TENANCY;
    fn.config = { DB_SECRET_OCID: landscape.secret.id, OCI_USER: "typed by hand", OCI_KEY: "typed by hand" };
    landscape.securityList.egressSecurityRules = [];
    landscape.routes.routeRules = landscape.routes.routeRules.slice(0, 1);
    for (const attachment of store.all("drgattachment")) store.remove(attachment.id);
    landscape.runtimePolicy.compartmentId = TENANCY;
    landscape.runtimePolicy.statements.push(
      `Allow dynamic-group postgres-inserter-functions to use virtual-network-family in compartment id ${compartmentId}`,
    );
    const statements = ["Allow group CI-CD-Deployers to manage repos in tenancy"];
    store.add("policy", { compartmentId: TENANCY, name: "Tenancy-Wide-Service-Policies", statements });
    const administrators = ["ALLOW GROUP Administrators to manage all-resources IN TENANCY"];
    store.add("policy", { compartmentId: TENANCY, name: "Tenant Admin Policy", statements: administrators });
  });

  test("names all that is missing, and what mends it", async () => {
    const { code, text } = await run("doctor", env);
    assert.equal(code, 1);
    const wrong = [
      /✖ The repository \S+ is in another compartment \(ocid1\.tenancy.*the root: a push to a missing repository makes it there.*\n +oci artifacts container repository change-compartment/,
      /✖ No security list of functions lets 443 out to Oracle's services: the image cannot be pulled, nor the secret read\n +oci network security-list update/,
      /✖ A group may manage repositories in the whole tenancy: Allow group CI-CD-Deployers to manage repos in tenancy\n/,
      /✖ The function's configuration is not func\.yaml's; provision would change: .*config OCI_KEY removed, config OCI_USER removed, /,
      /✖ functions has no route to the database, 10\.0\.0\.146\n +oci network route-table update/,
      /✖ The function's subnet does not let 6432 out to 10\.0\.0\.146\n/,
      /✖ The function's health check: FunctionInvokeImageNotAvailable\n +The platform could not pull the image\. The network comes first/,
    ];
    for (const line of wrong) assert.match(text, line);
    assert.equal(text.match(/^✖/gm)?.length, wrong.length, text);
    assert.match(text, /✔ functions reaches Oracle's services by a service gateway/);
  });
});
