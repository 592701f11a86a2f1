import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { startCloud } from "./cloud/cloud.ts";
import { installDocker } from "./cloud/docker.ts";
import { settle, variablesOf } from "./cloud/landscape.ts";
import type { Resource } from "./cloud/store.ts";
import { execute, initialise, ROOT, readLines, skipWithout } from "./deployment.ts";
import { type JobRun, type RunnerOptions, runJob } from "./runner.ts";

const SECRETS = [
  "OCI_CLI_USER",
  "OCI_CLI_FINGERPRINT",
  "OCI_CLI_KEY_CONTENT",
  "OCI_CLI_PASSPHRASE",
  "OCIR_AUTH_TOKEN",
  "OIDC_CLIENT_SECRET",
];

/** The workflows' own steps, run as a runner runs them; the machine has Python, Git, Node.js and (played) Docker. */
suite("the workflows", { skip: skipWithout("git", "python3", "bash") }, async () => {
  const cloud = await startCloud();
  after(() => cloud.stop());
  const landscape = settle(cloud);
  const folder = mkdtempSync("/tmp/inserter-github-");
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const repository = join(folder, "repository");
  for (const path of [
    ".github",
    "src",
    "func.yaml",
    "Dockerfile",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
  ])
    cpSync(join(ROOT, path), join(repository, path), { recursive: true });
  const commit = initialise(repository);
  const dockerLog = join(folder, "docker.log");
  installDocker(join(folder, "bin"), { log: dockerLog });

  const { OCI_CLI_ENDPOINT = "", OCIR_REGISTRY = "", OCI_CLI_TENANCY = "", OCI_CLI_REGION = "", ...key } = cloud.env;
  const vars = { OCI_CLI_TENANCY, OCI_CLI_REGION, OCIR_REGISTRY, ...variablesOf(cloud, landscape) };
  const { client, requestToken } = cloud.domain;
  const options: RunnerOptions = {
    repository,
    vars,
    secrets: key,
    machine: {
      PATH: [join(folder, "bin"), ...machinePath()].join(":"),
      // Where the cloud that is played is; nobody sets it for the real one.
      OCI_CLI_ENDPOINT,
      ...packageSources(),
    },
    oidc: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${cloud.url}/github/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken,
    },
    home: join(folder, "home"),
  };
  const run = (workflow: string, job: string, more: Partial<RunnerOptions> = {}) =>
    runJob(join(ROOT, `.github/workflows/${workflow}.yml`), job, { ...options, ...more });
  const provision = (more?: Partial<RunnerOptions>) => run("provision-function", "provision", more);
  const update = (more?: Partial<RunnerOptions>) => run("update-application", "update", more);
  const oidc = {
    vars: { ...vars, OIDC_DOMAIN_URL: cloud.url, OIDC_CLIENT_ID: client.id },
    secrets: { OIDC_CLIENT_SECRET: client.secret },
  };
  const fn = () => cloud.store.all("fnfunc")[0] as Resource;
  /** A push to main, whose image runs the bundle. */
  function push(name: string, content: string): Partial<RunnerOptions> {
    const bundle = join(folder, `${name}.cjs`);
    writeFileSync(bundle, content);
    writeFileSync(join(repository, "change"), name);
    commit();
    return { machine: { ...options.machine, DOCKER_BUNDLE: bundle } };
  }
  const good = readFileSync(join(ROOT, "dist/func.js"), "utf8");

  /** No secret reaches a step that does not need it, nor Docker. */
  function assertSecretsKept({ steps, text }: JobRun): void {
    const secretsOf = (command: string) =>
      steps.find((step) => step.command === command)?.given.filter((name) => SECRETS.includes(name)) ?? [];
    for (const command of ["npm ci", "npm run tools"]) assert.deepEqual(secretsOf(command), [], command);
    for (const name of secretsOf("npm run login")) assert.equal(name, "OIDC_CLIENT_SECRET");
    for (const line of readLines(dockerLog)) {
      const { args, env } = JSON.parse(line) as { args: string[]; env: string[] };
      const given = env.filter((name) => SECRETS.includes(name) || /^(OCI|OIDC|ACTIONS)_/.test(name));
      assert.deepEqual(given, [], `docker ${args.join(" ")}`);
    }
    for (const secret of [client.secret, ...cloud.platform.secrets]) assert(!text.includes(secret));
    assert(!text.includes(cloud.user.pem().split("\n")[1] as string));
  }

  // By itself, since on a busy machine it takes minutes; the workflows' own step then finds it.
  test("npm run tools installs the OCI CLI that is tested", async () => {
    const PATH = `${join(ROOT, "node_modules/.bin")}:${options.machine.PATH}`;
    const machine = { ...options.machine, HOME: options.home, PATH };
    mkdirSync(options.home);
    const tools = join(ROOT, ".github/scripts/tools.ts");
    const { code, text } = await execute("node", [tools], repository, machine);
    assert.equal(code, 0, text);
    const { stdout } = await execute(join(options.home, ".oci-cli/bin/oci"), ["--version"], repository, machine);
    assert(readFileSync(join(ROOT, ".github/requirements.txt"), "utf8").includes(`oci-cli==${stdout.trim()} `));
  });

  test("provision with an API key makes all of it, and its summary ends in Health check: ok", async () => {
    const result = await provision();
    assert.equal(result.code, 0, result.text);
    assert.match(
      result.summary,
      /Repository .* created[\s\S]*Application .* created[\s\S]*Function .* created[\s\S]*Health check: ok/,
    );
    assertSecretsKept(result);
  });

  test("provision again changes nothing, whatever line ends the values have, and with a passphrase on the key", async () => {
    const { id, etag } = fn();
    const ends = Object.fromEntries(Object.entries(vars).map(([name, value]) => [name, `${value}\n`]));
    const OCI_CLI_KEY_CONTENT = cloud.user.pem("correct horse");
    const secrets = {
      ...key,
      OCI_CLI_USER: `${key.OCI_CLI_USER} \n`,
      OCI_CLI_KEY_CONTENT,
      OCI_CLI_PASSPHRASE: "correct horse",
    };
    const result = await provision({ vars: ends, secrets });
    assert.equal(result.code, 0, result.text);
    assert.equal(result.summary.match(/left as it is/g)?.length, 3, result.summary);
    assert.deepEqual([fn().id, fn().etag], [id, etag]);
    assertSecretsKept(result);
  });

  test("a push replaces the image, with OIDC and no key", async () => {
    const before = fn().sourceDetails.imageDigest;
    const result = await update({ ...oidc, ...push("second", `${good}\n// second`) });
    assert.equal(result.code, 0, result.text);
    assert.notEqual(fn().sourceDetails.imageDigest, before);
    assert.match(result.summary, /changed: image [\s\S]*Health check: ok/);
    assertSecretsKept(result);
  });

  test("a push of a broken image fails with the reason, and the former image answers again", async () => {
    const before = fn().sourceDetails.imageDigest;
    const result = await update(push("broken", "setInterval(() => {}, 1000);"));
    assert.equal(result.code, 1, result.text);
    assert.equal(fn().sourceDetails.imageDigest, before);
    assert.match(
      result.text,
      /^::error::The new image does not answer: FunctionInvokeContainerInitTimeout.*Rolled back/m,
    );
    assert.match(result.summary, /Rolled back to [\s\S]*Health check of the former image: ok/);
  });

  test("a key that is left in place beside OIDC is named, and not used", async () => {
    const result = await provision({ ...oidc, secrets: { ...oidc.secrets, ...key, OCI_CLI_KEY_CONTENT: "no key" } });
    assert.equal(result.code, 0, result.text);
    assert.match(result.text, /^::warning::OCI_CLI_USER, OCI_CLI_FINGERPRINT, OCI_CLI_KEY_CONTENT count for nothing/m);
    assertSecretsKept(result);
  });

  test("a run without credentials, and one with half of OIDC's, say what to set, as an annotation", async () => {
    const none = await provision({ secrets: {} });
    assert.equal(none.code, 1);
    assert.match(none.text, /^::error::.*There are no credentials: set OCI_CLI_USER/m);
    const half = await update({ ...oidc, secrets: {} });
    assert.equal(half.code, 1);
    assert.match(half.text, /^::error::OIDC_CLIENT_SECRET missing/m);
  });
});

/** The machine's programs, without the project's own Node.js and without the OCI CLI, which the workflow installs. */
function machinePath(): string[] {
  const folders = String(process.env.PATH).split(":");
  return folders.filter((path) => !path.includes("node_modules") && !existsSync(join(path, "oci")));
}

/** Where a machine gets its packages from, and keeps them: its settings for npm and pip, which lie outside the runner's home. */
function packageSources(): Record<string, string> {
  const names = /^(npm_config_|pip_|ssl_cert|node_extra_ca|requests_ca)/i;
  const given = Object.entries(process.env).filter(([name]) => names.test(name));
  const own = (path: string) => join(homedir(), path);
  return {
    npm_config_userconfig: own(".npmrc"),
    npm_config_cache: own(".npm"),
    PIP_CONFIG_FILE: own(".config/pip/pip.conf"),
    PIP_CACHE_DIR: own(".cache/pip"),
    ...(Object.fromEntries(given) as Record<string, string>),
  };
}
