import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { REGION, startCloud } from "./cloud/cloud.ts";
import { installDocker } from "./cloud/docker.ts";
import { settle } from "./cloud/landscape.ts";
import { skipWithout } from "./deployment.ts";
import { BUNDLE } from "./platform/functions.ts";

/** A program may take this long, milliseconds. */
const LIMIT = 120_000;

suite("cloud", { skip: skipWithout("oci") }, async () => {
  const cloud = await startCloud();
  after(() => cloud.stop());
  const { subnet, secret, queue } = settle(cloud);
  const { registry, store, compartmentId, env, url } = cloud;
  const folder = mkdtempSync("/tmp/inserter-cloud-test-");
  after(() => rmSync(folder, { recursive: true, force: true }));
  store.add("containerrepo", { compartmentId, displayName: "inserter", lifecycleState: "AVAILABLE" });
  const image = `${env.OCIR_REGISTRY}/${registry.namespace}/inserter`;

  interface Run {
    code: number | null;
    // biome-ignore lint/suspicious/noExplicitAny: an answer is checked field by field
    json: any;
    text: string;
  }
  function run(program: string, args: string[], variables: Record<string, string>, input = ""): Promise<Run> {
    return new Promise((resolve) => {
      const options = { env: { PATH: process.env.PATH, HOME: folder, ...variables }, timeout: LIMIT };
      const child = execFile(program, args, options, (_error, stdout, stderr) => {
        const json = /^[{[]/.test(stdout) ? JSON.parse(stdout) : undefined;
        resolve({ code: child.exitCode, json, text: stdout + stderr });
      });
      child.stdin?.on("error", () => undefined).end(input);
    });
  }
  const oci = (args: string, ...more: string[]) => run("oci", [...args.split(" "), ...more], env);
  const statuses = async ({ json }: Run) => {
    const shown = [];
    for (let read = 0; read < 3; read++)
      shown.push((await oci(`fn work-request get --work-request-id ${json["opc-work-request-id"]}`)).json.data.status);
    return shown.join(" ");
  };
  const WELL = "ACCEPTED IN_PROGRESS SUCCEEDED";
  const stateOf = async (id: string) => {
    const { data } = (await oci(`fn function get --function-id ${id}`)).json;
    return [data["lifecycle-state"], data["source-details"]["image-digest"]];
  };

  before(async () => {
    installDocker(join(folder, "bin"));
    const other = join(folder, "other.cjs");
    writeFileSync(other, `${readFileSync(BUNDLE)}\n// another`);
    const docker = async (args: string, variables = {}, input = "") => {
      const { code, text } = await run(join(folder, "bin/docker"), args.split(" "), variables, input);
      assert.equal(code, 0, text);
    };
    const { username, password } = registry.login;
    await docker(`login ${env.OCIR_REGISTRY} --username ${username} --password-stdin`, {}, password);
    const build = "buildx build --provenance=false --sbom=false --push";
    await docker(`${build} --tag ${image}:1 .`);
    await docker(`${build} --tag ${image}:2 .`, { DOCKER_BUNDLE: other });
  });
  let application: string;
  const create = (name: string) =>
    oci(
      `fn function create container-function --application-id ${application} --display-name ${name} --image ${image}:1`,
      ...["--memory-in-mbs", "512", "--config"],
      JSON.stringify({ DB_SECRET_OCID: secret.id, OCI_SECRETS_ENDPOINT: cloud.platform.vault.endpoint }),
    );

  test("a function is made, changed and deleted by work requests, and shows a change when it is done", async () => {
    const command = `fn application create --compartment-id ${compartmentId} --display-name a --subnet-ids`;
    const made = await oci(command, JSON.stringify([subnet.id]));
    application = made.json.data.id;
    assert.match((await create("f")).text, /is CREATING[\s\S]*409/);
    assert.equal(await statuses(made), WELL);
    const created = await create("f");
    const { id, "lifecycle-state": state } = created.json.data;
    assert.equal(state, "CREATING");
    assert.equal(await statuses(created), WELL);
    const [active, digest] = await stateOf(id);
    assert.equal(active, "ACTIVE");
    assert.match((await create("f")).text, /exists already[\s\S]*409/);
    const invoked = await oci(`fn function invoke --function-id ${id} --file - --body`, '{"name":"rehearsed"}');
    assert.equal(invoked.json.name, "rehearsed", invoked.text);

    const update = `fn function update container-function --function-id ${id} --image ${image}:2 --force`;
    const updated = await oci(update);
    assert.deepEqual(Object.keys(updated.json), ["etag", "opc-work-request-id"]);
    assert.match((await oci(update)).text, /currently being modified[\s\S]*409/);
    assert.deepEqual(await stateOf(id), ["ACTIVE", digest]);
    assert.deepEqual(await stateOf(id), ["UPDATING", digest]);
    assert.deepEqual(await stateOf(id), ["ACTIVE", registry.find(`${image}:2`).digest]);
    assert.match((await oci(`${update} --if-match 1`)).text, /412/);

    assert.match((await oci(`fn application delete --application-id ${application} --force`)).text, /409/);
    assert.equal(await statuses(await oci(`fn function delete --function-id ${id} --force`)), WELL);
    assert.match((await oci(`fn function get --function-id ${id}`)).text, /404/);
  });

  test("a change that fails says why in its work request, and leaves what was there", async () => {
    cloud.failNext("CREATE_FUNCTION", "ImagePullFailed", "The image is gone.");
    const created = await create("g");
    assert.equal(await statuses(created), "ACCEPTED IN_PROGRESS FAILED");
    const { id } = created.json.data;
    const request = created.json["opc-work-request-id"];
    const [error] = (await oci(`fn work-request-error list --work-request-id ${request}`)).json.data.items;
    assert.deepEqual([error.code, error.message], ["ImagePullFailed", "The image is gone."]);
    assert.equal((await stateOf(id))[0], "FAILED");
    await statuses(await oci(`fn function delete --function-id ${id} --force`));

    const again = await create("g");
    await statuses(again);
    const before = await stateOf(again.json.data.id);
    cloud.failNext("UPDATE_FUNCTION", "InternalError", "Try later.");
    const options = `--function-id ${again.json.data.id} --image ${image}:2 --force`;
    assert.match(await statuses(await oci(`fn function update container-function ${options}`)), /FAILED$/);
    assert.deepEqual(await stateOf(again.json.data.id), before);
  });

  test("a body that breaks a model of the SDK is refused, naming the field, and so is the API of before", async () => {
    const { OCI_CLI_USER: user, OCI_CLI_FINGERPRINT: fingerprint, OCI_CLI_TENANCY: tenancy } = env;
    const fields = Object.entries({ user, fingerprint, tenancy, region: REGION, key_file: cloud.user.keyFile });
    const config = join(folder, "config");
    writeFileSync(config, `[DEFAULT]\n${fields.map((field) => field.join("=")).join("\n")}\n`, { mode: 0o600 });
    const details = { displayName: "h", applicationId: application, memoryInMBs: 512 };
    const sourceDetails = { sourceType: "CONTAINER_IMAGE", image: `${image}:1` };
    const rule = { destination: "0.0.0.0/0", destinationType: "CIDR", networkEntityId: "gateway" };
    const cases: [string, object, number, string][] = [
      ["20260325/functions", details, 400, "sourceDetails is required"],
      ["20260325/functions", { ...details, sourceDetails: { sourceType: "IMAGE" } }, 400, "must be one of"],
      [
        "20260325/functions",
        { ...details, sourceDetails: { ...sourceDetails, tag: "1" } },
        400,
        "sourceDetails.tag is no",
      ],
      ["20260325/functions", { ...details, image: `${image}:1`, sourceDetails }, 400, "image is no field"],
      ["20260325/functions", { ...details, memoryInMBs: "512", sourceDetails }, 400, "must be a whole number"],
      ["20160918/routeTables", { compartmentId, vcnId: "v", routeRules: [rule] }, 400, "routeRules[0].destinationType"],
      ["20160918/policies", { compartmentId, name: "p", description: "", statements: "all" }, 400, "must be a list"],
      [
        `20210201/queues/${queue.id}/messages`,
        { messages: [{ metadata: {} }] },
        400,
        "messages[0].content is required",
      ],
      ["20180418/streams/another/messages", { messages: [] }, 404, "Authorization failed"],
      ["20181201/functions", { ...details, sourceDetails }, 404, "managed under /20260325"],
    ];
    const post = (path: string, body: object) =>
      run(
        "oci",
        [
          ...["--config-file", config, "raw-request", "--http-method", "POST"],
          ...["--target-uri", `${url}/${path}`, "--request-body", JSON.stringify(body)],
        ],
        {},
      );
    await Promise.all(
      cases.map(async ([path, body, status, message]) => {
        const { json, text } = await post(path, body);
        assert.equal(json?.status, `${status} ${status === 400 ? "Bad Request" : "Not Found"}`, text);
        assert(json.data.message.includes(message), json.data.message);
      }),
    );
  });

  test("rights change in the home region alone, and any content is read of the secret", async () => {
    cloud.homeRegion = "us-ashburn-1";
    const [, home] = (await oci(`iam region-subscription list --tenancy-id ${env.OCI_CLI_TENANCY}`)).json.data;
    assert.deepEqual([home["region-name"], home["is-home-region"]], ["us-ashburn-1", true]);
    const policy = `iam policy create --compartment-id ${compartmentId} --name p --description p --statements []`;
    assert.match((await oci(policy)).text, /NotAllowed[\s\S]*403/);
    cloud.homeRegion = REGION;
    assert.equal((await oci(policy)).code, 0);

    const content = '\uFEFF{"host": no JSON';
    cloud.secret = content;
    const { json } = await oci(`secrets secret-bundle get --secret-id ${secret.id}`);
    assert.equal(Buffer.from(json.data["secret-bundle-content"].content, "base64").toString(), content);
  });

  test("a key with a passphrase opens it too", async () => {
    const key = { OCI_CLI_KEY_CONTENT: cloud.user.pem("open sesame"), OCI_CLI_PASSPHRASE: "open sesame" };
    assert.match(key.OCI_CLI_KEY_CONTENT, /ENCRYPTED/);
    assert.equal((await run("oci", ["os", "ns", "get"], { ...env, ...key })).json?.data, registry.namespace);
  });
});
