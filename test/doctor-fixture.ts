import type * as z from "zod";
import { gather } from "../.github/scripts/doctor/facts.ts";
import { print } from "../.github/scripts/doctor/finding.ts";
import { judge } from "../.github/scripts/doctor/show.ts";
import type { Sources } from "../.github/scripts/doctor/sources.ts";
import type { ImageManifest } from "../.github/scripts/image/registry.ts";
import type { Answer } from "../.github/scripts/oci/cli.ts";
import type { Settings } from "../.github/scripts/settings.ts";
import type { Smoke } from "../.github/scripts/smoke.ts";

export const TENANCY = "ocid1.tenancy.oc1..root";
/** The function's, in SHARED. */
export const COMPARTMENT = "ocid1.compartment.oc1..sandbox";
export const SHARED = "ocid1.compartment.oc1..shared";
export const OTHER = "ocid1.compartment.oc1..other";
export const SECRET = "ocid1.vaultsecret.oc1.eu-frankfurt-1.database";
export const FUNCTION = "ocid1.fnfunc.oc1.eu-frankfurt-1.inserter";
export const GROUP = "ocid1.dynamicgroup.oc1..functions";
export const NSG = "ocid1.networksecuritygroup.oc1.eu-frankfurt-1.functions";

const ALL_SERVICES = "all-fra-services-in-oracle-services-network";
const DIGEST = `sha256:${"0".repeat(64)}`;
const APPLICATION = "ocid1.fnapp.oc1.eu-frankfurt-1.inserter";
const SPOKE = "ocid1.vcn.oc1.eu-frankfurt-1.spoke";
const HUB = "ocid1.vcn.oc1.eu-frankfurt-1.hub";
const DRG = "ocid1.drg.oc1.eu-frankfurt-1.drg";
const DRG_TABLE = "ocid1.drgroutetable.oc1.eu-frankfurt-1.table";
const GATEWAY = "ocid1.servicegateway.oc1.eu-frankfurt-1.gateway";
const SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.functions";
const ROUTES = "ocid1.routetable.oc1.eu-frankfurt-1.functions";
const LIST = "ocid1.securitylist.oc1.eu-frankfurt-1.functions";
const HUB_SUBNET = "ocid1.subnet.oc1.eu-frankfurt-1.database";
const HUB_ROUTES = "ocid1.routetable.oc1.eu-frankfurt-1.database";
const HUB_LIST = "ocid1.securitylist.oc1.eu-frankfurt-1.database";
const DHCP = "ocid1.dhcpoptions.oc1.eu-frankfurt-1.options";

export const credentials = {
  host: "10.0.0.146",
  port: 6432,
  dbname: "librarian_db",
  username: "librarian_user",
  password: "correct horse battery staple",
};

