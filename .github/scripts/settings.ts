import { Realm } from "oci-common";
import { cliEnvironment } from "./oci/cli.ts";
import { realmOf } from "./oci/ocid.ts";
import { Faults, Refusal } from "./report.ts";
import { ROOT } from "./root.ts";
import { readConfig } from "./settings/configuration.ts";
import { checkInvalid, type Feed, readFeeds } from "./settings/feed.ts";
import { type GatewaySettings, readGateway } from "./settings/gateway-settings.ts";
import { type Manifest, readManifest } from "./settings/manifest.ts";
import { type Purpose, readVariables, type Variables } from "./settings/variables.ts";

export const SHAPES = ["GENERIC_X86", "GENERIC_ARM", "GENERIC_X86_ARM"] as const;
export type Shape = (typeof SHAPES)[number];

/** func.yaml and the environment, as one. The variables are those of docs/operate.md. */
export interface Settings {
  manifest: Manifest;
  region: string;
  tenancy: string | undefined;
  /** Of function, application and repository. */
  compartment: string;
  /** Its name. */
  application: string;
  shape: Shape;
  subnets: string[];
  nsgs: string[];
  /** Its name. */
  repository: string;
  /** The registry's host. */
  registry: string;
  /** For a registry login by auth token. */
  login: { username: string; password: string } | undefined;
  /** The function's whole configuration. */
  config: Record<string, string>;
  secret: string | undefined;
  /** The APM domain that takes traces; without one there are none. */
  traces: string | undefined;
  gateway: GatewaySettings | undefined;
  feeds: Feed[];
}

/** @throws {Refusal} naming all that is missing or wrong at once */
export function readSettings(purpose: Purpose): Settings {
  const faults: string[] = [];
  const variables = readVariables(faults);
  const manifest = readManifest(`${ROOT}/func.yaml`, faults);
  const place = readPlace(variables, faults);
  const network = readNetwork(variables, purpose, faults);
  const application = readApplication(variables, manifest, faults);
  const login = readLogin(variables, faults);
  const secret = variables.ocid("DB_SECRET_OCID", ["vaultsecret"]) || undefined;
  const config = readConfig(variables, manifest, purpose, faults);
  if (config.DB_SECRET_OCID && secret) config.DB_SECRET_OCID = secret;
  const traces = variables.ocid("APM_DOMAIN_OCID", ["apmdomain"]) || undefined;
  // What calls the function is no matter of its image.
  const withCallers = purpose === "provision" || purpose === "doctor";
  const gateway = withCallers ? readGateway(variables, faults) : undefined;
  const feedCompartment = variables.ocid("FEED_COMPARTMENT_OCID", ["compartment"]) || place.compartment;
  const feeds = withCallers ? readFeeds(variables, feedCompartment) : [];
  if (purpose === "provision") checkInvalid(feeds, config, faults);
  checkCredentials(faults);
  if (faults.length > 0 || !manifest) throw new Faults(faults);
  const registry =
    variables.optional("OCIR_REGISTRY")?.replace(/^https?:\/\/|\/+$/g, "") ??
    registryOf(place.region, place.compartment);
  return { manifest, ...place, ...network, ...application, login, registry, config, secret, traces, gateway, feeds };
}

/** The registry's host, in the domain of the realm; that of a realm which the SDK does not know is set by OCIR_REGISTRY. */
export function registryOf(region: string, compartment: string): string {
  const realm = Realm.values().find(({ realmId }) => realmId === realmOf(compartment)) ?? Realm.OC1;
  return `ocir.${region}.oci.${realm.secondLevelDomain}`;
}

function readPlace(variables: Variables, faults: string[]): Pick<Settings, "region" | "tenancy" | "compartment"> {
  // Cloud Shell has names of its own.
  const region = variables.optional("OCI_CLI_REGION") ?? variables.optional("OCI_REGION") ?? "";
  if (!region) variables.required("OCI_CLI_REGION", "the region, such as eu-frankfurt-1");
  if (region && !/^[a-z]+(-[a-z0-9]+)+-\d+$/.test(region))
    faults.push(`OCI_CLI_REGION is "${region}", and must be a region's name, such as eu-frankfurt-1`);
  const what = "the OCID of the compartment for function, application and repository";
  const compartment = variables.ocid("COMPARTMENT_OCID", ["compartment"], what);
  const tenancy = variables.ocid("OCI_CLI_TENANCY", ["tenancy"]) || variables.ocid("OCI_TENANCY", ["tenancy"]);
  return { region, tenancy: tenancy || undefined, compartment };
}

function readNetwork(variables: Variables, purpose: Purpose, faults: string[]): Pick<Settings, "subnets" | "nsgs"> {
  if (purpose === "provision")
    variables.required("SUBNET_OCIDS", "the OCIDs of one to three subnets, separated by commas");
  const subnets = variables.ocids("SUBNET_OCIDS", "subnet");
  if (subnets.length > 3)
    faults.push(`SUBNET_OCIDS names ${subnets.length} subnets, and an application takes at most 3`);
  return { subnets, nsgs: variables.ocids("NSG_OCIDS", "networksecuritygroup") };
}

function readApplication(
  { optional }: Variables,
  manifest: Manifest | undefined,
  faults: string[],
): Pick<Settings, "application" | "shape" | "repository"> {
  const name = manifest?.name ?? "none";
  const shape = optional("APPLICATION_SHAPE") ?? "GENERIC_X86";
  if (!SHAPES.some((known) => known === shape))
    faults.push(`APPLICATION_SHAPE is "${shape}", and must be ${SHAPES.slice(0, -1).join(", ")} or ${SHAPES.at(-1)}`);
  const repository = optional("REPOSITORY_NAME") ?? name;
  if (!/^[a-z0-9]+([._/-]+[a-z0-9]+)*$/.test(repository))
    faults.push(`REPOSITORY_NAME is "${repository}", and must be lower case, as image references are`);
  return { application: optional("APPLICATION_NAME") ?? name, shape: shape as Shape, repository };
}

function readLogin({ optional }: Variables, faults: string[]): Settings["login"] {
  const [username, password] = [optional("OCIR_USERNAME"), optional("OCIR_AUTH_TOKEN")];
  if (username && password) return { username, password };
  if (username) faults.push("OCIR_AUTH_TOKEN is missing: OCIR_USERNAME goes with it, or without both");
  if (password)
    faults.push("OCIR_USERNAME is missing: OCIR_AUTH_TOKEN goes with it, as namespace/user or namespace/domain/user");
  return undefined;
}

function checkCredentials(faults: string[]): void {
  try {
    cliEnvironment();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const found = error instanceof Faults ? error.faults : [error.message];
    // A variable that is missing is missed once, whoever needs it.
    const about = (fault: string) => fault.split(" is missing")[0];
    faults.push(...found.filter((fault) => !faults.some((one) => about(one) === about(fault))));
  }
}
