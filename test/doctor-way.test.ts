import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AT, credentials, encode, examine, goodWorld, healthy, marked, NSG, OTHER } from "./doctor-fixture.ts";

// biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
type Answers = Record<string, any>;

const ANYWHERE = { destination: "0.0.0.0/0", destinationType: "CIDR_BLOCK", protocol: "all" };
const NAT = { destination: "0.0.0.0/0", networkEntityId: "ocid1.natgateway.oc1.eu-frankfurt-1.nat" };
const MANAGED = "primary.abc.postgresql.eu-frankfurt-1.oci.oraclecloud.com";

/** Networks of other shapes, the lines that must be there, and how many cannot be told. None of them is wrong. */
const networks: [string, (answers: Answers) => void, string[], number][] = [
  [
    "a network security group that lets out what the security lists do not",
    (a) => {
      a[AT.application][0].networkSecurityGroupIds = [NSG];
      a[AT.list].egressSecurityRules.shift();
    },
    [`✔ Network security group ${NSG} lets 443 out to Oracle's services`],
    1,
  ],
  [
    "a network security group beside the security lists that lets nothing out",
    (a) => {
      a[AT.application][0].networkSecurityGroupIds = [NSG];
      a[AT.nsg] = undefined;
    },
    ["✔ Security lists of functions let 443 out to Oracle's services"],
    1,
  ],
  [
    "a NAT gateway beside the service gateway",
    (a) => a[AT.routes].routeRules.push(NAT),
    [
      "✔ functions reaches Oracle's services by a service gateway for all of them; 0.0.0.0/0 (natgateway) stands beside it, without egress on 443",
    ],
    0,
  ],
  [
    "a route to Object Storage before that to all services",
    (a) => {
      const [route] = a[AT.routes].routeRules;
      a[AT.routes].routeRules.unshift({ ...route, destination: "oci-fra-objectstorage" });
    },
    ["✔ functions reaches Oracle's services by a service gateway for all of them"],
    0,
  ],
  [
    "a NAT gateway alone",
    (a) => {
      a[AT.routes].routeRules[0] = NAT;
      a[AT.list].egressSecurityRules.push(ANYWHERE);
    },
    ["✔ functions reaches Oracle's services by 0.0.0.0/0 (natgateway); there is no service gateway beside it"],
    0,
  ],
  [
    "a DRG that all goes through",
    (a) => {
      a[AT.routes].routeRules = [{ ...a[AT.routes].routeRules[1], destination: "0.0.0.0/0" }];
    },
    ["✔ functions has a route to 10.0.0.146: 0.0.0.0/0 by drg"],
    1,
  ],
  [
    "resolvers of one's own",
    (a) => {
      a[AT.dhcp].options[0] = {
        type: "DomainNameServer",
        serverType: "CustomDnsServer",
        customDnsServers: ["10.0.0.2"],
      };
    },
    [
      "? DNS of functions: its own resolvers (10.0.0.2) must answer, or invokes fail with FunctionInvokeSubnetConfigError",
    ],
    1,
  ],
  [
    "a database in the function's own VCN",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: "10.1.2.7" });
      a[AT.subnets].push({
        ...a[AT.subnets][1],
        id: "ocid1.subnet.oc1..near",
        vcnId: a[AT.vcns][0].id,
        cidrBlock: "10.1.2.0/24",
      });
      a[AT.list].egressSecurityRules.push(ANYWHERE);
    },
    ["✔ 10.1.2.7 is in the function's own VCN"],
    0,
  ],
  [
    "a hub in another compartment, with its DRG",
    (a) => {
      const [spoke, hub] = a[AT.vcns];
      const [own, database] = a[AT.subnets];
      const [drg] = Object.keys(a).filter((at) => at.startsWith("network drg get"));
      a[drg as string].compartmentId = OTHER;
      a[AT.vcns] = [spoke];
      a[AT.subnets] = [own];
      a[`network vcn get ${hub.id}`] = { ...hub, compartmentId: OTHER };
      a[`network subnet list ${OTHER}`] = [database];
      a[`network drg-attachment list ${OTHER}`] = a[AT.attachments];
      a[AT.attachments] = undefined;
    },
    ["✔ The database's VCN is attached to the DRG", "✔ database lets the function in on 6432"],
    0,
  ],
  [
    "a database behind a firewall",
    (a) => {
      a[AT.routes].routeRules[1].networkEntityId = "ocid1.privateip.oc1.eu-frankfurt-1.firewall";
    },
    [
      "? Route to the database: it leads by ocid1.privateip.oc1.eu-frankfurt-1.firewall, and what is beyond that cannot be seen",
    ],
    1,
  ],
  [
    "a database at a public address",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: "198.51.100.7" });
      a[AT.routes].routeRules.push(NAT);
      a[AT.list].egressSecurityRules.push(ANYWHERE);
    },
    ["✔ functions has a route to 198.51.100.7: 0.0.0.0/0 by natgateway"],
    1,
  ],
  [
    "a database by a public name",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: "db.example.com" });
    },
    [
      "? The way to the database: db.example.com is a name that OCI's API does not tell the address of; check that the resolver of the function's subnet knows it, a route there and back, egress here and ingress there on 6432",
    ],
    1,
  ],
  [
    "a database at an IPv6 address",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: "fd00::7" });
    },
    [
      "? The way to the database: fd00::7 is an IPv6 address, and its routes and rules are not looked at; check those for 6432",
    ],
    1,
  ],
  [
    "a database by its name in another VCN",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: "Pooler.database.hub.oraclevcn.com" });
      const ips = [{ ipAddress: "10.0.0.146", hostnameLabel: "pooler" }, { ipAddress: "10.0.0.147" }];
      a[`network private-ip list ${a[AT.subnets][1].id}`] = ips;
    },
    [
      "✔ database lets the function in on 6432",
      "? The database's name: Pooler.database.hub.oraclevcn.com is of another VCN: the resolver of the function's VCN needs that one's private view",
    ],
    1,
  ],
  [
    "OCI's managed PostgreSQL",
    (a) => {
      manage(a);
      a[AT.hubList].ingressSecurityRules = [];
    },
    [
      "✔ functions has a route to 10.0.0.146: 10.0.0.0/16 by drg",
      "✔ database lets the function in on 6432",
      "✔ The function's subnet lets 6432 out to 10.0.0.146",
    ],
    0,
  ],
  [
    "OCI's managed PostgreSQL that nobody may look at",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, host: MANAGED });
    },
    [
      `? The way to the database: ${MANAGED} is a name of OCI's managed PostgreSQL, and no database system that this user may see has it; check the subnet of its private endpoint: that the resolver of the function's subnet knows it, a route there and back, egress here and ingress there on 6432`,
    ],
    1,
  ],
  [
    "a function that is no image",
    (a) => {
      a[AT.fn].sourceDetails = { sourceType: "ARCHIVE", handler: "func.js" };
    },
    ["? Image: the function is made of ARCHIVE, and not of an image of this deployment"],
    1,
  ],
];