export function settingsForTests(): Settings {
  return {
    manifest: {
      schema_version: 20180708,
      name: "postgres-inserter",
      version: "0.1.0",
      runtime: "docker",
      memory: 512,
      timeout: 60,
      config: { LOG_LEVEL: "info" },
      expects: { config: [] },
    },
    region: "eu-frankfurt-1",
    tenancy: TENANCY,
    compartment: COMPARTMENT,
    application: "postgres-inserter",
    shape: "GENERIC_X86",
    subnets: [SUBNET],
    nsgs: [],
    repository: "postgres-inserter",
    registry: "ocir.eu-frankfurt-1.oci.oraclecloud.com",
    login: undefined,
    config: { LOG_LEVEL: "info", DB_SECRET_OCID: SECRET },
    secret: SECRET,
    traces: undefined,
    gateway: undefined,
    feeds: [],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: what the OCI CLI prints, to be spoilt at will
type Json = any;

/** What there is to be seen: what the CLI answers, keys in camelCase, by command and first option; the rest by name. */
export interface World {
  answers: Record<string, Json>;
  image: ImageManifest | undefined;
  smoke: Smoke;
}

export const denied = { error: { status: 404, code: "NotAuthorizedOrNotFound", message: "denied" } };

export const healthy: Smoke = { code: "ok", meaning: "Vault and database answer." };

export function encode(content: unknown): Json {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  return { secretBundleContent: { contentType: "BASE64", content: Buffer.from(text).toString("base64") } };
}

const tcp = (port: number) => ({ protocol: "6", tcpOptions: { destinationPortRange: { min: port, max: port } } });
const to = (destination: string) => ({ destination, destinationType: "CIDR_BLOCK" });
const toServices = { destination: ALL_SERVICES, destinationType: "SERVICE_CIDR_BLOCK" };

/** A deployment in order: the function's VCN and the database's, behind a DRG; the policy as bootstrap makes it. */
export function goodWorld(): World {
  const here = { compartmentId: COMPARTMENT, lifecycleState: "AVAILABLE" };
  const vcn = (id: string, displayName: string, cidrBlock: string) => ({
    ...here,
    id,
    displayName,
    cidrBlock,
    cidrBlocks: [cidrBlock],
  });
  const subnet = {
    ...here,
    id: SUBNET,
    displayName: "functions",
    vcnId: SPOKE,
    cidrBlock: "10.1.1.0/24",
    routeTableId: ROUTES,
    securityListIds: [LIST],
    dhcpOptionsId: DHCP,
    subnetDomainName: "functions.spoke.oraclevcn.com",
  };
  const hubSubnet = {
    ...subnet,
    id: HUB_SUBNET,
    displayName: "database",
    vcnId: HUB,
    cidrBlock: "10.0.0.0/24",
    routeTableId: HUB_ROUTES,
    securityListIds: [HUB_LIST],
    subnetDomainName: "database.hub.oraclevcn.com",
  };
  const attachment = (name: string, vcnId: string) => ({
    id: `ocid1.drgattachment.oc1.eu-frankfurt-1.${name}`,
    lifecycleState: "ATTACHED",
    drgRouteTableId: DRG_TABLE,
    vcnId: null,
    networkDetails: { type: "VCN", id: vcnId },
  });
  const application = {
    ...here,
    lifecycleState: "ACTIVE",
    id: APPLICATION,
    displayName: "postgres-inserter",
    shape: "GENERIC_X86",
    subnetIds: [SUBNET],
    networkSecurityGroupIds: [],
  };
  const fn = {
    ...here,
    lifecycleState: "ACTIVE",
    id: FUNCTION,
    displayName: "postgres-inserter",
    applicationId: APPLICATION,
    memoryInMbs: 512,
    timeoutInSeconds: 60,
    sourceDetails: {
      sourceType: "CONTAINER_IMAGE",
      image: "ocir.eu-frankfurt-1.oci.oraclecloud.com/namespace/postgres-inserter:1",
      imageDigest: DIGEST,
    },
    definedTags: { Operations: { costCenter: "42" } },
  };
  const repository = { ...here, id: "ocid1.containerrepo.oc1..inserter", displayName: "postgres-inserter" };
  const policy = (name: string, ...statements: string[]) => ({
    id: `ocid1.policy.oc1..${name}`,
    name,
    lifecycleState: "ACTIVE",
    statements,
  });
  return {
    image: {
      digest: DIGEST,
      type: "application/vnd.docker.distribution.manifest.v2+json",
      platforms: ["linux/amd64"],
    },
    smoke: healthy,
    answers: {
      [`fn application list ${COMPARTMENT}`]: [application],
      [`fn function list ${APPLICATION}`]: [fn],
      [`fn function get ${FUNCTION}`]: { ...fn, config: { LOG_LEVEL: "info", DB_SECRET_OCID: SECRET } },
      [`artifacts container repository list ${COMPARTMENT}`]: { items: [repository] },
      [`iam compartment list ${TENANCY}`]: [
        { id: SHARED, compartmentId: TENANCY, name: "Shared" },
        { id: COMPARTMENT, compartmentId: SHARED, name: "Sandbox" },
        { id: OTHER, compartmentId: SHARED, name: "Other" },
      ],
      [`iam dynamic-group list ${TENANCY}`]: [
        {
          id: GROUP,
          name: "postgres-inserter-functions",
          lifecycleState: "ACTIVE",
          matchingRule: `ALL {resource.type = 'fnfunc', resource.compartment.id = '${COMPARTMENT}'}`,
        },
      ],
      [`iam policy list ${TENANCY}`]: [
        policy("tenant-admin", "ALLOW GROUP Administrators to manage all-resources IN TENANCY"),
      ],
      [`iam policy list ${SHARED}`]: undefined,
      [`iam policy list ${COMPARTMENT}`]: [
        policy(
          "postgres-inserter-runtime",
          `Allow dynamic-group postgres-inserter-functions to read secret-bundles in compartment id ${COMPARTMENT} where target.secret.id = '${SECRET}'`,
        ),
      ],
      "network service list --all": [
        { id: "ocid1.service.oc1..all", name: "All FRA Services In Oracle Services Network", cidrBlock: ALL_SERVICES },
        { id: "ocid1.service.oc1..storage", name: "OCI FRA Object Storage", cidrBlock: "oci-fra-objectstorage" },
      ],
      [`vault secret get ${SECRET}`]: {
        id: SECRET,
        lifecycleState: "ACTIVE",
        compartmentId: COMPARTMENT,
        secretName: "database",
      },
      [`secrets secret-bundle get ${SECRET}`]: encode(credentials),
      [`network subnet get ${SUBNET}`]: subnet,
      [`network route-table get ${ROUTES}`]: {
        routeRules: [
          { ...toServices, networkEntityId: GATEWAY },
          { ...to("10.0.0.0/16"), networkEntityId: DRG },
        ],
      },
      [`network security-list get ${LIST}`]: {
        ingressSecurityRules: [],
        egressSecurityRules: [
          { ...toServices, ...tcp(443) },
          { ...to("10.0.0.0/24"), ...tcp(6432) },
        ],
      },
      [`network nsg rules list ${NSG}`]: [{ direction: "EGRESS", ...toServices, ...tcp(443) }],
      [`network dhcp-options get ${DHCP}`]: {
        options: [{ type: "DomainNameServer", serverType: "VcnLocalPlusInternet" }],
      },
      [`network service-gateway list ${COMPARTMENT}`]: [
        {
          id: GATEWAY,
          blockTraffic: false,
          services: [
            { serviceId: "ocid1.service.oc1..all", serviceName: "All FRA Services In Oracle Services Network" },
          ],
        },
      ],
      [`network vcn list ${COMPARTMENT}`]: [vcn(SPOKE, "spoke", "10.1.0.0/16"), vcn(HUB, "hub", "10.0.0.0/16")],
      [`network subnet list ${COMPARTMENT}`]: [subnet, hubSubnet],
      [`network drg get ${DRG}`]: { id: DRG, compartmentId: COMPARTMENT },
      [`network drg-attachment list ${COMPARTMENT}`]: [attachment("spoke", SPOKE), attachment("hub", HUB)],
      [`network drg-route-rule list ${DRG_TABLE}`]: [to("10.0.0.0/16"), to("10.1.0.0/16")],
      [`network route-table get ${HUB_ROUTES}`]: { routeRules: [{ ...to("10.1.0.0/16"), networkEntityId: DRG }] },
      [`network security-list get ${HUB_LIST}`]: {
        egressSecurityRules: [],
        ingressSecurityRules: [{ source: "10.1.1.0/24", sourceType: "CIDR_BLOCK", ...tcp(6432) }],
      },
    },
  };
}

/** Where the parts are that tests spoil. */
export const AT = {
  application: `fn application list ${COMPARTMENT}`,
  functions: `fn function list ${APPLICATION}`,
  fn: `fn function get ${FUNCTION}`,
  repository: `artifacts container repository list ${COMPARTMENT}`,
  repositories: `artifacts container repository list ${TENANCY}`,
  compartments: `iam compartment list ${TENANCY}`,
  groups: `iam dynamic-group list ${TENANCY}`,
  policies: `iam policy list ${COMPARTMENT}`,
  sharedPolicies: `iam policy list ${SHARED}`,
  rootPolicies: `iam policy list ${TENANCY}`,
  services: "network service list --all",
  secret: `vault secret get ${SECRET}`,
  bundle: `secrets secret-bundle get ${SECRET}`,
  subnet: `network subnet get ${SUBNET}`,
  routes: `network route-table get ${ROUTES}`,
  list: `network security-list get ${LIST}`,
  nsg: `network nsg rules list ${NSG}`,
  dhcp: `network dhcp-options get ${DHCP}`,
  gateways: `network service-gateway list ${COMPARTMENT}`,
  vcns: `network vcn list ${COMPARTMENT}`,
  subnets: `network subnet list ${COMPARTMENT}`,
  attachments: `network drg-attachment list ${COMPARTMENT}`,
  drgRoutes: `network drg-route-rule list ${DRG_TABLE}`,
  hubRoutes: `network route-table get ${HUB_ROUTES}`,
  hubList: `network security-list get ${HUB_LIST}`,
} as const;

/** Of a list that is asked for by name, what has that name. */
function named(answer: Json, args: readonly string[]): Json {
  const at = args.indexOf("--display-name");
  if (at < 0) return answer;
  const keep = (all: Json[]) => all.filter((each) => [undefined, args[at + 1]].includes(each?.displayName));
  if (Array.isArray(answer)) return keep(answer);
  return Array.isArray(answer?.items) ? { ...answer, items: keep(answer.items) } : answer;
}

/** The sources of facts, as a world has them. What it does not have is not found. */
function sourcesOf(world: World): Sources {
  return {
    async ask<T>(args: readonly string[], schema: z.ZodType<T>): Promise<Answer<T>> {
      const options = args.findIndex((arg) => arg.startsWith("--"));
      const words = args.slice(0, options).join(" ");
      const at = `${words} ${args[options + 1] ?? args[options]}`;
      if (!(at in world.answers)) return denied;
      const answer = named(world.answers[at], args);
      if (answer?.error?.code) return answer;
      const { data, success } = schema.safeParse(answer);
      if (success) return { data: data as T };
      return { error: { status: undefined, code: "UnexpectedAnswer", message: "It is otherwise than expected." } };
    },
    readImage: async () => world.image,
    smoke: async () => world.smoke,
  };
}

/** The doctor's lines of a world. */
export async function examine(world: World, settings = settingsForTests(), ciGroup?: string): Promise<string[]> {
  return print(judge(await gather(settings, undefined, sourcesOf(world)), settings, ciGroup));
}

/** The lines with a mark. */
export function marked(lines: readonly string[], mark: "✔" | "✖" | "?"): string[] {
  return lines.filter((line) => line.startsWith(`${mark} `));
}
