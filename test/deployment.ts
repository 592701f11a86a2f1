import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type Cloud, startCloud } from "./cloud/cloud.ts";
import { type Landscape, settle } from "./cloud/landscape.ts";
import { BUNDLE } from "./platform/functions.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What the scripts of a deployment call. */
export const TOOLS = ["oci", "yq", "jq", "git", "curl"];

/**
 * False when the tools are there; else why the tests that need them are skipped. In CI a missing tool is a failure.
 *
 * @throws {Error} when CI is true and a tool is missing
 */
export function skipWithout(...tools: string[]): string | false {
  const missing = tools.filter((tool) => !works(tool));
  if (missing.length === 0) return false;
  const why = `needs ${missing.join(", ")} (.ci/run installs them)`;
  if (process.env.CI === "true") throw new Error(why);
  return why;
}

function works(tool: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$0"', tool]);
    // Debian has another program of that name.
    return tool !== "yq" || execFileSync(tool, ["--version"], { encoding: "utf8" }).includes("mikefarah");
  } catch {
    return false;
  }
}

export interface Run {
  code: number;
  /** What it wrote, stdout and stderr together. */
  text: string;
  /** The page that GitHub would show. */
  summary: string;
}

export interface Deployment {
  cloud: Cloud;
  landscape: Landscape;
  /** What a person would export. A test may change it. */
  env: Record<string, string>;
  /** The repository, of one commit; a test may change it and commit. */
  folder: string;
  commit(): void;
  run(script: string, env?: Record<string, string | undefined>, ...args: string[]): Promise<Run>;
  /** What `docker` was told. */
  dockerCalls(): string[];
}

/** A cloud, a clone of the repository and a script to run, all of it the test's own. */
export async function deploymentForTests(t: { after(undo: () => unknown): void } = { after }): Promise<Deployment> {
  const cloud = await startCloud();
  t.after(() => cloud.stop());
  const landscape = settle(cloud);
  const folder = mkdtempSync("/tmp/inserter-deploy-");
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of [".github", "func.yaml", "Dockerfile"])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  const tools = `${folder}.tools`;
  mkdirSync(tools);
  t.after(() => rmSync(tools, { recursive: true, force: true }));
  cpSync(join(ROOT, "test/cloud/docker"), join(tools, "docker"));
  writeFileSync(join(tools, "package.json"), '{"type":"module"}');
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost", ...args]);
  git("init", "-q");
  const commit = () => {
    git("add", "-A");
    git("commit", "-q", "-m", "test", "--allow-empty");
  };
  commit();

  const dockerLog = join(tools, "docker.log");
  const base = {
    PATH: `${tools}:${process.env.PATH}`,
    HOME: tools,
    DOCKER_LOG: dockerLog,
    DOCKER_CONFIG: tools,
    DOCKER_BUNDLE: BUNDLE,
    WAIT_SECONDS: "1",
  };
  const env: Record<string, string> = {
    ...cloud.env,
    COMPARTMENT_OCID: cloud.compartmentId,
    SUBNET_OCIDS: landscape.subnet.id,
    DB_SECRET_OCID: cloud.platform.vault.secretId,
    OCI_SECRETS_ENDPOINT: cloud.platform.vault.endpoint,
  };
  return {
    cloud,
    landscape,
    env,
    folder,
    commit,
    dockerCalls: () => readFileSync(dockerLog, "utf8").trim().split("\n"),
    run(script, more = {}, ...args) {
      const page = join(tools, `summary-${performance.now()}`);
      writeFileSync(page, "");
      const all = { ...base, ...env, GITHUB_STEP_SUMMARY: page, ...more };
      const given = Object.fromEntries(
        Object.entries(all).filter(([, value]) => value !== undefined),
      ) as NodeJS.ProcessEnv;
      return new Promise((resolve) => {
        const child = execFile(
          join(folder, ".github/scripts", script),
          args,
          { cwd: folder, env: given, maxBuffer: 1e8 },
          (_error, stdout, stderr) => {
            resolve({ code: child.exitCode ?? -1, text: `${stdout}${stderr}`, summary: readFileSync(page, "utf8") });
          },
        );
      });
    },
  };
}
