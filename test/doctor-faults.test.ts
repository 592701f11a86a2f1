import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  AT,
  credentials,
  denied,
  encode,
  examine,
  goodWorld,
  healthy,
  marked,
  NSG,
  OTHER,
  SECRET,
  settingsForTests,
  TENANCY,
  type World,
} from "./doctor-fixture.ts";

// biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
type Answers = Record<string, any>;

/** What is wrong, what the OCI CLI then shows, and the line that must say so. */
type Case = [what: string, spoil: (answers: Answers, world: World) => void, line: RegExp];

const failing = { code: "FunctionInvokeTimeout", meaning: "No answer before the timeout." };

/** What the function cannot do without. */
const needed: Case[] = [
  [
    "no application",
    (a) => {
      a[AT.application] = undefined;
    },
    /There is no application postgres-inserter/,
  ],
  [
    "an application that failed",
    (a) => {
      a[AT.application][0].lifecycleState = "FAILED";
    },
    /The application postgres-inserter is FAILED/,
  ],
  [
    "no function",
    (a) => {
      a[AT.functions] = undefined;
    },
    /There is no function postgres-inserter/,
  ],
  [
    "a function that failed",
    (a) => {
      a[AT.functions][0].lifecycleState = "FAILED";
      a[AT.fn].lifecycleState = "FAILED";
    },
    /The function is FAILED/,
  ],
  [
    "no repository",
    (a) => {
      a[AT.repository] = { items: [] };
      a[AT.repositories] = { items: [] };
    },
    /There is no repository postgres-inserter/,
  ],
  [
    "an image of another region",
    (a) => {
      a[AT.fn].sourceDetails.image = "ocir.uk-london-1.oci.oraclecloud.com/a/b:c";
    },
    /The image is in ocir\.uk/,
  ],
  [
    "an image that is gone",
    (_, world) => {
      world.image = undefined;
    },
    /The image sha256:0+ is no longer in the registry/,
  ],
  [
    "an image of another architecture",
    (_, world) => world.image?.platforms.splice(0, 1, "linux/arm64"),
    /The image is for linux\/arm64, and GENERIC_X86/,
  ],
  [
    "an image of one architecture for two",
    (a) => {
      a[AT.application][0].shape = "GENERIC_X86_ARM";
    },
    /The image is for linux\/amd64, and GENERIC_X86_ARM needs linux\/amd64 and linux\/arm64/,
  ],
  [
    "an attestation beside the image",
    (_, world) => world.image?.platforms.push("unknown/unknown"),
    /The manifest lists unknown\/unknown/,
  ],
  [
    "no route out",
    (a) => {
      a[AT.routes].routeRules = [];
    },
    /functions has no route to Oracle's services/,
  ],
  [
    "a service gateway that is gone",
    (a) => {
      a[AT.gateways] = undefined;
    },
    /The route of functions leads to a service gateway that is gone/,
  ],
  [
    "a service gateway that blocks",
    (a) => {
      a[AT.gateways][0].blockTraffic = true;
    },
    /The service gateway blocks its traffic/,
  ],
  [
    "a service gateway for Object Storage alone",
    (a) => {
      a[AT.gateways][0].services[0].serviceName = "OCI FRA Object Storage";
    },
    /The service gateway carries OCI FRA Object Storage alone/,
  ],
  [
    "a route to Object Storage alone",
    (a) => {
      a[AT.routes].routeRules[0].destination = "oci-fra-objectstorage";
    },
    /The route of functions to the service gateway is for oci-fra-objectstorage alone/,
  ],
  [
    "no egress on 443",
    (a) => a[AT.list].egressSecurityRules.shift(),
    /No security list of functions lets 443 out to Oracle's services/,
  ],
  [
    "no egress on 443, in a network security group either",
    (a) => {
      a[AT.application][0].networkSecurityGroupIds = [NSG];
      a[AT.list].egressSecurityRules.shift();
      a[AT.nsg] = undefined;
    },
    /The network security group \S+ does not let 443 out/,
  ],
  [
    "no dynamic group",
    (a) => {
      a[AT.groups] = undefined;
    },
    /No dynamic group takes in functions/,
  ],
  [
    "no policy",
    (a) => {
      a[AT.policies] = undefined;
    },
    /No policy lets the function read its secret/,
  ],
  [
    "a policy for another secret",
    (a) => {
      const [policy] = a[AT.policies];
      policy.statements[0] = policy.statements[0].replace(SECRET, `${SECRET}2`);
    },
    /The policy lets the function read another secret than its own/,
  ],
  [
    "a policy for another compartment",
    (a) => {
      const [policy] = a[AT.policies];
      policy.statements[0] = policy.statements[0].replace(/compartment id \S+/, `compartment id ${OTHER}`);
    },
    /The policy lets the function read secrets of another compartment/,
  ],
  [
    "a secret on its way out",
    (a) => {
      a[AT.secret].lifecycleState = "PENDING_DELETION";
    },
    /The secret is PENDING_DELETION/,
  ],
  [
    "a secret without a password",
    (a) => {
      a[AT.bundle] = encode({ ...credentials, password: undefined });
    },
    /The function cannot use what the secret holds: .*password: must be a string/,
  ],
  [
    "no route to the database",
    (a) => a[AT.routes].routeRules.pop(),
    /functions has no route to the database, 10\.0\.0\.146/,
  ],
  [
    "a route to the database that leads to the internet",
    (a) => {
      const world = { destination: "0.0.0.0/0", networkEntityId: "ocid1.natgateway.oc1.eu-frankfurt-1.nat" };
      a[AT.routes].routeRules.splice(1, 1, world);
    },
    /functions has no route to the database, 10\.0\.0\.146/,
  ],
  [
    "VCNs that overlap",
    (a) => {
      a[AT.vcns].push({
        ...a[AT.vcns][1],
        id: "ocid1.vcn.oc1..third",
        displayName: "third",
        cidrBlocks: ["10.0.128.0/17"],
      });
      a[AT.attachments].push({ ...a[AT.attachments][0], networkDetails: { id: "ocid1.vcn.oc1..third" } });
    },
    /VCNs that the DRG joins overlap: hub \(10\.0\.0\.0\/16\) and third \(10\.0\.128\.0\/17\)/,
  ],
  [
    "a VCN that holds the database's address too",
    (a) => a[AT.vcns][0].cidrBlocks.push("10.0.0.0/20"),
    /The function's VCN \(10\.1\.0\.0\/16, 10\.0\.0\.0\/20\) holds 10\.0\.0\.146 too/,
  ],
  ["no attachment", (a) => a[AT.attachments].shift(), /The function's VCN is not attached to the DRG/],
  ["no attachment of the database's", (a) => a[AT.attachments].pop(), /The database's VCN is not attached to the DRG/],
  [
    "no route of the DRG",
    (a) => a[AT.drgRoutes].shift(),
    /The function's VCN: the DRG's route table has no route to 10\.0\.0\.146/,
  ],
  [
    "a route of the DRG that swallows",
    (a) => {
      a[AT.drgRoutes][0].isBlackhole = true;
    },
    /The function's VCN: the DRG's route table has no route to 10\.0\.0\.146/,
  ],
  [
    "no route of the DRG back",
    (a) => a[AT.drgRoutes].pop(),
    /The database's VCN: the DRG's route table has no route to 10\.1\.1\.0/,
  ],
  [
    "no route back",
    (a) => {
      a[AT.hubRoutes].routeRules = [];
    },
    /database has no route back to 10\.1\.1\.0\/24/,
  ],
  [
    "no egress to the database",
    (a) => a[AT.list].egressSecurityRules.pop(),
    /The function's subnet does not let 6432 out to 10\.0\.0\.146/,
  ],
];

/** What a function that answers can have against it all the same. */
const lasting: Case[] = [
  [
    "a repository in the root",
    (a) => {
      a[AT.repositories] = { items: [{ ...a[AT.repository].items[0], compartmentId: TENANCY }] };
      a[AT.repository] = { items: [] };
    },
    /The repository postgres-inserter is in another compartment \(ocid1\.tenancy.*the root: a push to a missing repository makes it there/,
  ],
  [
    "rights of CI over the tenancy",
    (a) => a[AT.rootPolicies][0].statements.push("Allow group CI-CD-Deployers to manage repos in tenancy"),
    /A group may manage repositories in the whole tenancy: Allow group CI-CD-Deployers to manage repos in tenancy/,
  ],
  [
    "configuration that is missing",
    (a) => delete a[AT.fn].config.DB_SECRET_OCID,
    /provision would change: config DB_SECRET_OCID added/,
  ],
  [
    "configuration typed by hand",
    (a) => {
      a[AT.fn].config.OCI_KEY = "x";
    },
    /provision would change: config OCI_KEY removed/,
  ],
  [
    "configuration that differs",
    (a) => {
      a[AT.fn].config.LOG_LEVEL = "warn";
    },
    /provision would change: config LOG_LEVEL changed/,
  ],
  [
    "another memory",
    (a) => {
      a[AT.fn].memoryInMbs = 128;
    },
    /provision would change: memory 128 → 512/,
  ],
  [
    "another timeout",
    (a) => {
      a[AT.fn].timeoutInSeconds = 30;
    },
    /provision would change: timeout 30 → 60/,
  ],
];

suite("the doctor", () => {
  test("has a ✔ for each thing that is in order, and nothing else", async () => {
    const lines = await examine(goodWorld());
    assert.deepEqual(marked(lines, "✔"), lines);
    assert(lines.length >= 27, `${lines.length} lines`);
  });

  for (const [what, spoil, line] of [...needed, ...lasting]) {
    test(`finds ${what}, says what mends it, and leaves the rest`, async () => {
      const lines = await examine(spoilt(spoil, failing));
      const found = lines.findIndex((each) => each.startsWith("✖ ") && line.test(each));
      assert(found >= 0, lines.join("\n"));
      for (const [index, each] of lines.entries())
        if (each.startsWith("✖ ")) assert.match(String(lines[index + 1]), /^ {4}\S.{5}/, `${each} has no mend`);
      const lost = (await examine(goodWorld())).filter((each) => !lines.includes(each));
      assert(lost.length < 13, `too much else is lost: ${lost.join("; ")}`);
    });
  }

  for (const [what, spoil, line] of needed) {
    if (/no application|no function/.test(what)) continue;
    test(`does not hold ${what} against a function that answers`, async () => {
      const lines = await examine(spoilt(spoil, healthy));
      assert.deepEqual(marked(lines, "✖"), []);
      assert(
        marked(lines, "?").some((each) => line.test(each)),
        lines.join("\n"),
      );
    });
  }

  for (const [what, spoil, line] of lasting) {
    test(`finds ${what} in spite of a function that answers`, async () => {
      const wrong = marked(await examine(spoilt(spoil, healthy)), "✖");
      assert.equal(wrong.length, 1);
      assert.match(String(wrong[0]), line);
    });
  }

  test("names the region's services in the commands that mend", async () => {
    const lines = await examine(
      spoilt((a) => {
        a[AT.routes].routeRules = [];
        a[AT.gateways] = undefined;
        a[AT.list].egressSecurityRules = [];
      }, failing),
    );
    const label =
      '"destination": "all-fra-services-in-oracle-services-network", "destinationType": "SERVICE_CIDR_BLOCK"';
    const mends = lines.filter((line) => line.startsWith("    oci network"));
    assert.equal(mends.filter((line) => line.includes(label)).length, 2, mends.join("\n"));
  });

  test("shows what the function's health check brought", async () => {
    const meaning = "The platform could not pull it.";
    const lines = await examine(spoilt(() => undefined, { code: "FunctionInvokeImageNotAvailable", meaning }));
    assert.deepEqual(lines.slice(-2), [
      "✖ The function's health check: FunctionInvokeImageNotAvailable",
      `    ${meaning}`,
    ]);
  });

  test("does not take a caller without the right to invoke for a function that fails", async () => {
    const lines = await examine(
      spoilt(() => undefined, { code: "NotAuthorizedOrNotFound", meaning: "It may not invoke." }),
    );
    assert.deepEqual(marked(lines, "✖"), []);
    assert.match(String(lines.at(-1)), /^\? The function's health check/);
  });

  test("says that the credentials are refused", async () => {
    const world = goodWorld();
    const refused = { error: { status: 401, code: "NotAuthenticated", message: "refused" } };
    for (const at of Object.keys(world.answers)) world.answers[at] = refused;
    const wrong = marked(await examine(world), "✖");
    assert.deepEqual(wrong, ["✖ eu-frankfurt-1 does not answer this user: NotAuthenticated: refused"]);
  });

  for (const at of Object.keys(goodWorld().answers)) {
    for (const smoke of [failing, healthy]) {
      test(`finds nothing wrong where ${at} may not be looked at, and the function answers ${smoke.code}`, async () => {
        const world = spoilt((answers) => {
          answers[at] = denied;
        }, smoke);
        const lines = await examine(world);
        assert.deepEqual(
          marked(lines, "✖").filter((line) => !line.includes("health check")),
          [],
        );
        if (!UNSHOWN.test(at)) assert.notDeepEqual(marked(lines, "?"), [], lines.join("\n"));
      });
    }
  }

  test("takes no answer of another shape for an empty one", async () => {
    for (const at of Object.keys(goodWorld().answers)) {
      for (const odd of [5, "x", false, {}, [5], { items: 5 }]) {
        const lines = await examine(
          spoilt((answers) => {
            answers[at] = odd;
          }, failing),
        );
        const wrong = marked(lines, "✖").filter((line) => !line.includes("health check"));
        assert.deepEqual(wrong, [], `${at}: ${JSON.stringify(odd)}`);
      }
    }
  });

  test("does not miss a route where the database may be in the function's own VCN", async () => {
    const lines = await examine(
      spoilt((a) => {
        a[AT.vcns] = denied;
        a[AT.routes].routeRules.pop();
      }, failing),
    );
    assert(lines.includes("? Route to the database: whether functions has one to 10.0.0.146 cannot be told from here"));
  });

  test("does not hold against the function what this environment does not set", async () => {
    const settings = settingsForTests();
    settings.manifest.expects.config.push({ name: "DB_SECRET_OCID", required: true });
    settings.config = { LOG_LEVEL: "info" };
    const lines = await examine(goodWorld(), settings);
    assert.deepEqual(marked(lines, "✖"), []);
    assert.match(marked(lines, "?").join(), /^\? Configuration: DB_SECRET_OCID is set, and cannot be compared[^?]*$/);
  });

  test("looks at the function's own secret where the settings name another", async () => {
    const lines = await examine(goodWorld(), { ...settingsForTests(), secret: `${SECRET}2` });
    assert.deepEqual(marked(lines, "✖"), []);
    assert(lines.includes("✔ The secret is ACTIVE"));
    const own = `? Secret: what is said of it is of the function's own, ${SECRET}; DB_SECRET_OCID is another here`;
    assert.deepEqual(marked(lines, "?"), [own]);
  });

  test("looks at the function's own secret where the settings name none", async () => {
    const lines = await examine(goodWorld(), { ...settingsForTests(), secret: undefined });
    assert.deepEqual(marked(lines, "✔"), lines);
    assert(lines.includes("✔ The secret is ACTIVE"));
  });

  test("keeps a name with line ends in its line", async () => {
    const lines = await examine(
      spoilt((a) => {
        a[AT.subnet].displayName = "functions\n✖ all is lost\u2028\u001b[31m";
      }, healthy),
    );
    assert(lines.includes("✔ Subnet functions ✖ all is lost [31m, 10.1.1.0/24"), lines.join("\n"));
    assert.deepEqual(marked(lines, "✖"), []);
  });

  test("follows a way by local peering", async () => {
    const gateway = "ocid1.localpeeringgateway.oc1..mine";
    const peering = { id: gateway, peeringStatus: "PEERED", peerAdvertisedCidr: "10.0.0.0/16" };
    const look = () =>
      examine(
        spoilt((a) => {
          a[AT.routes].routeRules[1].networkEntityId = gateway;
          a[`network local-peering-gateway get ${gateway}`] = peering;
        }, failing),
      );
    const lines = await look();
    assert(lines.includes("✔ The VCNs are peered, and do not overlap"));
    assert.doesNotMatch(lines.join("\n"), /DRG/);
    assert.deepEqual(marked(lines, "✖"), ["✖ The function's health check: FunctionInvokeTimeout"]);
    peering.peerAdvertisedCidr = "10.1.128.0/17";
    assert.match(
      marked(await look(), "✖").join("\n"),
      /The peered VCNs overlap: 10\.1\.0\.0\/16 and 10\.1\.128\.0\/17/,
    );
    peering.peeringStatus = "REVOKED";
    assert.match(marked(await look(), "✖").join("\n"), /The peering gateway is REVOKED/);
  });
});

/** What is looked at beside other things, and is not missed where those are there. */
const UNSHOWN = /network (service|vcn|subnet|drg) (list|get)|nsg|iam (compartment|policy) list/;

function spoilt(spoil: (answers: Answers, world: World) => void, smoke: World["smoke"]): World {
  const world = goodWorld();
  world.smoke = smoke;
  spoil(world.answers, world);
  return world;
}