/** A database system whose own network security group lets the function in. */
function manage(a: Answers): void {
  const [system, group] = ["ocid1.postgresqldbsystem.oc1..one", "ocid1.networksecuritygroup.oc1..db"];
  a[AT.bundle] = encode({ ...credentials, host: MANAGED });
  const inCompartment = AT.vcns.replace("network vcn list", "psql db-system-collection list-db-systems");
  a[inCompartment] = { items: [{ id: "ocid1.postgresqldbsystem.oc1..hidden" }, { id: system }] };
  const endpoint = { fqdn: MANAGED, ipAddress: "10.0.0.146", port: 5432 };
  a[`psql connection-details get ${system}`] = { primaryDbEndpoint: endpoint, instanceEndpoints: [] };
  a[`psql db-system get ${system}`] = { networkDetails: { subnetId: a[AT.subnets][1].id, nsgIds: [group] } };
  a[`network nsg rules list ${group}`] = [
    {
      direction: "INGRESS",
      source: "10.1.0.0/16",
      sourceType: "CIDR_BLOCK",
      protocol: "6",
      tcpOptions: { destinationPortRange: { min: 6432, max: 6432 } },
    },
  ];
}

suite("the way to the database", () => {
  for (const [what, shape, expected, untold] of networks) {
    test(`is told for ${what}`, async () => {
      const world = goodWorld();
      world.smoke = { code: "NotAuthorizedOrNotFound", meaning: "It may not be invoked." };
      shape(world.answers);
      const lines = await examine(world);
      for (const line of expected) assert(lines.includes(line), `${line}\n\n${lines.join("\n")}`);
      assert.deepEqual(marked(lines, "✖"), []);
      assert.equal(marked(lines, "?").length - 1, untold, marked(lines, "?").join("\n"));
    });
  }

  test("is judged for each subnet, and what they share is said once", async () => {
    const world = goodWorld();
    world.smoke = { ...healthy, code: "FunctionInvokeTimeout" };
    const { answers } = world;
    const second = {
      ...answers[AT.subnet],
      id: "ocid1.subnet.oc1..second",
      displayName: "second",
      cidrBlock: "10.1.2.0/24",
    };
    answers[AT.application][0].subnetIds.push(second.id);
    answers[`network subnet get ${second.id}`] = second;
    const lines = await examine(world);
    assert.equal(new Set(lines).size, lines.length);
    assert(lines.includes("✔ second reaches Oracle's services by a service gateway for all of them"));
    assert.match(lines.join("\n"), /\? No security list of database lets the function in on 6432/);
  });

  test("cannot be told where the secret is malformed, or its host is none", async () => {
    for (const [content, reason] of [
      [{ ...credentials, password: undefined }, "the secret says where it is, and cannot be read as one"],
      [{ ...credentials, host: "user@10.0.0.146" }, "the secret says where it is, and cannot be read as one"],
    ]) {
      const world = goodWorld();
      world.answers[AT.bundle] = encode(content);
      assert((await examine(world)).includes(`? The way to the database: ${reason}`));
    }
  });

  test("lacks ingress for certain only where all that may give it is seen", async () => {
    const world = goodWorld();
    world.smoke = { ...healthy, code: "FunctionInvokeTimeout" };
    world.answers[AT.hubList].ingressSecurityRules = [];
    const of = (lines: string[]) =>
      lines.slice(lines.findIndex((line) => line.includes("lets the function in"))).slice(0, 2);
    const [line, mend] = of(await examine(world));
    assert.equal(
      line,
      "? No security list of database lets the function in on 6432; a network security group of the database may, which cannot be seen",
    );
    assert.match(String(mend), /^ {4}oci network security-list update /);
    manage(world.answers);
    for (const rules of Object.keys(world.answers).filter((at) => at.startsWith("network nsg rules list")))
      world.answers[rules] = undefined;
    assert.match(String(of(await examine(world))[0]), /^✖ .* on 6432, nor any network security group of the database$/);
  });

  test("is looked at before there is an application, from the subnets of the settings", async () => {
    const world = goodWorld();
    world.answers[AT.application] = undefined;
    assert.match((await examine(world)).join("\n"), /✔ functions has a route to 10\.0\.0\.146/);
  });
});
