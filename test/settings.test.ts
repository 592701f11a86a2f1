import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { suite, test } from "node:test";
import { registryOf } from "../.github/scripts/settings.ts";
import { deploymentForTests, ROOT, skipWithout, TOOLS } from "./deployment.ts";

const vault = "ocid1.vault.oc1.eu-frankfurt-1.abc";
const vcn = "ocid1.vcn.oc1.eu-frankfurt-1.abc";

/** What is wrong with the variables, and what is said of it. */
const wrong: [string, Record<string, string>, RegExp][] = [
  [
    "a vault for a secret",
    { DB_SECRET_OCID: vault },
    /- DB_SECRET_OCID is the OCID of a vault \(ocid1\.vault\.…\), and must be the OCID of a Vault secret/,
  ],
  ["a VCN for a subnet", { SUBNET_OCIDS: vcn }, /- SUBNET_OCIDS is the OCID of a VCN .*must be the OCID of a subnet/],
  [
    "a VCN among subnets",
    { SUBNET_OCIDS: `ocid1.subnet.oc1.eu-frankfurt-1.a, ${vcn}` },
    /- SUBNET_OCIDS is the OCID of a VCN/,
  ],
  ["a user for the tenancy", { OCI_CLI_TENANCY: "ocid1.user.oc1..a" }, /- OCI_CLI_TENANCY is the OCID of a user/],
  [
    "four subnets",
    { SUBNET_OCIDS: [1, 2, 3, 4].map((n) => `ocid1.subnet.oc1.eu-frankfurt-1.${n}`).join(" ") },
    /names 4 subnets, and an application takes at most 3/,
  ],
  [
    "two compartments",
    { COMPARTMENT_OCID: "ocid1.compartment.oc1..a ocid1.compartment.oc1..b" },
    /COMPARTMENT_OCID holds several OCIDs/,
  ],
  [
    "the root for a compartment",
    { COMPARTMENT_OCID: "ocid1.tenancy.oc1..ours" },
    /- COMPARTMENT_OCID is the OCID of the tenancy .* must be the OCID of a compartment .*: oci iam compartment list shows/,
  ],
  ["a region's key", { OCI_CLI_REGION: "fra" }, /OCI_CLI_REGION is "fra", and must be a region's name/],
  ["a token without a name", { OCIR_AUTH_TOKEN: "token" }, /OCIR_USERNAME is missing: OCIR_AUTH_TOKEN goes with it/],
  ["a name without a token", { OCIR_USERNAME: "axlocal/ci" }, /OCIR_AUTH_TOKEN is missing: OCIR_USERNAME goes with it/],
  [
    "an endpoint that is no URL",
    { OCI_SECRETS_ENDPOINT: "secrets" },
    /- OCI_SECRETS_ENDPOINT is "secrets", and must be a URL/,
  ],
  [
    "a choice that the function does not have",
    { ON_INVALID: "set_aside" },
    /- ON_INVALID is "set_aside", and must be one of refuse, fail, set-aside\n/,
  ],
  ["a key that is none", { OCI_CLI_KEY_CONTENT: "secret" }, /- OCI_CLI_KEY_CONTENT is no private key in PEM/],
  [
    "a token that the registry does not know",
    { OCIR_USERNAME: "axlocal/ci", OCIR_AUTH_TOKEN: "wrong" },
    /refused the login of axlocal\/ci: .*unauthorized.*Check OCIR_USERNAME/,
  ],
  [
    "an older OCI CLI",
    { PATH: "older" },
    /The OCI CLI here is 3\.89\.3, and has no "oci fn function create container-function", which came with 3\.94\.0: npm run tools installs one/,
  ],
  ["no Docker", { PATH: "without docker" }, /There is no Docker here, and it builds the image: install it/],
  [
    "Docker that does not run",
    { PATH: "info" },
    /Docker does not run here, and is needed to build the image: start it/,
  ],
  ["Docker without buildx", { PATH: "buildx version" }, /Docker has no buildx here, which builds the image: install/],
  [
    "a builder that cannot be made",
    { PATH: "buildx create", APPLICATION_SHAPE: "GENERIC_X86_ARM" },
    /Docker cannot make a builder for two platforms: it fails here/,
  ],
  [
    "a builder for one platform",
    { PATH: "inspect --bootstrap", APPLICATION_SHAPE: "GENERIC_X86_ARM" },
    /The builder postgres-inserter cannot build for linux\/arm64: install QEMU/,
  ],
];

suite("settings", { skip: skipWithout(...TOOLS) }, async () => {
  const { cloud, run, env, folder, dockerCalls } = await deploymentForTests();
  const changes = () => cloud.requests.filter((request) => !/^GET |\/v2\//.test(request));

  /** A PATH whose docker fails at one of its commands, or that has none. */
  function pathFor(failing: string): string {
    const tools = `${folder}.tools`;
    const others = `${join(ROOT, "node_modules/.bin")}${delimiter}${process.env.PATH}`;
    const own = join(tools, failing.replaceAll(/\W/g, "-"));
    mkdirSync(own, { recursive: true });
    if (failing === "without docker") {
      for (const tool of ["node", "oci", "git"]) symlinkSync(placeOf(tool, others), join(own, tool));
      return own;
    }
    if (failing === "older") {
      const older =
        'case "$*" in --version) echo 3.89.3; exit;; *container-function*) echo "Error: No such command"; exit 2;; esac';
      writeFileSync(join(own, "oci"), `#!/bin/sh\n${older}\nexec "${placeOf("oci", others)}" "$@"\n`, { mode: 0o755 });
      return `${own}${delimiter}${tools}${delimiter}${others}`;
    }
    const answer = failing.startsWith("inspect") ? "echo Platforms: linux/amd64; exit 0" : "echo it fails here; exit 1";
    const script = `#!/bin/sh\ncase "$*" in *"${failing}"*) ${answer};; esac\nexec "${join(tools, "docker")}" "$@"\n`;
    writeFileSync(join(own, "docker"), script, { mode: 0o755 });
    return `${own}${delimiter}${tools}${delimiter}${others}`;
  }

  for (const [what, { PATH, ...given }, message] of wrong)
    test(`${what}: said, and nothing is made`, async () => {
      const { code, text } = await run("provision", { ...given, ...(PATH !== undefined && { PATH: pathFor(PATH) }) });
      assert.equal(code, 1, text);
      assert.match(text, message);
      assert.deepEqual(changes(), []);
    });

  test("a registry that answers 500 or 429 is not taken for a wrong login", async () => {
    for (const status of [500, 429]) {
      cloud.fault("GET", /^\/v2\/$/, status, "Fault", 1);
      const { code, text } = await run("provision");
      assert.equal(code, 1, text);
      assert.match(text, new RegExp(`takes no login now: .*status ${status}.*\\. Start again later`));
      assert.doesNotMatch(text, /OCIR_USERNAME/);
    }
    assert.deepEqual(changes(), []);
  });

  test("values with line ends, blanks and quotes, and a func.yaml written otherwise, are taken", async () => {
    const other = "ocid1.subnet.oc1.eu-frankfurt-1.other";
    const manifest = join(folder, "func.yaml");
    const yaml = readFileSync(manifest, "utf8");
    const rewritten = yaml
      .replace("name: postgres-inserter", "name:   'postgres-inserter' # ours")
      .replaceAll("\n", "\r\n");
    writeFileSync(manifest, `# A comment\r\n${rewritten}`);
    const pasted = {
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, ` "${value}"\r\n`])),
      SUBNET_OCIDS: `"${env.SUBNET_OCIDS}",\n ${other} `,
    };
    const { text } = await run("provision", pasted);
    writeFileSync(manifest, yaml);
    // The one thing wrong is the second subnet, which the cloud does not have.
    assert.match(text, /^✖ oci network subnet get: 404 NotAuthorizedOrNotFound/m);
    assert(cloud.requests.includes(`GET /subnets/${other}`));
    assert.deepEqual(changes(), []);
  });

  test("a folder that is no clone is refused before anything is made", async () => {
    renameSync(join(folder, ".git"), join(folder, ".hidden"));
    const { code, text } = await run("provision");
    renameSync(join(folder, ".hidden"), join(folder, ".git"));
    assert.equal(code, 1);
    assert.match(text, /The image is named after a commit, and there is none: .* Clone the repository with git/s);
    assert.deepEqual(changes(), []);
  });

  test("Docker is given nothing of OCI's", () => {
    const given = dockerCalls().flatMap((call) => call.env.filter((name) => /^(OCI|OCIR|OIDC)_/.test(name)));
    assert(dockerCalls().length > 0);
    assert.deepEqual(given, []);
  });
});

function placeOf(tool: string, path: string): string {
  const folder = path.split(delimiter).find((each) => existsSync(join(each, tool)));
  if (!folder) throw new Error(`there is no ${tool} on the PATH`);
  return join(folder, tool);
}

test("the registry's host follows the realm", () => {
  assert.equal(registryOf("eu-frankfurt-1", "ocid1.compartment.oc1..a"), "ocir.eu-frankfurt-1.oci.oraclecloud.com");
  assert.equal(registryOf("us-langley-1", "ocid1.compartment.oc2..a"), "ocir.us-langley-1.oci.oraclegovcloud.com");
  assert.equal(registryOf("eu-madrid-2", "ocid1.tenancy.oc19..a"), "ocir.eu-madrid-2.oci.oraclecloud.eu");
});
