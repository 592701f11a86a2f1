import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deploymentForTests, execute, ROOT, type Run, skipWithout, TOOLS } from "./deployment.ts";
import { eventually } from "./platform/eventually.ts";
import { drawTrace } from "./platform/terminal.ts";

/** With Connector Hub before the function, and tracing, the first time a gateway too; the rest of a provision is provision.test.ts's matter. */
suite("provision with connectors", { skip: skipWithout(...TOOLS, "jq") }, async () => {
  const { cloud, landscape, env, folder, run } = await deploymentForTests();
  const stream = { STREAM_OCID: landscape.stream.id };
  const both = {
    ...stream,
    QUEUE_OCID: landscape.queue.id,
    ON_INVALID: "set-aside",
    APM_DOMAIN_OCID: landscape.apmDomain.id,
  };
  const gateway = { GATEWAY_SUBNET_OCID: landscape.subnet.id, GATEWAY_AUTH: "none" };
  const provision = (more: Record<string, string | undefined> = both) => run("provision", more);
  const connectors = () => cloud.store.all("serviceconnector");
  const changes = (since: number) =>
    cloud.requests.slice(since).filter((request) => !/^GET |\/actions\/invoke$|\/v2\//.test(request));

  /** Runs it where it must refuse and change nothing. */
  async function refused(more: Record<string, string | undefined>): Promise<Run> {
    const since = cloud.requests.length;
    const result = await provision(more);
    assert.equal(result.code, 1, result.text);
    assert.deepEqual(changes(since), [], "something was changed");
    return result;
  }

  for (const [what, more, message] of [
    [
      "what is refused would be lost",
      stream,
      /- ON_INVALID is missing, which is refuse, and Connector Hub is to deliver \(STREAM_OCID\): .*lost\. Set it to set-aside .* or fail/,
    ],
    [
      "so it would, said plainly",
      { ...both, ON_INVALID: "refuse" },
      /- ON_INVALID is refuse, and .*\(STREAM_OCID and QUEUE_OCID\)/,
    ],
    [
      "a queue for a stream",
      { ...both, STREAM_OCID: landscape.queue.id },
      /- STREAM_OCID is the OCID of a queue .* of a stream/,
    ],
    [
      "a stream that is not there",
      { ...both, STREAM_OCID: "ocid1.stream.oc1.eu-frankfurt-1.other" },
      /^✖ STREAM_OCID: oci streaming admin stream get: 404 .*\(ocid1\.stream\..*other\)\n {2}Either it is not there, or/m,
    ],
    [
      "a queue that is not there",
      { ...both, QUEUE_OCID: "ocid1.queue.oc1.eu-frankfurt-1.other" },
      /^✖ QUEUE_OCID: oci queue queue-admin queue get: 404 .*\(ocid1\.queue\..*other\)/m,
    ],
    [
      "an APM domain that is not there",
      { ...both, APM_DOMAIN_OCID: "ocid1.apmdomain.oc1.eu-frankfurt-1.other" },
      /^✖ APM_DOMAIN_OCID: oci apm-control-plane apm-domain get: 404 .*\(ocid1\.apmdomain\..*other\)/m,
    ],
  ] as [string, Record<string, string>, RegExp][]) {
    test(`${what}: said, and nothing is made`, async () => {
      assert.match((await refused(more)).text, message);
    });
  }

  before(async () => {
    const { code, text } = await run("bootstrap", { ...both, ...gateway });
    assert.equal(code, 0, text);
  });

  test("makes a connector from stream and queue to the function, each delivery small enough", async () => {
    const { code, text, summary } = await provision({ ...both, ...gateway });
    assert.equal(code, 0, text);
    const [fn] = cloud.store.all("fnfunc");
    assert.equal(fn?.config.ON_INVALID, "set-aside");
    assert.deepEqual(
      connectors().map(({ displayName, source, compartmentId }) => ({ displayName, source, compartmentId })),
      [
        {
          displayName: "postgres-inserter-stream",
          source: { kind: "streaming", streamId: landscape.stream.id, cursor: { kind: "TRIM_HORIZON" } },
          compartmentId: cloud.compartmentId,
        },
        {
          displayName: "postgres-inserter-queue",
          source: { kind: "plugin", pluginName: "QueueSource", configMap: { queueId: landscape.queue.id } },
          compartmentId: cloud.compartmentId,
        },
      ],
    );
    for (const { target } of connectors()) {
      assert.equal(target.functionId, fn?.id);
      assert.equal(target.batchTimeInSec, 60);
    }
    assert.match(summary, /Health check through the gateway: ok/);
    assert.match(summary, /Connector .*-stream. created, from stream[\s\S]*Connector .*-queue. created, from queue/);
  });

  const functions = () => cloud.functions(connectors()[0]?.target.functionId);
  /** What the function's log says of the calls since. */
  const closings = (since: number) =>
    functions()
      .logs.slice(since)
      .map((line) => JSON.parse(line))
      .filter(({ status }) => status !== undefined);
  const shell = (command: string) =>
    execute("sh", ["-euc", command], folder, { PATH: String(process.env.PATH), HOME: folder, ...env, ...both });
  /** As a person does who reads the page. */
  async function putInto(service: string, ...items: object[]): Promise<void> {
    const page = readFileSync(join(ROOT, "docs/operate.md"), "utf8");
    const command = new RegExp(`^jq .*\\|\\n +oci ${service}.*$`, "m").exec(page)?.[0];
    writeFileSync(join(folder, "payload.json"), items.map((item) => JSON.stringify(item)).join("\n"));
    const { code, text } = await shell(String(command));
    assert.equal(code, 0, text);
  }

  /** As Streaming sends it, more than a batch of the connector holds. */
  const large = { name: "large", description: "x".repeat(310_000) };

  test("what is put into the stream is stored in the connector's batches, a reject kept, and a cold delivery is a trace of four spans", async () => {
    const trace = await eventually(async () => {
      const since = functions().logs.length;
      functions().replace();
      await putInto("streaming ", { name: "Größe 😀" }, { nam: "no item" }, large);
      const [first, second] = await eventually(
        () => (closings(since).length > 1 ? closings(since) : undefined),
        "two deliveries, long before the 60 s of a batch",
        30_000,
      );
      assert.deepEqual([first.items, first.rejected, second.items, second.rejected], [1, 1, 1, 0]);
      return cloud.collector.requests.find(([whole]) => whole?.tags.callId === first.callId);
    }, "a trace, which a busy machine may lose");
    const { query } = cloud.platform.postgres;
    const rows = await query("SELECT DISTINCT name, octet_length(description) AS bytes FROM items ORDER BY name");
    assert.deepEqual(rows, [
      { name: "Größe 😀", bytes: null },
      { name: "large", bytes: 310_000 },
    ]);
    const rejected = await query("SELECT DISTINCT convert_from(content, 'UTF8') AS text FROM items_rejected");
    assert.deepEqual(rejected, [{ text: '{"nam":"no item"}' }]);
    assert.match(
      drawTrace(trace),
      /trace [0-9a-f]{16} of postgres-inserter::postgres-inserter\n {2}invocation +[\d.]+ ms {2}outcome=stored status=201 items=1 .*\n {4}secret +[\d.]+ ms\n {4}connect +[\d.]+ ms\n {4}insert +[\d.]+ ms$/,
    );
  });

  test("what is put into the queue is stored, in the batches that the connector was changed to", async () => {
    const [, connector] = connectors();
    assert(connector);
    const { target } = connector;
    connector.target = { ...target, batchSizeInKbs: undefined, batchSizeInNum: 2 };
    const since = functions().logs.length;
    await putInto("queue ", { name: "of the queue" }, { name: "another" });
    const [closing] = await eventually(() => closings(since)[0] && closings(since), "a delivery", 30_000);
    assert.deepEqual([closing.items, closing.rejected], [2, 0]);
    connector.target = target;
  });

  test("a connector that was deactivated, or has no policy for it, delivers when it may again", async () => {
    const [connector] = connectors();
    assert(connector);
    const act = async (action: string) => {
      const command = `oci sch service-connector ${action} --service-connector-id ${connector.id}`;
      const { code, text } = await shell(`${command} --wait-for-state SUCCEEDED --wait-interval-seconds 1`);
      assert.equal(code, 0, text);
    };
    /** Lets the policy be for something else. */
    const spoilt = (name: string, pattern: RegExp): [() => unknown, () => unknown] => {
      const policy = cloud.store.all("policy").find((one) => one.name === `postgres-inserter-${name}`);
      assert(policy);
      const { statements } = policy;
      const others = statements.map((statement: string) => statement.replace(pattern, "$1ocid1.another"));
      assert.notDeepEqual(others, statements);
      return [() => (policy.statements = others), () => (policy.statements = statements)];
    };
    const cases: [() => unknown, () => unknown][] = [
      [() => act("deactivate"), () => act("activate")],
      spoilt("connector", /(compartment id )\S+/),
      spoilt("connector", /(principal\.compartment\.id = ')[^']+/),
      spoilt("stream", /(target\.stream\.id = ')[^']+/),
    ];
    for (const [forbid, allow] of cases) {
      await forbid();
      const since = functions().logs.length;
      await putInto("streaming ", large);
      // Far more looks of a hub than it needs.
      await sleep(500);
      assert.deepEqual(closings(since), []);
      await allow();
      // A change of the store itself is seen after the next call of the API.
      assert.equal((await shell("oci os ns get")).code, 0);
      const [closing] = await eventually(() => closings(since)[0] && closings(since), "the delivery", 30_000);
      assert.equal(closing.items, 1);
    }
  });

  test("the smallest item, in base64 and with what comes with it, fits a delivery", () => {
    const message = { stream: "a stream of some length", partition: "0", key: null, offset: 123_456_789 };
    const item = Buffer.from('{"name":"a"}');
    const sent = { ...message, value: item.toString("base64"), timestamp: Date.now() };
    const [connector] = connectors();
    const items = Math.floor((connector?.target.batchSizeInKbs * 1024) / item.length);
    assert(items * (JSON.stringify(sent).length + 1) < 6 * 1024 * 1024, `${items} items`);
  });

  test("again, nothing changes; and the doctor finds it in order", async () => {
    const since = cloud.requests.length;
    const { code, text, summary } = await provision();
    assert.equal(code, 0, text);
    assert.deepEqual(changes(since), []);
    assert.equal(summary.match(/Connector .* left as it is/g)?.length, 2);

    const doctor = await run("doctor", { ...both, ...gateway });
    assert.equal(doctor.code, 0, doctor.text);
    assert.doesNotMatch(doctor.text, /^[^✔]/m);
    for (const line of ["The connector of the queue is ACTIVE", "A policy lets the connector read the stream"])
      assert(doctor.text.includes(`✔ ${line}\n`), doctor.text);
  });

  test("what was changed by hand is shown, and set; a source that is right is not set anew", async () => {
    const [first, second] = connectors();
    assert(first && second);
    Object.assign(first.target, { batchSizeInKbs: null, batchSizeInNum: 1000 });
    first.source = { ...first.source, cursor: { kind: "LATEST" } };
    second.source.configMap = { queueId: cloud.store.add("queue", { compartmentId: cloud.compartmentId }).id };
    const { code, text, summary } = await provision();
    assert.equal(code, 0, text);
    assert.match(summary, /-stream` changed: target\.batchSizeInKbs added, target\.batchSizeInNum removed$/m);
    assert.match(summary, /-queue` changed: source\.configMap\.queueId ocid1\.queue\S+ → ocid1\.queue\S+$/m);
    assert.equal(first.source.cursor.kind, "LATEST");
    assert.equal(second.source.configMap.queueId, landscape.queue.id);
  });

  test("without its variable one is left, and told with what deletes it", async () => {
    const since = cloud.requests.length;
    const { code, text, summary } = await provision({ ...both, QUEUE_OCID: undefined });
    assert.equal(code, 0, text);
    assert.deepEqual(changes(since), []);
    const [stream, queue] = connectors();
    assert.match(
      summary,
      new RegExp(
        `^- \\*\\*The connector postgres-inserter-queue is there, and QUEUE_OCID is not set\\. .*\\n +oci sch service-connector delete --service-connector-id ${queue?.id}\\*\\*$`,
        "m",
      ),
    );
    assert.doesNotMatch(summary, new RegExp(`delete .*${stream?.id}`));
  });

  test("without its variable one still delivers, so that what it brings must not be refused", async () => {
    const { text } = await refused({});
    // Whichever of the two is looked at first.
    const told =
      /-(stream|queue) is there, and delivers\. ON_INVALID is missing, which is refuse.*lost\. Set ON_INVALID/;
    const kind = told.exec(text)?.[1];
    const found = connectors().find(({ displayName }) => displayName === `postgres-inserter-${kind}`);
    assert.match(text, new RegExp(`\\n {2}oci sch .*delete --service-connector-id ${found?.id}\\n`));
  });

  test("one that rests is told, and left to who made it rest; one that failed is refused", async () => {
    const [connector] = connectors();
    assert(connector);
    const details = "Deliveries have failed for too long.";
    Object.assign(connector, { lifecycleState: "INACTIVE", lifecycleDetails: details });
    const one = { ...both, QUEUE_OCID: undefined };
    const { code, summary } = await provision(one);
    assert.equal(code, 0);
    assert.match(
      summary,
      /\*\*The connector \S+ is INACTIVE, and delivers nothing: Deliveries .* service-connector activate/,
    );
    connector.lifecycleState = "FAILED";
    assert.match(
      (await refused(one)).text,
      /-stream is FAILED, .*: Deliveries .*\n {2}oci sch service-connector delete/,
    );
    connector.lifecycleState = "ACTIVE";
  });

  test("a connector that cannot be made is told with its work request's errors", async () => {
    for (const { id } of connectors()) cloud.store.remove(id);
    cloud.failNext("CREATE_SERVICE_CONNECTOR", "NotAuthorized", "The stream cannot be read.");
    const { code, text } = await provision({ ...both, QUEUE_OCID: undefined });
    assert.equal(code, 1);
    assert.match(text, /Creating the connector \S+ ended in FAILED: NotAuthorized: The stream cannot be read\./);
  });

  test("rights to read are for that one stream and that one queue, of connectors of the compartment and of CI", () => {
    const own = `in compartment id ${env.COMPARTMENT_OCID}`;
    const all = cloud.store.all("policy").flatMap(({ statements }) => statements as string[]);
    const who = `request.principal.type = 'serviceconnector', request.principal.compartment.id = '${env.COMPARTMENT_OCID}'`;
    assert.deepEqual(
      all.filter((statement) => /connector|stream|queue/.test(statement)),
      [
        `Allow group CI-CD-Deployers to manage serviceconnectors ${own}`,
        `Allow any-user to use fn-function ${own} where all {${who}}`,
        `Allow any-user to use fn-invocation ${own} where all {${who}}`,
        `Allow group CI-CD-Deployers to {STREAM_READ} ${own} where target.stream.id = '${landscape.stream.id}'`,
        `Allow any-user to {STREAM_READ, STREAM_CONSUME} ${own} where all {${who}, target.stream.id = '${landscape.stream.id}'}`,
        `Allow group CI-CD-Deployers to {QUEUE_READ} ${own} where target.queue.id = '${landscape.queue.id}'`,
        `Allow any-user to {QUEUE_READ, QUEUE_CONSUME} ${own} where all {${who}, target.queue.id = '${landscape.queue.id}'}`,
      ],
    );
  });
});
