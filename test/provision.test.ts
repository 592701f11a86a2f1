import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { TENANCY } from "./cloud/cloud.ts";
import { deploymentForTests, ROOT, type Run, skipWithout, TOOLS } from "./deployment.ts";

suite("provision", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, run } = deployment;
  const provision = (env?: Record<string, string | undefined>) => run("provision", env);
  const deployed = (kind: string) => cloud.store.all(kind);
  const calls = () => deployment.dockerCalls().map(({ args }) => args.join(" "));
  const manifest = join(deployment.folder, "func.yaml");
  const original = readFileSync(manifest, "utf8");

  /** Runs it where it must refuse and change nothing. */
  async function refused(env: Record<string, string | undefined> = {}): Promise<Run> {
    const before = cloud.requests.length;
    const result = await provision(env);
    assert.equal(result.code, 1, result.text);
    assert.deepEqual(changes(before), [], "something was changed");
    return result;
  }

  const changes = (since: number) =>
    cloud.requests.slice(since).filter((request) => !/^GET |\/actions\/invoke$|\/v2\//.test(request));

  const NEEDED = ["OCI_CLI_REGION", "COMPARTMENT_OCID", "SUBNET_OCIDS", "DB_SECRET_OCID"];
  test("each missing variable stops it, by name, which is told once", async () => {
    await Promise.all(
      NEEDED.map(async (name) => {
        const { text } = await refused({ [name]: "" });
        assert.match(text, new RegExp(`- ${name} is missing: `));
        assert.equal(text.match(/is missing/g)?.length, 1, text);
      }),
    );
  });

  test("all that is missing or wrong is named at once", async () => {
    const nothing = Object.fromEntries(NEEDED.map((name) => [name, undefined]));
    const { text } = await refused({
      ...nothing,
      NSG_OCIDS: "mine",
      APPLICATION_SHAPE: "X86",
      REPOSITORY_NAME: "Mine",
    });
    for (const name of NEEDED) assert.match(text, new RegExp(`- ${name} is missing`));
    for (const name of ["NSG_OCIDS", "APPLICATION_SHAPE", "REPOSITORY_NAME"])
      assert.match(text, new RegExp(`- ${name} is "\\w+", and must be`));
  });

  test("what the deployment does not carry over from func.yaml is refused", async () => {
    const wrong: [string, RegExp][] = [
      ["annotations: {}", /annotations is not carried over/],
      ["triggers: []", /triggers is not carried over/],
      ["idle_timeout: 60", /idle_timeout is not carried over/],
      ["memory: 300", /memory must be 128, 256/],
      ["timeout: 301", /timeout must be from 5 to 300/],
      ["name: Inserter", /name must be lower case/],
      ["runtime: node", /runtime must be docker/],
      ["config: {LIMIT: 5}", /config\.LIMIT must be a string/],
      ["config: {FN_X: '5'}", /FN_X belongs to the platform/],
      ["config: {a-b: '5'}", /a-b must be letters/],
      ["config: {DB_SECRET_OCID: x}", /DB_SECRET_OCID is in config and in expects/],
      [`config: {LONG: ${"x".repeat(4100)}}`, /config exceeds 4 KB/],
      ["schema_version: 1", /schema_version must be/],
      ["memory: [", /func\.yaml is not YAML/],
      ["config: {LOG_LEVEL: loud}", /- LOG_LEVEL is "loud", and must be one of debug, info, warn, error\n/],
      ["version: 1.0", /version must be a string: put it in quotes/],
    ];
    for (const [line, reason] of wrong) {
      const key = line.slice(0, line.indexOf(":"));
      writeFileSync(manifest, `${original.replace(new RegExp(`^${key}:.*\\n( .*\\n)*`, "m"), "")}${line}\n`);
      assert.match((await refused()).text, reason);
    }
    writeFileSync(manifest, original);
  });

  test("a missing CLI is named, with what installs it", async () => {
    const { text } = await refused({ PATH: `${join(ROOT, "node_modules/.bin")}:/usr/bin:/bin` });
    assert.match(text, /The OCI CLI is not on the PATH: npm run tools installs one/);
  });

  test("credentials that are not accepted are explained", async () => {
    cloud.fault("GET", /^\/applications/, 401, "NotAuthenticated", 1);
    assert.match((await refused()).text, /401 NotAuthenticated.*\n.*API keys/);
  });

  test("a repository in the root compartment, where the old system had it, is explained with what moves it", async () => {
    const repository = cloud.store.add("containerrepo", { compartmentId: TENANCY, displayName: "postgres-inserter" });
    const { text } = await refused();
    assert.match(text, /in another compartment \(ocid1\.tenancy[^)]*the root/);
    assert.match(text, new RegExp(`change-compartment --repository-id ${repository.id}`));

    cloud.fault("GET", /repositories\?.*compartmentIdInSubtree=true/, 404, "NotAuthorizedOrNotFound", 2);
    const unseen = await provision();
    assert.equal(unseen.code, 1);
    assert.match(unseen.text, /may not look into, probably the root/);
    cloud.store.remove(repository.id);
  });

  test("a missing right to make the repository is explained", async () => {
    cloud.fault("POST", /^\/container\/repositories$/, 404, "NotAuthorizedOrNotFound", 1);
    const { code, text } = await provision();
    assert.equal(code, 1);
    assert.match(text, /repository create: 404 NotAuthorizedOrNotFound.*\n.*npm run bootstrap/);
    assert.deepEqual(deployed("fnapp"), []);
  });

  test("from nothing, all is made in the function's compartment, and answers", async () => {
    // Named otherwise in the root, as a push to a missing repository would.
    cloud.registry.createOnPush = TENANCY;
    // By an auth token; elsewhere the CLI's own credentials open the registry.
    const { username, password } = cloud.registry.login;
    const { code, text, summary } = await provision({ OCIR_USERNAME: username, OCIR_AUTH_TOKEN: password });
    assert.equal(code, 0, text);
    const [repository, application, fn] = ["containerrepo", "fnapp", "fnfunc"].map((kind) => {
      assert.equal(deployed(kind).length, 1, kind);
      return deployed(kind)[0];
    });
    for (const made of [repository, application, fn]) assert.equal(made?.compartmentId, cloud.compartmentId);
    assert.equal(repository?.isPublic, false);
    assert.equal(application?.shape, "GENERIC_X86");
    assert.deepEqual(application?.subnetIds, [deployment.landscape.subnet.id]);
    assert.deepEqual(application?.logging, { lineFormat: "JSON" });
    assert.equal(fn?.memoryInMBs, 512);
    assert.equal(fn?.timeoutInSeconds, 60);
    assert.deepEqual(fn?.config, {
      LOG_LEVEL: "info",
      DB_SECRET_OCID: deployment.env.DB_SECRET_OCID,
      OCI_SECRETS_ENDPOINT: deployment.env.OCI_SECRETS_ENDPOINT,
    });
    assert.match(fn?.sourceDetails.imageDigest, /^sha256:/);
    const build = calls().find((call) => call.startsWith("buildx build")) ?? "";
    assert(calls().some((call) => call.startsWith("login ") && call.includes(username)));
    assert(!calls().join().includes(password));
    assert.match(build, /--platform linux\/amd64 --provenance=false --sbom=false/);
    assert.match(
      summary,
      /Repository .* created[\s\S]*Image [\s\S]*Application .* created[\s\S]*Function .* created[\s\S]*Health check: ok/,
    );
  });

  test("again, nothing changes and nothing is built", async () => {
    const before = cloud.requests.length;
    const builds = () => calls().filter((call) => call.startsWith("buildx build")).length;
    const built = builds();
    // Pasted otherwise, it is the same secret.
    const { code, text, summary } = await provision({ DB_SECRET_OCID: `"${deployment.env.DB_SECRET_OCID}",\n` });
    assert.equal(code, 0, text);
    assert.deepEqual(changes(before), []);
    assert.equal(builds(), built);
    assert.equal(summary.match(/left as it is/g)?.length, 3);
  });

  test("memory, configuration and network security groups follow func.yaml and the variables, whole", async () => {
    const [fn] = deployed("fnfunc");
    assert(fn);
    fn.config = { ...fn.config, TYPED_BY_HAND: "into the console" };
    writeFileSync(
      manifest,
      original.replace("memory: 512", "memory: 1024").replace("LOG_LEVEL: info", "LOG_LEVEL: debug"),
    );
    const { code, text, summary } = await provision({ NSG_OCIDS: deployment.landscape.nsg.id });
    writeFileSync(manifest, original);
    assert.equal(code, 0, text);
    assert.equal(fn.memoryInMBs, 1024);
    assert.deepEqual(Object.keys(fn.config).sort(), ["DB_SECRET_OCID", "LOG_LEVEL", "OCI_SECRETS_ENDPOINT"]);
    assert.equal(fn.config.LOG_LEVEL, "debug");
    assert.deepEqual(deployed("fnapp")[0]?.networkSecurityGroupIds, [deployment.landscape.nsg.id]);
    assert.match(summary, /changed: network security groups/);
    assert.match(summary, /memory 512 → 1024, .*config LOG_LEVEL changed, config TYPED_BY_HAND removed/);
  });

  test("an application that was made by hand has its log lines kept as JSON", async () => {
    const [application] = deployed("fnapp");
    assert(application);
    delete application.logging;
    const { code, text, summary } = await provision({ NSG_OCIDS: deployment.landscape.nsg.id });
    assert.equal(code, 0, text);
    assert.deepEqual(application.logging, { lineFormat: "JSON" });
    assert.match(summary, /Application .* changed: log lines as JSON\n/);
  });

  test("an APM domain switches tracing on, of application and function, and its absence the function's off", async () => {
    const domain = deployment.landscape.apmDomain.id;
    const [[application], [fn]] = [deployed("fnapp"), deployed("fnfunc")];
    const nsgs = { NSG_OCIDS: deployment.landscape.nsg.id };
    const on = await provision({ ...nsgs, APM_DOMAIN_OCID: domain });
    assert.equal(on.code, 0, on.text);
    assert.deepEqual(application?.traceConfig, { isEnabled: true, domainId: domain });
    assert.deepEqual(fn?.traceConfig, { isEnabled: true });
    assert.match(on.summary, /Application .* changed: tracing[\s\S]*Function .* changed: .*tracing on/);
    const off = await provision(nsgs);
    assert.equal(off.code, 0, off.text);
    assert.deepEqual(fn?.traceConfig, { isEnabled: false });
    assert.match(off.summary, /Application .* left as it is[\s\S]*Function .* changed: tracing off/);
  });

  test("another shape or other subnets are refused with what to do, since OCI cannot change them", async () => {
    const shape = await refused({ APPLICATION_SHAPE: "GENERIC_ARM" });
    assert.match(
      shape.text,
      /its shape is GENERIC_X86, and APPLICATION_SHAPE is GENERIC_ARM[\s\S]*another APPLICATION_NAME/,
    );
    const subnets = await refused({ SUBNET_OCIDS: deployment.landscape.hubSubnet.id });
    assert.match(subnets.text, /its subnets are .*, and SUBNET_OCIDS is/);
  });

  test("configuration of the application, which no file holds, is refused", async () => {
    const [application] = deployed("fnapp");
    assert(application);
    application.config = { DB_SECRET_OCID: "typed by hand" };
    assert.match((await refused()).text, /configuration of its own \(DB_SECRET_OCID\)/);
    application.config = {};
  });

  test("an application that FAILED is refused with what deletes it", async () => {
    const [application] = deployed("fnapp");
    assert(application);
    application.lifecycleState = "FAILED";
    assert.match((await refused()).text, /postgres-inserter is FAILED: delete it \(oci fn application delete --/);
    application.lifecycleState = "ACTIVE";
  });

  test("a function that does not answer fails the run, with the code's meaning and the doctor's lines", async () => {
    const { code, text, summary } = await provision({ DB_SECRET_OCID: "ocid1.vaultsecret.oc1..gone" });
    assert.equal(code, 1);
    assert.match(text, /does not answer: FunctionInvokeExecutionFailed\. The function runs, and failed/);
    assert.match(summary, /✔ Function postgres-inserter is ACTIVE/);
    assert.match(summary, /✖ The function's health check: FunctionInvokeExecutionFailed/);
  });

  test("a function that failed as it was made is told with its work request's errors, and replaced by the next run", async () => {
    for (const { id } of deployed("fnfunc")) cloud.store.remove(id);
    cloud.failNext("CREATE_FUNCTION", "InternalError", "The image could not be read.");
    const failed = await provision();
    assert.equal(failed.code, 1);
    assert.match(failed.text, /Creating the function .* ended in FAILED: InternalError: The image could not be read\./);
    const [former] = deployed("fnfunc");
    assert.equal(former?.lifecycleState, "FAILED");

    const { code, text, summary } = await provision();
    assert.equal(code, 0, text);
    assert.match(summary, /is FAILED from an earlier run, and cannot be changed: it is replaced[\s\S]*created/);
    assert.equal(deployed("fnfunc").length, 1);
    assert.notEqual(deployed("fnfunc")[0]?.id, former?.id);
  });
});
