import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { promisify } from "node:util";
import type { Resource } from "./cloud/store.ts";
import { deploymentForTests, ROOT, skipWithout, TOOLS } from "./deployment.ts";
import { eventually } from "./platform/eventually.ts";

suite("update", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, run, folder, commit } = deployment;
  const update = (env?: Record<string, string | undefined>) => run("update", env);
  let fn: Resource;
  /** What provision made it of. */
  let first: Resource["sourceDetails"];
  /** An image's content: `name` tells one from another. */
  function bundle(name: string, content: string): string {
    const file = join(`${folder}.tools`, `${name}.cjs`);
    writeFileSync(file, content);
    return file;
  }
  const good = readFileSync(join(ROOT, "dist/func.js"), "utf8");
  const broken = bundle("broken", "setInterval(() => {}, 1000);");
  let commits = 0;
  /** A push to main: from now on `docker buildx` makes the image from the bundle. */
  function push(file: string): Record<string, string> {
    writeFileSync(join(folder, "change"), String(commits++));
    commit();
    return { DOCKER_BUNDLE: file };
  }
  async function answer(): Promise<string> {
    const args = ["fn", "function", "invoke", "--function-id", fn.id, "--body", "", "--file", "-"];
    const { stdout } = await promisify(execFile)("oci", args, { env: { ...process.env, ...deployment.env } });
    return stdout;
  }

  test("before provision it says so", async () => {
    const { code, text } = await update();
    assert.equal(code, 1);
    assert.match(text, /There is no application postgres-inserter in the compartment: run provision-function first/);
  });

  test("replaces the image, and nothing else", async () => {
    const made = await run("provision");
    assert.equal(made.code, 0, made.text);
    fn = cloud.store.all("fnfunc")[0] as Resource;
    const { sourceDetails, ...rest } = structuredClone(fn);
    first = sourceDetails;
    const { code, text, summary } = await update({
      ...push(bundle("second", `${good}\n// second`)),
      SUBNET_OCIDS: undefined,
      DB_SECRET_OCID: undefined,
    });
    assert.equal(code, 0, text);
    assert.notEqual(fn.sourceDetails.imageDigest, sourceDetails.imageDigest);
    assert.notEqual(fn.sourceDetails.image, sourceDetails.image);
    const { sourceDetails: _, timeUpdated: __, ...now } = fn;
    assert.deepEqual({ ...now, etag: 0 }, { ...rest, etag: 0 });
    assert.match(summary, /changed: image `sha256:.*` → `sha256:.*`\n- Health check: ok/);
  });

  test("an image that does not answer is rolled back, the former one answers, and the run fails with the reason", async () => {
    const { sourceDetails } = fn;
    const { code, text, summary } = await update(push(broken));
    assert.equal(code, 1, text);
    assert.deepEqual(fn.sourceDetails, sourceDetails);
    assert.match(summary, /\*\*The new image does not answer: FunctionInvokeContainerInitTimeout/);
    assert.match(summary, /Rolled back to `sha256:[\s\S]*Health check of the former image: ok/);
    assert.match(text, /Rolled back to the former image, which answers\.\n/);
    // What answers has all that the doctor looks at.
    assert.doesNotMatch(text, /^[✔?] /m);
    assert.deepEqual(JSON.parse(await answer()), { status: "ok" });
  });

  test("an image that could not insert is rolled back, though it answers", async () => {
    const { sourceDetails } = fn;
    const columns = 'name:"items",columns:{';
    assert(good.includes(columns));
    const oneMore = `${columns}price:{type:"integer",base:"integer",traits:[],read:(c)=>c},`;
    const { code, text } = await update(push(bundle("price", good.replace(columns, oneMore))));
    assert.equal(code, 1, text);
    assert.deepEqual(fn.sourceDetails, sourceDetails);
    assert.match(text, /Rolled back to the former image, which answers\.\n/);
  });

  test("a table that takes no inserts any more is found, whatever the image", async (t) => {
    const { sourceDetails } = fn;
    const { postgres } = cloud.platform;
    const { username } = postgres.credentials;
    t.after(() => postgres.query(`GRANT INSERT ON items TO ${username}`));
    await postgres.query(`REVOKE INSERT ON items FROM ${username}`);
    const { code, text } = await update(push(bundle("revoked", `${good}\n// revoked`)));
    assert.equal(code, 1);
    assert.deepEqual(fn.sourceDetails, sourceDetails);
    assert.match(text, /does not answer either: FunctionInvokeExecutionFailed/);
  });

  test("a fault outside the image is rolled back too, and told apart", async () => {
    const { config, sourceDetails } = fn;
    fn.config = { ...config, DB_SECRET_OCID: "ocid1.vaultsecret.oc1..gone" };
    const { code, text } = await update(push(bundle("third", `${good}\n// third`)));
    fn.config = config;
    assert.equal(code, 1);
    assert.deepEqual(fn.sourceDetails, sourceDetails);
    assert.match(text, /does not answer either: FunctionInvokeExecutionFailed.*likely outside the image/s);
    assert.match(
      text,
      /Rolled back to `sha256:[\s\S]*^✔ Function postgres-inserter is ACTIVE$/m,
      "the doctor comes later",
    );
  });

  test("rolled back to is the image of just before the change, whatever ran when the build began", async () => {
    const before = fn.sourceDetails;
    const since = cloud.requests.length;
    const running = update(push(broken));
    await eventually(
      () => cloud.requests.slice(since).some((one) => /^PUT \/v2\//.test(one)) || undefined,
      "a push",
      180_000,
    );
    cloud.store.update(fn, { sourceDetails: first });
    const { code, text } = await running;
    assert.equal(code, 1, text);
    assert.deepEqual(fn.sourceDetails, first, text);
    fn.sourceDetails = before;
  });

  test("a rollback that fails is told with what the function runs", async () => {
    const before = fn.sourceDetails;
    const running = update(push(broken));
    await eventually(() => fn.sourceDetails.imageDigest !== before.imageDigest || undefined, "the change", 180_000);
    cloud.failNext("UPDATE_FUNCTION", "InternalError", "No capacity.");
    const { code, text } = await running;
    assert.equal(code, 1);
    assert.match(
      text,
      /✖ The new image does not answer: .*\n {2}The former image could not be put back: .*InternalError: No capacity\..*npm run update/s,
    );
    fn.sourceDetails = before;
    fn.lifecycleState = "ACTIVE";
  });

  test("waits for another's change to end, and asks again on 429 and 500", async () => {
    cloud.store.update(fn, {}, "UPDATING");
    cloud.fault("GET", /^\/functions\?/, 429, "TooManyRequests", 2);
    cloud.fault("PUT", /^\/functions\//, 500, "InternalServerError", 1);
    const { code, text } = await update(push(bundle("fourth", `${good}\n// fourth`)));
    assert.equal(code, 0, text);
    assert.match(text, /The function is UPDATING; waiting/);
  });

  test("what somebody else changed meanwhile is not written over", async () => {
    cloud.fault("PUT", /^\/functions\//, 412, "NoEtagMatch", 1);
    const { code, text } = await update(push(bundle("fifth", `${good}\n// fifth`)));
    assert.equal(code, 1);
    assert.match(text, /412 NoEtagMatch.*\n.*Something else has changed it/);
  });

  test("func.yaml's other changes are named as not applied", async () => {
    const file = join(folder, "func.yaml");
    const original = readFileSync(file, "utf8");
    writeFileSync(file, original.replace("memory: 512", "memory: 256"));
    fn.config.TYPED_BY_HAND = "into the console";
    const { code, summary } = await update(push(bundle("sixth", `${good}\n// sixth`)));
    writeFileSync(file, original);
    assert.equal(code, 0);
    delete fn.config.TYPED_BY_HAND;
    assert.match(summary, /Not applied.*: memory 512 → 256, config TYPED_BY_HAND removed\. Run provision-function/);
    assert.equal(fn.memoryInMBs, 512);
  });

  test("an image with attestations, or for another architecture, is refused before the function changes", async () => {
    const { sourceDetails } = fn;
    const script = join(folder, ".github/scripts/image/docker.ts");
    const original = readFileSync(script, "utf8");
    const wrong: [string, string, RegExp][] = [
      [
        `, "--provenance=false", "--sbom=false"`,
        "",
        /The image is for linux\/amd64, unknown\/unknown.*\n.*attestation of buildx/,
      ],
      [`platforms.join(",")`, `"linux/arm64"`, /The image is for linux\/arm64, and the shape GENERIC_X86 needs/],
    ];
    for (const [part, other, reason] of wrong) {
      assert(original.includes(part));
      writeFileSync(script, original.replaceAll(part, other));
      const { code, text } = await update(push(join(ROOT, "dist/func.js")));
      assert.equal(code, 1, text);
      assert.match(text, reason);
      assert.deepEqual(fn.sourceDetails, sourceDetails);
    }
    writeFileSync(script, original);
  });

  test("a work request that fails is told with its errors, and leaves the function as it was", async () => {
    const { sourceDetails } = fn;
    cloud.failNext("UPDATE_FUNCTION", "InternalError", "The image could not be verified.");
    const { code, text } = await update(push(bundle("seventh", `${good}\n// seventh`)));
    assert.equal(code, 1);
    assert.match(text, /Changing the function ended in FAILED: InternalError: The image could not be verified\./);
    assert.deepEqual(fn.sourceDetails, sourceDetails);
  });

  test("a function that failed as it was made cannot be updated, and provision replaces it", async () => {
    fn.lifecycleState = "FAILED";
    const { code, text } = await update(push(bundle("eighth", `${good}\n// eighth`)));
    assert.equal(code, 1);
    assert.match(text, /The function is FAILED, and cannot be changed: start provision-function, which replaces it/);
  });
});
