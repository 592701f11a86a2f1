import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import * as z from "zod";
import { execute, type Run, readLines } from "./deployment.ts";

const variables = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).default({});
const step = z.strictObject({
  run: z.string().optional(),
  uses: z.string().optional(),
  with: variables,
  env: variables,
});
const job = z.strictObject({
  "runs-on": z.string(),
  "timeout-minutes": z.number(),
  needs: z.string().optional(),
  environment: z.string().optional(),
  permissions: z.record(z.string(), z.string()),
  env: variables,
  steps: z.array(step),
});
const workflow = z.strictObject({
  name: z.string(),
  on: z.unknown(),
  permissions: z.strictObject({}),
  concurrency: z.unknown(),
  env: variables,
  jobs: z.record(z.string(), job),
});

/** What a repository's owner has set, and what the machine brings. */
export interface RunnerOptions {
  /** The repository that is checked out. */
  repository: string;
  vars: Record<string, string>;
  secrets: Record<string, string>;
  /** Of the machine: PATH, and what leads to a cloud that is played. */
  machine: Record<string, string>;
  /** What GitHub gives a job that may ask for an OIDC token. */
  oidc: Record<string, string>;
  /** The machine's own home, which outlives a run as it does on a runner of one's own. */
  home: string;
}

export interface StepRun extends Omit<Run, "summary"> {
  command: string;
  /** The names of the variables that the step was given and that hold something. */
  given: string[];
}

export interface JobRun {
  /** The exit code of the step that failed, or 0. */
  code: number;
  text: string;
  summary: string;
  steps: StepRun[];
}

/**
 * Runs a job of a workflow file as GitHub's runner does: an empty environment but for the machine's, the env: of workflow, job and
 * step with vars and secrets filled in, and the files by which a step tells the next ones.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export async function runJob(file: string, name: string, options: RunnerOptions): Promise<JobRun> {
  const { env: ofWorkflow, jobs } = workflow.parse(parse(readFileSync(file, "utf8")));
  const found = jobs[name];
  if (!found) throw new Error(`${file} has no job ${name}`);
  const context = { vars: options.vars, secrets: options.secrets };
  evaluate(found["runs-on"], context);
  const temp = mkdtempSync("/tmp/inserter-runner-");
  const workspace = join(temp, "workspace");
  const files = Object.fromEntries(
    ["GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"].map((each) => [each, join(temp, each)]),
  );
  for (const path of Object.values(files)) writeFileSync(path, "");
  mkdirSync(options.home, { recursive: true });
  const result: JobRun = { code: 0, text: "", summary: "", steps: [] };
  try {
    for (const { run, uses, env } of found.steps) {
      if (uses) checkOut(uses, options.repository, workspace);
      if (run === undefined) continue;
      const given = {
        ...options.machine,
        ...(found.permissions["id-token"] === "write" && options.oidc),
        ...files,
        ...{ HOME: options.home, CI: "true", GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: workspace, RUNNER_TEMP: temp },
        ...Object.fromEntries(readLines(String(files.GITHUB_ENV)).filter(Boolean).map(splitLine)),
        ...filled({ ...ofWorkflow, ...found.env, ...env }, context),
        PATH: [...readLines(String(files.GITHUB_PATH)).filter(Boolean).reverse(), options.machine.PATH].join(":"),
      };
      const script = join(temp, "step.sh");
      writeFileSync(script, run);
      const { code, stdout, text } = await execute("bash", ["-e", script], workspace, given);
      const names = Object.entries(given).flatMap(([key, value]) => (value ? [key] : []));
      result.steps.push({ command: run, code, stdout, text, given: names });
      result.text += text;
      result.code = code;
      if (code !== 0) break;
    }
    result.summary = readFileSync(String(files.GITHUB_STEP_SUMMARY), "utf8");
    return result;
  } finally {
    rmSync(temp, { recursive: true, force: true, maxRetries: 5 });
  }
}

function checkOut(uses: string, repository: string, workspace: string): void {
  if (!uses.startsWith("actions/checkout@")) throw new Error(`the runner does not know ${uses}`);
  execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${repository}`, workspace], { timeout: 60_000 });
}

type Context = Record<string, Record<string, string>>;

function filled(env: Record<string, string>, context: Context): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([key, value]) => [key, evaluate(value, context)]));
}

/** GitHub's expressions, as far as the workflows use them. What is not set is an empty string. */
export function evaluate(text: string, context: Context): string {
  return text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const terms = expression.split("||").map((either) => {
      const values = either.split("&&").map((part) => lookUp(part.trim(), context));
      return values.every(Boolean) ? values.at(-1) : "";
    });
    return terms.find(Boolean) ?? "";
  });
}

function lookUp(term: string, context: Context): string {
  const [, whole, part] = /^contains\(([\w.]+), ('[^']*')\)$/.exec(term) ?? [];
  if (whole && part) return lookUp(whole, context).includes(lookUp(part, context)) ? "true" : "";
  const [left = "", right] = term.split(/\s*==\s*/);
  if (right !== undefined) return lookUp(left, context) === lookUp(right, context) ? "true" : "";
  const literal = /^'([^']*)'$/.exec(term)?.[1];
  if (literal !== undefined) return literal;
  const [, scope = "", name = ""] = /^(\w+)\.(\w+)$/.exec(term) ?? [];
  if (!context[scope]) throw new Error(`the runner does not know the expression ${term}`);
  return context[scope][name] ?? "";
}

function splitLine(line: string): [string, string] {
  const at = line.indexOf("=");
  return [line.slice(0, at), line.slice(at + 1)];
}
