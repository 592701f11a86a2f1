import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { ROOT, skipWithout } from "./deployment.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const files = (pattern: string) => globSync(pattern, { cwd: ROOT });
const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

suite("workflows", { skip: skipWithout("actionlint", "zizmor", "shellcheck") }, () => {
  const workflows = files(".github/workflows/*.yml");
  const scripts = files(".github/scripts/**/*.ts");
  const commands = JSON.parse(read("package.json")).scripts as Record<string, string>;
  const lint = (tool: string, ...args: string[]) => execFileSync(tool, args, { cwd: ROOT, stdio: "pipe" });

  test("linters find nothing in workflows", () => {
    lint("actionlint", ...workflows);
    lint("zizmor", "--offline", "--quiet", ...workflows);
    lint("shellcheck", ".ci/run");
  });

  test("workflows map variables and call commands that are there, and nothing else", () => {
    for (const workflow of workflows) {
      const text = read(workflow);
      for (const command of all(text, /run: (.+)/g)) {
        const script = /^npm run (\w+)$/.exec(command)?.[1];
        if (script) assert(commands[script]?.startsWith("node .github/scripts/"), command);
        else assert(["npm ci", ".ci/run"].includes(command), command);
      }
      for (const action of all(text, /uses: (.+)/g)) assert.match(action, /^actions\/checkout@[0-9a-f]{40} # v/);
      assert.match(text, /^permissions: \{\}$/m);
    }
  });

  test("a workflow gives its scripts each variable of the operators' table, under its own name", () => {
    const table = all(read("docs/operate.md"), /^\| `([A-Z_]+)`[^|]*\| (?:secret|variable) /gm);
    assert(table.length > 10);
    const given = (workflow: string) =>
      all(read(`.github/workflows/${workflow}.yml`), /^ {6,10}([A-Z_]+): \$\{\{ (?:vars|secrets)\.\1 \}\}$/gm).sort();
    // What calls the function is no matter of its image.
    const onlyToProvision = (name: string) =>
      /^(SUBNET|NSG|STREAM|QUEUE|FEED_COMPARTMENT)_OCIDS?$|^GATEWAY_/.test(name);
    assert.deepEqual(given("provision-function"), table.sort());
    assert.deepEqual(
      given("update-application"),
      table.filter((name) => !onlyToProvision(name)),
    );
    const used = scripts.map(read).join("") + read("func.yaml");
    for (const name of table) assert(name.startsWith("OCI_CLI_") || used.includes(name), `no script uses ${name}`);
  });

  test("the workflows deploy one at a time, and break none off", () => {
    for (const name of ["provision-function", "update-application"])
      assert.match(
        read(`.github/workflows/${name}.yml`),
        /^concurrency:\n {2}group: deploy\n {2}cancel-in-progress: false$/m,
      );
  });

  test("a shape picks the runner however it was pasted, and the tests' own limit ends before the job's", () => {
    for (const name of ["provision-function", "update-application"])
      assert.match(
        read(`.github/workflows/${name}.yml`),
        /runs-on: \$\{\{ contains\(vars\.APPLICATION_SHAPE, 'GENERIC_ARM'\)/,
      );
    const [limit] = all(read(".ci/run"), /^timeout .* (\d+)m npm test$/gm);
    for (const workflow of workflows)
      for (const [, minutes] of read(workflow).matchAll(
        /timeout-minutes: (\d+)\n(?:(?!timeout-minutes).*\n)*? +- run: \.ci\/run/g,
      ))
        assert(Number(minutes) > Number(limit), workflow);
  });

  test("func.yaml names the package and its version", () => {
    const { name, version } = JSON.parse(read("package.json"));
    assert.match(read("func.yaml"), new RegExp(`^name: ${name}\nversion: ${version}$`, "m"));
  });
});
