import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "node:test";

/** Runs a program of test/platform as a person would. */
async function run(program: string, args: string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [`test/platform/${program}`, ...args], { env: { ...process.env, ...env } });
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => {
    said.out += chunk;
    if (said.out.includes("Ctrl-C stops everything")) child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk) => {
    said.err += chunk;
  });
  const [code] = await once(child, "close");
  return { ...said, code };
}

function fileWith(content: string): { file: string } & Disposable {
  const folder = mkdtempSync("/tmp/inserter-demo-");
  const file = join(folder, "item.json");
  writeFileSync(file, content);
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

test("the demo shows the answer and the row", async () => {
  const { out, err, code } = await run("demo.ts");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /"id": 1,\n {2}"name": "Test"/);
  assert.match(out, / 1 {2}│ Test │ Stored by postgres-inserter │/);
  assert.match(out, /\(1 row\)/);
});

test("the demo fails where the item is refused, and shows why", async () => {
  using refused = fileWith('{"nam":"x"}');
  const { out, code } = await run("demo.ts", [refused.file]);
  assert.equal(code, 1);
  assert.match(out, /is not a key of an item/);
  assert.match(out, /\(0 rows\)/);
});

test("a missing file and a file that is not JSON are one line each", async () => {
  using broken = fileWith('{\n"name" "x"}');
  const missing = await run("demo.ts", ["nowhere.json"]);
  assert.equal(
    missing.err,
    "Cannot read nowhere.json (ENOENT). Name a file that holds an item: npm run demo -- my-item.json\n",
  );
  const invalid = await run("demo.ts", [broken.file]);
  assert.match(invalid.err, /^.*item\.json is not JSON: .*line 2 column 8.*\n$/);
  assert.deepEqual([missing.code, invalid.code], [1, 1]);
});

test("npm start stays up, prints lines to paste, and ends well at Ctrl-C", async () => {
  const { out, err, code } = await run("start.ts", [], { PORT: "0" });
  assert.deepEqual([code, err], [0, ""]);
  for (const line of [/^curl .*\/items/m, /^curl .*\/health/m, /^oci .*fn function invoke/m, /^psql /m]) {
    assert.match(out, line);
  }
});

test("a port in use is one line that says what to do", async (t) => {
  const server = createServer().listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const { err, code } = await run("start.ts", [], { PORT: String(port) });
  assert.deepEqual([code, err], [1, `Port ${port} is in use. Choose another: PORT=8081 npm start\n`]);
});
