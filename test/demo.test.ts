import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test, { suite, type TestContext } from "node:test";
import { promisify } from "node:util";
import pg from "pg";
import { skipWithout } from "./deployment.ts";
import { hasEnded } from "./platform/cleanup.ts";
import { eventually } from "./platform/eventually.ts";

/** For a program to start a platform and do what it is for, on a busy machine. Milliseconds. */
const LIMIT = 180_000;

const UP = "Ctrl-C stops everything";

/** Starts a program of test/platform as a person would; it ends with the test. */
function start(t: TestContext, program: string, args: string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [`test/platform/${program}`, ...args], { env: { ...process.env, ...env } });
  t.after(() => child.kill("SIGTERM"));
  const said = { out: "", err: "" };
  child.stdout.on("data", (chunk) => (said.out += chunk));
  child.stderr.on("data", (chunk) => (said.err += chunk));
  const closed = once(child, "close");
  const soFar = () => `${said.out}${said.err}`;
  return {
    said,
    child,
    async up() {
      await eventually(
        () => said.out.includes(UP) || hasEnded(child),
        () => `${program} to be up: ${soFar()}`,
        LIMIT,
      );
      assert(said.out.includes(UP), soFar());
    },
    async ended() {
      await eventually(
        () => hasEnded(child),
        () => `${program} to end: ${soFar()}`,
        LIMIT,
      );
      const [code] = await closed;
      return { ...said, code };
    },
  };
}

const run = (...given: Parameters<typeof start>) => start(...given).ended();

function fileWith(t: TestContext, content: string | Buffer): string {
  const folder = mkdtempSync("/tmp/inserter-demo-");
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "my item's.json");
  writeFileSync(file, content);
  return file;
}

test("the demo shows the answer and the row", async (t) => {
  const { out, err, code } = await run(t, "demo.ts");
  assert.deepEqual([code, err], [0, ""]);
  assert.match(out, /"id": 1,\n {2}"name": "Test"/);
  assert.match(out, / 1 {2}│ Test │ Stored by postgres-inserter │/);
  assert.match(out, /\(1 row\)/);
});

test("the demo fails where the item is refused, and shows why", async (t) => {
  const { out, code } = await run(t, "demo.ts", [fileWith(t, '{"nam":"x"}')]);
  assert.equal(code, 1);
  assert.match(out, /is not a key of an item/);
  assert.match(out, /\(0 rows\)/);
});

test("the demo sends a file's bytes as they are, which the function takes or refuses", async (t) => {
  const marked = await run(t, "demo.ts", [fileWith(t, '\ufeff{"name":"marked"}')]);
  assert.equal(marked.code, 0, marked.err);
  assert.match(marked.out, /"name": "marked"/);
  const latin = await run(t, "demo.ts", [fileWith(t, Buffer.from('{"name":"Müller"}', "latin1"))]);
  assert.equal(latin.code, 1);
  assert.match(latin.out, /The body is not UTF-8\.[\s\S]*\(0 rows\)/);
});

