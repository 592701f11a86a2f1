import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { ROOT } from "./deployment.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", ...globSync("docs/*.md", { cwd: ROOT })];

/** Which test runs what a command begins with, and the words of it there. */
const RUN_BY: [start: string, file: string, words: string[]][] = [
  ["npm ci", ".ci/run", ["npm ci"]],
  ["npm test", ".ci/run", ["npm test"]],
  ["npm run build", "package.json", ['"pretest": "npm run --silent build"']],
  ["npm run demo", "test/demo.test.ts", ["demo.ts", "a file's bytes"]],
  ["npm run cloud", "test/rehearsal.test.ts", ["npm run cloud", "cloud/start.ts"]],
  ["npm run test:table", "package.json", ["'test/*.test.ts'", "test/table.test.ts"]],
  ["npm run bench", "test/bench.test.ts", ["bench/bench.ts"]],
  ["npm run bench -- keys", "test/bench.test.ts", ['"--smoke", "keys"']],
  ["npm run invoke --", "test/invoke.test.ts", ['run("invoke"']],
  ["export COMPARTMENT_OCID=", "test/bootstrap.test.ts", ["DB_CIDR", "DB_PORT", "DRG_OCID"]],
  ["PGOPTIONS=", "test/psql.test.ts", ["PGOPTIONS=", "README.md"]],
  ["oci fn function invoke --function-id … ", "test/invoke.test.ts", ["README.md", "oci fn function invoke"]],
  ["FEED_MESSAGES=", "test/feed-soak.test.ts", ["FEED_MESSAGES", "SEED"]],
  ["oci fn application update --application-id", "test/figures.test.ts", ["docs/operate.md", "commands()[0]"]],
  ["oci logging-search search-logs", "test/figures.test.ts", ["docs/operate.md", "commands()[3]"]],
  [
    "jq -nc '[[inputs] | flatten(1)[] | {value",
    "test/provision-connector.test.ts",
    ["docs/operate.md", 'putInto("streaming '],
  ],
  [
    "jq -nc '[[inputs] | flatten(1)[] | {content",
    "test/provision-connector.test.ts",
    ["docs/operate.md", 'putInto("queue '],
  ],
  ['echo \'{"device":', "test/readings/table.ts", ["device: uuid", "value: numeric"]],
];

interface Block {
  page: string;
  needsAccount: boolean;
  text: string;
}

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

function blocksOf(page: string): Block[] {
  const found = read(page).matchAll(/(<!-- needs an account -->\n\n)? *```sh\n(.*?)^ *```$/gms);
  return [...found].map(([, mark, text = ""]) => ({ page, needsAccount: mark !== undefined, text }));
}

/** Commands of a block, each with the lines that it goes on for. */
function commandsOf(text: string): string[] {
  const commands: string[] = [];
  let command = "";
  for (const line of text.split("\n")) {
    command += `${line}\n`;
    const isOpen = (command.split("'").length + command.split('"').length) % 2 === 1;
    if (isOpen || /[\\|]$/.test(line)) continue;
    commands.push(...command.split(" && ").map((one) => one.trim()));
    command = "";
  }
  return [...commands, command.trim()].filter((one) => one !== "");
}

/** Not in the midst of a word. */
function begins(command: string, start: string): boolean {
  return command.startsWith(start) && !/^\w\w/.test(`${start.at(-1)}${command.charAt(start.length)}`);
}

/** As GitHub names the place of a heading. */
function anchorsOf(page: string): string[] {
  const headings = read(page).matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

suite("README.md and docs/", () => {
  const blocks = PAGES.flatMap(blocksOf);

  test("each command is run by a test, or marked as needing an account", () => {
    const commands = blocks.filter(({ needsAccount }) => !needsAccount).flatMap(({ text }) => commandsOf(text));
    assert(commands.length > 10);
    for (const command of commands)
      assert(
        RUN_BY.some(([start]) => begins(command, start)),
        `nothing runs: ${command}`,
      );
    for (const [start, file, words] of RUN_BY) {
      assert(
        commands.some((command) => begins(command, start)),
        `no page has: ${start}`,
      );
      for (const word of words) assert(read(file).includes(word), `${file} has not: ${word}`);
    }
  });

  test("docs/table.md creates beside its table what the tests create", () => {
    const [, sql = ""] = /^ *```sql\n(.*?)^ *```$/ms.exec(read("docs/table.md")) ?? [];
    const beside = (schema: string) => schema.replace(/^.*?(?=CREATE TABLE \S+ \S+ \S+ \S+_keys )/s, "");
    assert.equal(beside(sql.replaceAll(/^ {3}/gm, "")), beside(read("test/readings/schema.sql")));
  });

  test("README has at most 200 lines", () => {
    assert(read("README.md").trimEnd().split("\n").length <= 200);
  });

  test("links within the repository lead somewhere", () => {
    const links = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path = "", anchor]) => ({
        page,
        path: path === "" ? page : join(dirname(page), path),
        anchor,
      })),
    );
    assert(links.length > 20);
    for (const { page, path, anchor } of links) {
      assert(existsSync(join(ROOT, path)), `${page}: there is no ${path}`);
      if (anchor !== undefined) assert(anchorsOf(path).includes(anchor), `${page}: ${path} has no #${anchor}`);
    }
  });
});
