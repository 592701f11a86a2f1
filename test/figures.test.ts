import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, suite, test } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "./deployment.ts";
import { CHECK, messagesOf } from "./feed-messages.ts";
import { closingLine, platformForTests } from "./fixture.ts";
import { type Row, runQuery } from "./logging-query.ts";
import { ApiError, createApi, sendJson } from "./platform/api.ts";
import { eventually } from "./platform/eventually.ts";
import { startHub } from "./platform/hub.ts";
import { listen } from "./platform/port.ts";
import { createStream, follow } from "./platform/stream.ts";
import { randomOf } from "./random.ts";

const LOG = "ocid1.compartment.oc1..a/ocid1.loggroup.oc1..b/ocid1.log.oc1..c";
const HOUR = 3_600_000;

/** The blocks of a section, in their order. */
function blocks(section: string, language: string): string[] {
  const text = readFileSync("docs/operate.md", "utf8")
    .split(/^##+ /m)
    .find((part) => part.startsWith(`${section}\n`));
  const found = (text ?? "").matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, "gms"));
  return [...found].map(([, block]) => block as string);
}

const commands = () => blocks("Figures", "sh");

/** When a line came, as if its calls had come in three hours: by the last character of the `callId`. */
function timeOf({ time, callId }: Row): number {
  return Date.parse(String(time)) - (String(callId).charCodeAt(String(callId).length - 1) % 3) * HOUR;
}

const hourOf = (line: Row) => Math.floor(timeOf(line) / HOUR) * HOUR;

/** @throws {ApiError} which the CLI does not ask again after */
function search(query: string, entries: readonly Row[]) {
  try {
    return runQuery(query, entries);
  } catch (error) {
    throw new ApiError(400, "InvalidParameter", (error as Error).message);
  }
}

