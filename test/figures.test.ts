import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, suite, test } from "node:test";
import { promisify } from "node:util";
import { skipWithout } from "./deployment.ts";
import { closingLine, platformForTests } from "./fixture.ts";
import { type Row, runQuery } from "./logging-query.ts";
import { ApiError, createApi, sendJson } from "./platform/api.ts";
import { listen } from "./platform/port.ts";

const LOG = "ocid1.compartment.oc1..a/ocid1.loggroup.oc1..b/ocid1.log.oc1..c";
const HOUR = 3_600_000;

/** The commands of the section, in their order. */
function commands(): string[] {
  const section = readFileSync("docs/operate.md", "utf8")
    .split(/^## /m)
    .find((part) => part.startsWith("Figures\n"));
  return [...(section ?? "").matchAll(/^```sh\n(.*?)^```$/gms)].map(([, command]) => command as string);
}

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

  /** Invokes so many times, of which four at a time. */
  async function calls(count: number, body: string): Promise<Row[]> {
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
  const stored = [...(await calls(60, '{"name":"a"}')), ...(await calls(20, '[{"name":"a"},{"name":"b"}]'))];
  const refused = [...(await calls(7, "{}")), ...(await calls(3, "{"))];
  await postgres.query(`REVOKE INSERT ON items FROM ${username}`);
  const withoutRight = await calls(9, '{"name":"a"}');
  await postgres.query(`GRANT INSERT ON items TO ${username}`);

  /** As Functions stores lines that are JSON, and its own, which are text. */
  const entries: Row[] = functions.logs
    .map((line) => JSON.parse(line))
    .flatMap((message) => [message, "Received function invocation request"])
    .map((message) => ({
      datetime: message.time ? Date.parse(message.time) : Date.now(),
      type: "com.oraclecloud.functions.application.functioninvoke",
      source: "application",
      subject: functions.options.name,
      data: { functionId: functions.options.id, message, src: "STDOUT" },
    }));

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
    const within = entries.filter(({ datetime }) => from <= Number(datetime) && Number(datetime) < to);
    const { scope, rows } = search(sent.searchQuery, within);
    if (scope !== LOG) throw new ApiError(404, "NotAuthorizedOrNotFound", `There is no log ${scope}`);
    const results = rows.slice(0, Number(url.searchParams.get("limit") ?? 100)).map((data) => ({ data }));
    sendJson(response, 200, { results, summary: { resultCount: results.length } });
  });
  const port = await listen(server, 0, "");
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  async function run(command: string): Promise<string> {
    const env = {
      PATH: process.env.PATH,
      HOME: "/tmp",
      OCI_CLI_CONFIG_FILE: ociConfigFile,
      OCI_CLI_ENDPOINT: `http://127.0.0.1:${port}`,
      APPLICATION_OCID: "ocid1.fnapp.oc1..a",
      LOG,
      FROM: `${new Date(Date.now() - HOUR).toISOString().slice(0, 16)}Z`,
      TO: `${new Date(Date.now() + HOUR).toISOString().slice(0, 16)}Z`,
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
    const expected = Map.groupBy(refused, ({ status, time }) => {
      return JSON.stringify([status, Math.floor(Date.parse(String(time)) / HOUR) * HOUR]);
    });
    const counts = Object.fromEntries(
      found.map(({ status, hour, refusals }) => [JSON.stringify([status, hour]), refusals]),
    );
    assert.deepEqual(counts, Object.fromEntries([...expected].map(([key, { length }]) => [key, length])));
    assert.equal(commands().length, 4);
  });
});
