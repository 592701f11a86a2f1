import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { installDocker } from "./cloud/docker.ts";
import { digestOf } from "./cloud/image.ts";
import { Registry } from "./cloud/registry.ts";
import { Store } from "./cloud/store.ts";
import { createApi } from "./platform/api.ts";
import { BUNDLE } from "./platform/functions.ts";
import { listen } from "./platform/port.ts";

suite("the local registry", async () => {
  const store = new Store("eu-frankfurt-1");
  store.add("containerrepo", { displayName: "inserter" });
  const registry = new Registry(store);
  after(() => registry.stop());
  const server = createApi(async (request, body, response) => registry.handle(request, body, response));
  const host = `127.0.0.1:${await listen(server, 0, "")}`;
  after(() => server.close().closeAllConnections());
  const folder = mkdtempSync("/tmp/inserter-registry-test-");
  after(() => rmSync(folder, { recursive: true, force: true }));
  const image = `${host}/${registry.namespace}/inserter`;
  const { username, password } = registry.login;

  installDocker(join(folder, "bin"));
  function docker(args: string, variables: Record<string, string> = {}, input = ""): Promise<[number | null, string]> {
    return new Promise((resolve) => {
      const options = { env: { PATH: process.env.PATH, ...variables }, timeout: 60_000 };
      const child = execFile(join(folder, "bin/docker"), args.split(" "), options, (_error, stdout, stderr) =>
        resolve([child.exitCode, stdout + stderr]),
      );
      child.stdin?.on("error", () => undefined).end(input);
    });
  }
  const logIn = (word: string, variables = {}) =>
    docker(`login ${host} --username ${username} --password-stdin`, variables, `${word}\n`);
  const push = (name: string, options = "--platform linux/amd64 --provenance=false --sbom=false") =>
    docker(`buildx build ${options} --tag ${name} --push .`);

  test("the local registry takes no push, and the stand-in for Docker no login, that is not the registry's", async () => {
    const [code, text] = await logIn("wrong");
    assert.equal(code, 1);
    assert.match(text, /unauthorized/);
    assert.match((await push(`${image}:1`))[1], /unauthorized/);
    assert.deepEqual(await logIn(password), [0, "Login Succeeded\n"]);
    assert.match((await push(`${host}/${registry.namespace}/other:1`))[1], /denied: The repository does not exist/);
    assert.deepEqual(await push(`${image}:1`), [0, ""]);
    const { digest, platforms } = registry.find(`${image}:1`);
    assert.deepEqual(platforms, ["linux/amd64"]);
    assert.equal(registry.bundleOf(`${image}@${digest}`), BUNDLE);
  });

  test("what the stand-in is told is written down, and the names of the variables that it is given", async () => {
    await docker("info", { OCI_CLI_KEY_CONTENT: "the key" });
    const log = readFileSync(join(folder, "bin/docker.log"), "utf8");
    const call = JSON.parse(String(log.trim().split("\n").at(-1)));
    assert.deepEqual(call, { args: ["info"], env: ["OCI_CLI_KEY_CONTENT", "PATH"] });
    assert.doesNotMatch(log, /the key/);
  });

  test("two platforms take a builder made for them", async () => {
    const both = "--platform linux/amd64,linux/arm64";
    assert.match((await push(`${image}:both`, both))[1], /Multi-platform build is not supported/);
    assert.match((await docker("buildx inspect two"))[1], /no builder "two" found/);
    assert.deepEqual(await docker("buildx create --name two --driver docker-container"), [0, "two\n"]);
    assert.match((await docker("buildx inspect --bootstrap two"))[1], /docker-container[\s\S]*linux\/arm64/);
    assert.deepEqual(await push(`${image}:both`, `${both} --builder two`), [0, ""]);
    const { platforms } = registry.find(`${image}:both`);
    assert.deepEqual(platforms, ["linux/amd64", "linux/arm64", "unknown/unknown", "unknown/unknown"]);
  });

  test("an image pushed in parts, as the real Docker does, runs the bundle in its layers", async () => {
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const ask = (method: string, path: string, body?: Buffer, type = "application/octet-stream") => {
      const headers = { authorization, "content-type": type };
      return fetch(new URL(path, `http://${host}`), { method, headers, ...(body && { body: new Uint8Array(body) }) });
    };
    const base = `/v2/${registry.namespace}/inserter`;
    const closed = await fetch(`http://${host}/v2/`);
    assert.match(`${closed.status} ${closed.headers.get("www-authenticate")}`, /^401 Basic realm=/);

    const upload = async (blob: Buffer, claimed = digestOf(blob)) => {
      const opened = await ask("POST", `${base}/blobs/uploads/`);
      const part = await ask("PATCH", String(opened.headers.get("location")), blob.subarray(0, 9));
      assert.equal(part.headers.get("range"), "0-8");
      return (await ask("PUT", `${part.headers.get("location")}?digest=${claimed}`, blob.subarray(9))).status;
    };
    mkdirSync(join(folder, "function"));
    writeFileSync(join(folder, "function/func.js"), "from the layers");
    const layer = gzipSync(execFileSync("tar", ["-C", folder, "-cf", "-", "function"]));
    const config = Buffer.from('{"os":"linux","architecture":"arm64"}');
    const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    const layers = [{ digest: digestOf(layer) }];
    const manifest = { schemaVersion: 2, mediaType, config: { digest: digestOf(config) }, layers };
    const put = () => ask("PUT", `${base}/manifests/real`, Buffer.from(JSON.stringify(manifest)), mediaType);

    assert.equal((await put()).status, 400, "a manifest of what was not pushed");
    assert.equal(await upload(layer, digestOf(config)), 400, "a blob with the digest of another");
    assert.equal(await upload(layer), 201);
    assert.equal(await upload(config), 201);
    const known = await ask("HEAD", `${base}/blobs/${digestOf(layer)}`);
    assert.equal(known.headers.get("content-length"), String(layer.length));
    const digest = (await put()).headers.get("docker-content-digest");
    assert.deepEqual(registry.find(`${image}:real`), { digest, platforms: ["linux/arm64"] });
    assert.equal(readFileSync(registry.bundleOf(`${image}@${digest}`), "utf8"), "from the layers");
  });
});
