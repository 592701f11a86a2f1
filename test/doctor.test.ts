import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { TENANCY } from "./cloud/cloud.ts";
import { DATABASE } from "./cloud/landscape.ts";
import { deploymentForTests, ROOT, skipWithout, TOOLS } from "./deployment.ts";

// biome-ignore lint/suspicious/noExplicitAny: facts are what the OCI CLI prints
type Facts = any;

const SCRIPTS = join(ROOT, ".github/scripts");

/** The lines that doctor.jq makes of facts. */
function judge(facts: Facts): string {
  const args = ["-r", "-L", SCRIPTS, "-f", join(SCRIPTS, "doctor.jq")];
  return execFileSync("jq", args, { input: JSON.stringify(facts), encoding: "utf8" });
}

const only = <T>(of: Record<string, T>): T => Object.values(of)[0] as T;

suite("doctor", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, landscape, run } = deployment;
  let good: Facts;

  before(async () => {
    const { code, text } = await run("provision.sh", { NSG_OCIDS: landscape.nsg.id });
    assert.equal(code, 0, text);
    good = JSON.parse((await run("doctor.sh", {}, "--facts")).text);
  });

  /** What is wrong, as the facts would be, and the line that must say so; undefined: what is not wrong. */
  const cases: [string, (facts: Facts) => void, RegExp][] = [
    ["credentials", (f) => (f.namespace = denied(401)), /✖ eu-frankfurt-1 does not answer this user/],
    ["no application", (f) => Object.assign(f, { application: { data: null } }), /✖ There is no application/],
    [
      "no function",
      (f) => Object.assign(f, { functions: { data: null }, function: undefined }),
      /✖ There is no function/,
    ],
    ["function state", (f) => (f.function.data["lifecycle-state"] = "FAILED"), /✖ The function is FAILED/],
    ["no repository", (f) => (f.repository.data = f.repositories.data = { items: [] }), /✖ There is no repository/],
    [
      "repository in root",
      (f) => {
        f.repository.data = null;
        f.repositories.data.items[0]["compartment-id"] = TENANCY;
      },
      /✖ The repository is in another compartment \(.*the root.*\n.*change-compartment/,
    ],
    [
      "region",
      (f) => (f.function.data.image = "ocir.uk-london-1.oci.oraclecloud.com/a/b:c"),
      /✖ The image is in ocir\.uk/,
    ],
    ["digest", (f) => (f.image.data = null), /✖ The image sha256:.* is no longer in the registry/],
    [
      "architecture",
      (f) => (f.image.data.platforms = ["linux/arm64"]),
      /✖ The image is for linux\/arm64, and GENERIC_X86/,
    ],
    ["attestation", (f) => f.image.data.platforms.push("unknown/unknown"), /✖ The manifest lists unknown\/unknown/],
    ["no route out", (f) => (own(f).routes["route-rules"] = []), /✖ functions has no route to Oracle's services/],
    [
      "gateway gone",
      (f) => (only<Facts>(f["service-gateways"]).data = []),
      /✖ The route of functions leads to a service gateway that is gone/,
    ],
    ["gateway blocked", (f) => (gatewayOf(f)["block-traffic"] = true), /✖ The service gateway blocks its traffic/],
    [
      "gateway for Object Storage alone",
      (f) => (gatewayOf(f).services[0]["service-name"] = "OCI FRA Object Storage"),
      /✖ The service gateway carries OCI FRA Object Storage alone/,
    ],
    [
      "route to Object Storage alone",
      (f) => (own(f).routes["route-rules"][0].destination = "oci-fra-objectstorage"),
      /✖ The route of functions to the service gateway is for oci-fra-objectstorage alone/,
    ],
    ["egress 443", (f) => own(f).list["egress-security-rules"].shift(), /✖ No security list of functions lets 443 out/],
    ["NSG egress", (f) => (only<Facts>(f.nsgs).data = []), /✖ The network security group .* does not let 443 out/],
    ["own resolver", (f) => (dns(f)["server-type"] = "CustomDnsServer"), /\? DNS of functions: its own resolvers/],
    ["dynamic group", (f) => (f.groups.data = []), /✖ No dynamic group takes in functions/],
    [
      "dynamic group by OCID",
      (f) => (f.groups.data[0]["matching-rule"] = `resource.id = '${f.function.data.id}'`),
      /✖ The dynamic group .* names the function by its OCID/,
    ],
    ["policy", (f) => (f.policies.compartment.data = []), /✖ No policy lets the function read its secret/],
    [
      "policy for another secret",
      (f) => (f.wanted.secret = "ocid1.vaultsecret.oc1..other"),
      /✖ The policy lets the function read another secret/,
    ],
    [
      "rights over the tenancy",
      (f) => (f.policies.tenancy.data = [{ statements: ["Allow group CI-CD-Deployers to manage repos in tenancy"] }]),
      /✖ A group may manage repositories in the whole tenancy/,
    ],
    [
      "secret on its way out",
      (f) => (f.secret.data["lifecycle-state"] = "PENDING_DELETION"),
      /✖ The secret is PENDING_DELETION/,
    ],
    ["secret's fields", (f) => (f.bundle.data.fields = ["host", "dbname", "username"]), /✖ The secret lacks password/],
    ["configuration missing", (f) => delete f.function.data.config.DB_SECRET_OCID, /✖ .*DB_SECRET_OCID is missing/],
    ["configuration by hand", (f) => (f.function.data.config.OCI_KEY = "x"), /✖ .*OCI_KEY is not in func\.yaml/],
    ["configuration differs", (f) => (f.function.data.config.LOG_LEVEL = "warn"), /✖ .*LOG_LEVEL differs/],
    ["memory", (f) => (f.function.data["memory-in-mbs"] = 128), /✖ .*memory is 128/],
    [
      "route to the database",
      (f) => own(f).routes["route-rules"].pop(),
      /✖ functions has no route to the database, 10\.0\.0\.146/,
    ],
    [
      "overlapping VCNs",
      (f) => {
        const extra = structuredClone(f["all-vcns"].data[1]);
        Object.assign(extra, { id: "ocid1.vcn.oc1..third", "display-name": "third", "cidr-blocks": ["10.0.128.0/17"] });
        f["all-vcns"].data.push(extra);
        f.attachments.data.push({ ...f.attachments.data[0], "vcn-id": extra.id, "network-details": { id: extra.id } });
      },
      /✖ VCNs that the DRG joins overlap: .*hub \(10\.0\.0\.0\/16\).*third|✖ VCNs that the DRG joins overlap: .*third.*hub/,
    ],
    ["own attachment", (f) => f.attachments.data.shift(), /✖ The function's VCN is not attached to the DRG/],
    ["the database's attachment", (f) => f.attachments.data.pop(), /✖ The database's VCN is not attached to the DRG/],
    [
      "the DRG's routes there",
      (f) => only<Facts>(f["drg-routes"]).data.shift(),
      /✖ The function's VCN: the DRG's route table has no route to 10\.0\.0\.146/,
    ],
    [
      "the DRG's routes back",
      (f) => only<Facts>(f["drg-routes"]).data.pop(),
      /✖ The database's VCN: the DRG's route table has no route to 10\.1\.1\.0/,
    ],
    [
      "route back",
      (f) => (only<Facts>(f["hub-routes"]).data["route-rules"] = []),
      /✖ database has no route back to 10\.1\.1\.0\/24/,
    ],
    [
      "ingress",
      (f) => (only<Facts>(f["hub-lists"]).data["ingress-security-rules"] = []),
      /✖ No security list of database lets the function in on 6432/,
    ],
    [
      "ingress on another port",
      (f) => (f.bundle.data.port = 5432),
      /✖ No security list of database lets the function in on 5432/,
    ],
    [
      "egress to the database",
      (f) => {
        own(f).list["egress-security-rules"].pop();
        f.nsgs = {};
      },
      /✖ The function's subnet does not let 6432 out/,
    ],
    [
      "health",
      (f) => (f.invoke.data = { code: "FunctionInvokeImageNotAvailable", meaning: "The platform could not pull it." }),
      /✖ The function's health check: FunctionInvokeImageNotAvailable\n +The platform/,
    ],
  ];

  test("in good order every line is ✔, and the exit code 0", async () => {
    const { code, text } = await run("doctor.sh");
    assert.equal(code, 0, text);
    const lines = text.trim().split("\n");
    assert.deepEqual(
      lines.filter((line) => !line.startsWith("✔ ")),
      [],
    );
    assert(lines.length >= 27, `${lines.length} lines`);
  });

  test("each fault has its ✖, with what mends it, and the rest stays", () => {
    const before = judge(good).trim().split("\n");
    for (const [what, spoil, expected] of cases) {
      const facts = structuredClone(good);
      spoil(facts);
      const text = judge(facts);
      assert.match(text, expected, what);
      assert.doesNotMatch(judge(good), /✖/);
      const lines = text.split("\n");
      for (const [index, line] of lines.entries())
        if (line.startsWith("✖")) assert.match(String(lines[index + 1]), /^ {4}\S{3}/, `${what}: no mend`);
      const lost = before.filter((line) => !lines.includes(line));
      assert(lost.length < 12, `${what}: too much else is lost: ${lost.join("; ")}`);
    }
  });

  test("a way by a local peering is followed as well", () => {
    const facts = structuredClone(good);
    const id = "ocid1.localpeeringgateway.oc1..mine";
    own(facts).routes["route-rules"][1]["network-entity-id"] = id;
    const peering = { id, "peering-status": "PEERED", "peer-advertised-cidr": "10.0.0.0/16" };
    facts.peerings = { data: [peering] };
    assert.match(judge(facts), /✔ The VCNs are peered, and do not overlap/);
    assert.doesNotMatch(judge(facts), /✖|DRG/);
    peering["peer-advertised-cidr"] = "10.1.128.0/17";
    assert.match(judge(facts), /✖ The peered VCNs overlap/);
    peering["peering-status"] = "REVOKED";
    assert.match(judge(facts), /✖ The peering gateway is REVOKED/);
  });

  test("what may not be looked at is ?, and neither ✔ nor ✖ for it", () => {
    for (const name of Object.keys(good)) {
      if (["wanted", "invoke", "namespace"].includes(name)) continue;
      const facts = structuredClone(good);
      const hide = (at: Facts) => {
        for (const key of Object.keys(at)) at[key] = denied(404);
      };
      if ("data" in facts[name]) facts[name] = denied(404);
      else hide(facts[name]);
      const text = judge(facts);
      if (!["services", "repositories", "all-vcns", "functions", "vcns", "peerings"].includes(name))
        assert.match(text, /^\?/m, name);
      if (name !== "services") assert.doesNotMatch(text, /✖/, name);
    }
  });

  test("of the secret, no fact holds more than the place and the names of the fields", () => {
    const text = JSON.stringify(good);
    for (const secret of cloud.platform.secrets) assert(!text.includes(secret));
    assert.equal(good.bundle.data.host, DATABASE.host);
  });

  const denied = (status: number) => ({ error: { status, code: "NotAuthorizedOrNotFound", message: "denied" } });
  const own = (facts: Facts) => ({ routes: only<Facts>(facts.routes).data, list: only<Facts>(facts.lists).data });
  const gatewayOf = (facts: Facts) => only<Facts>(facts["service-gateways"]).data[0];
  const dns = (facts: Facts) => only<Facts>(facts.dhcp).data.options[0];
});

/** An older system for the same table, as its record describes it: it deployed, and never ran. */
suite("the doctor before the old system", { skip: skipWithout(...TOOLS) }, async () => {
  const deployment = await deploymentForTests();
  const { cloud, landscape, run } = deployment;
  const { store, compartmentId } = cloud;
  const env = { REPOSITORY_NAME: "hello-world-app/postgres-inserter" };

  before(async () => {
    const { code, text } = await run("provision.sh", env);
    assert.equal(code, 0, text);
    const [repository] = store.all("containerrepo");
    const [fn] = store.all("fnfunc");
    assert(repository && fn);
    repository.compartmentId = TENANCY;
    fn.config = { DB_SECRET_OCID: landscape.secret.id, OCI_USER: "typed by hand", OCI_KEY: "typed by hand" };
    landscape.securityList.egressSecurityRules = [];
    landscape.routes.routeRules = landscape.routes.routeRules.slice(0, 1);
    for (const attachment of store.all("drgattachment")) store.remove(attachment.id);
    landscape.runtimePolicy.compartmentId = TENANCY;
    landscape.runtimePolicy.statements.push(
      `Allow dynamic-group postgres-inserter-functions to use virtual-network-family in compartment id ${compartmentId}`,
    );
    store.add("policy", {
      compartmentId: TENANCY,
      name: "Tenancy-Wide-Service-Policies",
      statements: ["Allow group CI-CD-Deployers to manage repos in tenancy"],
    });
  });

  test("names all that is missing, and what mends it", async () => {
    const { code, text } = await run("doctor.sh", env);
    assert.equal(code, 1);
    const wrong = [
      /✖ The repository is in another compartment \(ocid1\.tenancy.*the root, where a push to a missing repository makes it\n +oci artifacts container repository change-compartment/,
      /✖ No security list of functions lets 443 out to Oracle's services: the image cannot be pulled\n +oci network security-list update/,
      /✖ A group may manage repositories in the whole tenancy: Allow group CI-CD-Deployers to manage repos in tenancy\n/,
      /✖ The function's configuration is not func\.yaml's: .*OCI_KEY is not in func\.yaml, OCI_USER is not in func\.yaml\n/,
      /✖ functions has no route to the database, 10\.0\.0\.146\n +oci network route-table update/,
      /✖ The function's subnet does not let 6432 out to 10\.0\.0\.146\n/,
      /✖ The function's health check: FunctionInvokeImageNotAvailable\n +The platform could not pull the image\. The network comes first/,
    ];
    for (const line of wrong) assert.match(text, line);
    assert.equal(text.match(/^✖/gm)?.length, wrong.length, text);
    assert.match(text, /✔ functions reaches Oracle's services by a service gateway/);
  });
});
