import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { type Cloud, startCloud } from "./cloud/cloud.ts";
import { installDocker } from "./cloud/docker.ts";
import { type Landscape, settle, variablesOf } from "./cloud/landscape.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What the scripts of a deployment call; Docker's part is played. */
export const TOOLS = ["oci", "git"];

/** A command may take this long, milliseconds; it then ends with what it has said. */
const COMMAND_LIMIT = 420_000;

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
    return true;
  } catch {
    return false;
  }
}

export interface Run {
  code: number;
  stdout: string;
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
  /** A command of package.json, such as provision. An undefined variable is not set. */
  run(command: string, env?: Record<string, string | undefined>, ...args: string[]): Promise<Run>;
  /** What `docker` was told. */
  dockerCalls(): { args: string[]; env: string[] }[];
}

/** A cloud, a copy of the repository and the commands of a person in it, all of it the test's own. */
export async function deploymentForTests(t: { after(undo: () => unknown): void } = { after }): Promise<Deployment> {
  const cloud = await startCloud();
  t.after(() => cloud.stop());
  const landscape = settle(cloud);
  const folder = mkdtempSync("/tmp/inserter-deploy-");
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of [".github", "src", "func.yaml", "Dockerfile", "package.json"])
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const tools = `${folder}.tools`;
  mkdirSync(tools);
  t.after(() => rmSync(tools, { recursive: true, force: true }));
  const dockerLog = join(tools, "docker.log");
  installDocker(tools, { log: dockerLog });
  const commit = initialise(folder);
  const base = { PATH: `${tools}:${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`, HOME: tools };
  const env: Record<string, string> = { ...cloud.env, ...variablesOf(cloud, landscape) };
  const scripts = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).scripts as Record<string, string>;
  return {
    cloud,
    landscape,
    env,
    folder,
    commit,
    dockerCalls: () => readLines(dockerLog).map((line) => JSON.parse(line)),
    async run(command, more = {}, ...args) {
      const summary = join(tools, `summary-${performance.now()}`);
      writeFileSync(summary, "");
      const all = { ...base, ...env, GITHUB_STEP_SUMMARY: summary, ...more };
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
      const [program = "", ...fixed] = String(scripts[command]).split(" ");
      const result = await execute(program, [...fixed, ...args], folder, given as Record<string, string>);
      return { ...result, summary: readFileSync(summary, "utf8") };
    },
  };
}

/** Makes a folder a repository of one commit. Returns what commits the changes in it. */
export function initialise(folder: string): () => void {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=test", "-c", "user.email=test@localhost", ...args]);
  git("init", "-q", "-b", "main");
  writeFileSync(join(folder, ".git/info/exclude"), "node_modules\n");
  const commit = () => {
    git("add", "-A");
    git("commit", "-q", "-m", "test", "--allow-empty");
  };
  commit();
  return commit;
}

/** Runs a program to its end, or to the limit. */
export function execute(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Omit<Run, "summary">> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], timeout: COMMAND_LIMIT });
    let [stdout, text] = ["", ""];
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      text += chunk;
    });
    child.stderr.on("data", (chunk) => {
      text += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === null) text += `\n(ended after ${COMMAND_LIMIT / 1_000} s)`;
      resolve({ code: code ?? -1, stdout, text });
    });
  });
}

export function readLines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
