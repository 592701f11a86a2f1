import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { deploymentForTests, type Run, skipWithout, TOOLS } from "./deployment.ts";

/** With Connector Hub before the function; the rest of a provision is provision.test.ts's matter. */
suite("provision with connectors", { skip: skipWithout(...TOOLS) }, async () => {
  const { cloud, landscape, env, run } = await deploymentForTests();
  const stream = { STREAM_OCID: landscape.stream.id };
  const both = { ...stream, QUEUE_OCID: landscape.queue.id, ON_INVALID: "set-aside" };
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
  ] as [string, Record<string, string>, RegExp][]) {
    test(`${what}: said, and nothing is made`, async () => {
      assert.match((await refused(more)).text, message);
    });
  }

  before(async () => {
    const { code, text } = await run("bootstrap", both);
    assert.equal(code, 0, text);
  });

  test("makes a connector from stream and queue to the function, each delivery small enough", async () => {
    const { code, text, summary } = await provision();
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
    assert.match(summary, /Connector .*-stream. created, from stream[\s\S]*Connector .*-queue. created, from queue/);
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

    const doctor = await run("doctor", both);
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

  test("rights to read are for that one stream and that one queue, and for connectors of the compartment", () => {
    const own = `in compartment id ${env.COMPARTMENT_OCID}`;
    const all = cloud.store.all("policy").flatMap(({ statements }) => statements as string[]);
    const who = `request.principal.type = 'serviceconnector', request.principal.compartment.id = '${env.COMPARTMENT_OCID}'`;
    assert.deepEqual(
      all.filter((statement) => statement.includes("connector")),
      [
        `Allow group CI-CD-Deployers to manage serviceconnectors ${own}`,
        `Allow any-user to use fn-function ${own} where all {${who}}`,
        `Allow any-user to use fn-invocation ${own} where all {${who}}`,
        `Allow any-user to {STREAM_READ, STREAM_CONSUME} ${own} where all {${who}, target.stream.id = '${landscape.stream.id}'}`,
        `Allow any-user to {QUEUE_READ, QUEUE_CONSUME} ${own} where all {${who}, target.queue.id = '${landscape.queue.id}'}`,
      ],
    );
  });
});