test("a missing file and a file that is not JSON are one line each", async (t) => {
  const missing = await run(t, "demo.ts", ["nowhere.json"]);
  assert.equal(
    missing.err,
    "Cannot read nowhere.json (ENOENT). Name a file that holds an item: npm run demo -- my-item.json\n",
  );
  const invalid = await run(t, "demo.ts", [fileWith(t, '{\n"name" "x"}')]);
  assert.match(invalid.err, /^.*item's\.json is not JSON: .*line 2 column 8.*\n$/);
  assert.deepEqual([missing.code, invalid.code], [1, 1]);
});

test("npm start stays up, prints lines to paste, and ends well at Ctrl-C", async (t) => {
  const program = start(t, "start.ts", [], { PORT: "0" });
  await program.up();
  program.child.kill("SIGINT");
  const { out, err, code } = await program.ended();
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
  const { err, code } = await run(t, "start.ts", [], { PORT: String(port) });
  assert.deepEqual([code, err], [1, `Port ${port} is in use. Choose another: PORT=8081 npm start\n`]);
});

suite("the lines that npm start prints", { skip: skipWithout("oci", "jq", "curl") }, () => {
  /** `npm start` with an item of a name, its lines by program, a way to run one, and its database. */
  async function printed(t: TestContext, name: string) {
    const file = fileWith(t, `${JSON.stringify({ name }, null, 2)}\n`);
    const program = start(t, "start.ts", [file], { PORT: "0" });
    await program.up();
    const line = (start: string) => RegExp(`^${start}.*$`, "m").exec(program.said.out)?.[0] ?? "";
    const database = new pg.Client({ connectionString: line("psql").split(" ")[1] });
    await database.connect();
    t.after(() => database.end());
    return {
      file,
      line,
      said: program.said,
      // The caches and settings of the OCI CLI are not a developer's own.
      paste: (text: string) =>
        promisify(execFile)("sh", ["-c", text], {
          timeout: LIMIT,
          env: { PATH: process.env.PATH, HOME: join(file, "..") },
        }),
      rows: async () => (await database.query("SELECT FROM items WHERE name = $1", [name])).rowCount,
      database,
    };
  }

  test("the lines of npm start store text of the world as it is, from a file whose name needs quotes", async (t) => {
    const { line, paste, rows } = await printed(t, "Müller 😀");
    const { stdout } = await paste(line("oci"));
    assert.equal(JSON.parse(stdout).name, "Müller 😀");
    assert.match((await paste(line("curl .*/items"))).stdout, /^HTTP\/1.1 201 /);
    // The first is of npm start itself.
    assert.equal(await rows(), 3);
  });

  test("the lines of npm start put each item of a file into the stream, whose rows are shown as they arrive", async (t) => {
    const { file, line, paste, rows, database, said } = await printed(t, "Größe 😀");
    const { stdout } = await paste(line("jq"));
    assert.equal(JSON.parse(stdout).data.failures, 0);
    // The first is of npm start itself.
    await eventually(async () => (await rows()) === 2, "the row of the message");
    await eventually(
      () => /Connector Hub: 1 of stream items, delivered in .* ms[\s\S]*Größe[\s\S]*\(2 rows\)/.test(said.out),
      () => `the row to be shown: ${said.out}`,
    );

    writeFileSync(file, '{"name":"a line"}\n[{"name":"of an array"},{"nam":"no item"}]\n');
    await paste(line("jq"));
    await eventually(() => /Connector Hub: 3 of/.test(said.out), "the delivery of three messages");
    const { rows: stored } = await database.query("SELECT name FROM items ORDER BY id OFFSET 2");
    assert.deepEqual(stored, [{ name: "a line" }, { name: "of an array" }]);
    const { rows: rejected } = await database.query("SELECT convert_from(content, 'utf8') AS text FROM items_rejected");
    assert.deepEqual(rejected, [{ text: '{"nam":"no item"}' }]);

    const elsewhere = line("jq").replace(/ocid1\.stream\.\S+/, "ocid1.stream.oc1..another");
    await assert.rejects(paste(elsewhere), /NotAuthorizedOrNotFound/);
  });

  test("the lines of npm start invoke once, however long the answer takes", async (t) => {
    const { line, paste, rows, database } = await printed(t, "slow");
    await database.query("BEGIN; LOCK TABLE items");
    const impatient = line("oci").replace("--read-timeout 300", "--read-timeout 5");
    await assert.rejects(paste(impatient), /timed? ?out/i);
    const active = async () =>
      (await database.query("SELECT FROM pg_stat_activity WHERE usename = 'librarian_user' AND state = 'active'"))
        .rowCount;
    assert.equal(await active(), 1, "invocations that wait for the table");
    await database.query("ROLLBACK");
    await eventually(async () => (await active()) === 0, "the insert to end");
    assert.equal(await rows(), 2);
  });
});