suite("figures from the log", { skip: skipWithout("oci", "jq") }, async () => {
  const platform = await platformForTests({ functions: { maxContainers: 4 } });
  const { functions, vault, postgres, ociConfigFile } = platform;
  const { username } = postgres.credentials;

  /** Two connectors deliver a stream of which one message in eight is set aside. */
  async function feed(): Promise<{ closing: Row[]; bodies: Buffer[] }> {
    const stream = createStream({ partitions: 2 });
    stream.put(messagesOf(randomOf(1), 300, false).map(({ content }) => ({ value: content })));
    const calls: { callId: string; body: Buffer }[] = [];
    const target = {
      async invoke({ body }: { body: Buffer }) {
        const outcome = await functions.invoke({ body });
        calls.push({ callId: outcome.callId, body });
        return outcome;
      },
    };
    const sources = stream.partitions.map((partition) => follow(stream, { partitions: [partition] }));
    const hubs = sources.map((source) => startHub({ source, target, batchSizeInNum: 10, batchTimeInSec: 1 }));
    await eventually(() => sources.every(({ left }) => left === 0), "the stream to be delivered");
    await Promise.all(hubs.map((hub) => hub.stop()));
    const closing = await Promise.all(calls.map(({ callId }) => closingLine(platform, callId)));
    return { closing, bodies: calls.map(({ body }) => body) };
  }

  /** Invokes so many times, of which four at a time. */
  async function calls(count: number, body: string | Buffer): Promise<Row[]> {
    const ids: string[] = [];
    let left = count;
    const worker = async () => {
      while (left-- > 0) ids.push((await functions.invoke({ body })).callId);
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    return Promise.all(ids.map((callId) => closingLine(platform, callId)));
  }

  vault.answer({ status: 404 });
  const withoutSecret = await calls(5, '{"name":"a"}');
  vault.answer();
  await postgres.query(CHECK);
  const fed = await feed();
  const stored = [
    ...(await calls(60, '{"name":"a"}')),
    ...(await calls(20, '[{"name":"a"},{"name":"b"}]')),
    ...fed.closing,
  ];
  const refused = [...(await calls(7, "{}")), ...(await calls(3, "{"))];
  await postgres.query(`REVOKE INSERT ON items FROM ${username}`);
  const withoutRight = await calls(9, '{"name":"a"}');
  await postgres.query(`GRANT INSERT ON items TO ${username}`);

  /** As Functions stores lines that are JSON, and its own, which are text; of this function and of another one. */
  const entries = (): Row[] =>
    functions.logs
      .map((line) => JSON.parse(line))
      .flatMap((message) => [message, "Received function invocation request"])
      .flatMap((message) =>
        [functions.options.name, "another"].map((subject) => ({
          datetime: message.time ? timeOf(message) : Date.now(),
          type: "com.oraclecloud.functions.application.functioninvoke",
          source: "application",
          subject,
          data: { functionId: functions.options.id, message, src: "STDOUT" },
        })),
      );

  const updates: unknown[] = [];
  const server = createApi(async (request, body, response) => {
    const url = new URL(request.url ?? "", "http://oci");
    const sent = JSON.parse(body.toString());
    if (request.method === "PUT" && url.pathname.endsWith("/applications/ocid1.fnapp.oc1..a")) {
      updates.push(sent);
      return sendJson(response, 200, {});
    }
    if (request.method !== "POST" || url.pathname !== "/20190909/search")
      throw new ApiError(501, "NotImplemented", `There is no ${request.method} ${url.pathname} here`);
    const [from, to] = [Date.parse(sent.timeStart), Date.parse(sent.timeEnd)];
    const within = entries().filter(({ datetime }) => from <= Number(datetime) && Number(datetime) < to);
    const { scope, rows } = search(sent.searchQuery, within);
    if (scope !== LOG) throw new ApiError(404, "NotAuthorizedOrNotFound", `There is no log ${scope}`);
    const limit = url.searchParams.get("limit");
    if (limit === null) throw new ApiError(400, "MissingParameter", "Oracle's pages name no limit in place of --limit");
    const results = rows.slice(0, Number(limit)).map((data) => ({ data }));
    sendJson(response, 200, { results, summary: { resultCount: results.length } });
  });
  const port = await listen(server, 0, "");
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  async function run(command: string, variables: Record<string, string> = {}): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      HOME: "/tmp",
      OCI_CLI_CONFIG_FILE: ociConfigFile,
      OCI_CLI_ENDPOINT: `http://127.0.0.1:${port}`,
      APPLICATION_OCID: "ocid1.fnapp.oc1..a",
      LOG,
      FROM: `${new Date(Date.now() - 4 * HOUR).toISOString().slice(0, 16)}Z`,
      TO: `${new Date(Date.now() + HOUR).toISOString().slice(0, 16)}Z`,
      ...variables,
    };
    const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", command], {
      env,
      timeout: 120_000,
    });
    return stdout;
  }

  const lines = (text: string): Row[] =>
    text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  const sumOf = (rows: Row[], column: string) => rows.reduce((sum, row) => sum + Number(row[column]), 0);

  async function inTable(): Promise<number> {
    const [statement = ""] = blocks("Alarm on rejects", "sql");
    const [row] = await postgres.query<{ count: string }>(statement);
    return Number(row?.count);
  }

  test("the first command has OCI Logging keep lines as JSON", async () => {
    await run(commands()[0] as string);
    assert.deepEqual(updates, [{ logging: { lineFormat: "JSON" } }]);
  });

  test("the 95th percentile of each step, of the calls that had it", async () => {
    const found = JSON.parse(await run(commands()[1] as string));
    assert.deepEqual(Object.keys(found).sort(), ["connect_ms", "insert_ms", "secret_ms", "total_ms"]);
    for (const step of ["secret", "connect", "insert", "total"]) {
      const all = stored.map(({ ms }) => (ms as Record<string, number>)[step] as number).filter((ms) => ms > 0);
      const { calls, p95 } = found[`${step}_ms`];
      assert.equal(calls, all.length);
      // At least 95 in a hundred take no longer, and fewer take less.
      assert(all.filter((ms) => ms <= p95).length >= 0.95 * calls, `${step}: ${p95} is too little`);
      assert(all.filter((ms) => ms < p95).length < 0.95 * calls, `${step}: ${p95} is too much`);
    }
    assert(found.secret_ms.calls < found.insert_ms.calls && found.insert_ms.calls === stored.length);
  });

  test("failures by code", async () => {
    const found = lines(await run(commands()[2] as string)).map(({ code, failures }) => [code, failures]);
    assert.deepEqual(found.sort(), [
      ["404", withoutSecret.length],
      ["42501", withoutRight.length],
    ]);
  });

  test("refusals by status and hour", async () => {
    const found = lines(await run(commands()[3] as string));
    const expected = Map.groupBy(refused, (line) => JSON.stringify([line.status, hourOf(line)]));
    const counts = Object.fromEntries(
      found.map(({ status, hour, refusals }) => [JSON.stringify([status, hour]), refusals]),
    );
    assert.deepEqual(counts, Object.fromEntries([...expected].map(([key, { length }]) => [key, length])));
  });

  test("rejects by hour, as many as are in items_rejected", async () => {
    const byHour = Map.groupBy(
      fed.closing.filter(({ rejected }) => rejected),
      hourOf,
    );
    const expected = [...byHour].map(([hour, some]) => ({ hour, rejects: sumOf(some, "rejected") }));
    const found = lines(await run(commands()[4] as string));
    assert.deepEqual(
      found,
      expected.sort((one, other) => other.hour - one.hour),
    );
    assert(found.length > 1);
    assert.equal(sumOf(found, "rejects"), await inTable());
  });

  test("rejects that are delivered again are counted again, and in items_rejected once", async () => {
    const before = await inTable();
    const index = fed.closing.findIndex(({ rejected }) => rejected);
    const [again] = await calls(1, fed.bodies[index] as Buffer);
    assert.equal(again?.rejected, fed.closing[index]?.rejected);
    const found = lines(await run(commands()[4] as string));
    assert.equal(sumOf(found, "rejects"), before + Number(again?.rejected));
    assert.equal(await inTable(), before);
  });

  test("why one call failed, with its remedy", async () => {
    const [failed] = withoutRight as [Row];
    const found = lines(await run(commands()[5] as string, { CALL_ID: String(failed.callId) }));
    assert.deepEqual(found, [{ code: "42501", detail: failed.detail, remedy: failed.remedy }]);
    assert.equal(commands().length, 6);
  });
});
