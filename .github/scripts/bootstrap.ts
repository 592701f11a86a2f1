/**
 * What an administrator does once, so that the workflows need no rights to do it: the policies and the dynamic group, and on
 * request the network. Can be run again without harm; changes only what differs.
 *
 * Usage: npm run bootstrap -- [--dry-run] [--network]
 *   --dry-run   prints each statement and command, and changes nothing
 *   --network   also makes a VCN with a private subnet from which images can be pulled and the database reached
 */
import * as z from "zod";
import { readArguments } from "./arguments.ts";
import { contains, isBlock, overlaps } from "./cidr.ts";
import { ask, cliEnvironment } from "./oci/cli.ts";
import { Faults, runCommand, say } from "./report.ts";
import { change, showChange } from "./resources/change.ts";
import { applyNetwork, type Network, openSurroundings } from "./resources/network.ts";
import { list } from "./resources.ts";
import type { Rights } from "./rights/policy.ts";
import { applyRights } from "./rights.ts";
import { ROOT } from "./root.ts";
import { readFeeds } from "./settings/feed.ts";
import { readManifest } from "./settings/manifest.ts";
import { readVariables, type Variables } from "./settings/variables.ts";

const subscription = z.object({ regionName: z.string(), isHomeRegion: z.boolean() });

const USAGE = "npm run bootstrap -- [--dry-run] [--network]";
const OPTIONS = { "dry-run": { type: "boolean" }, network: { type: "boolean" } } as const;

await runCommand(async () => {
  const { "dry-run": dryRun, network: withNetwork } = readArguments(USAGE, OPTIONS);
  const { rights, network } = readPlan(withNetwork);
  cliEnvironment();
  const apply = dryRun ? showChange : change;
  const surroundings = network && (await openSurroundings(network));
  await applyRights({ ...rights, home: await homeOf(rights.tenancy) }, apply);
  if (network && surroundings) await applyNetwork(network, surroundings, apply);
  say("Done. Policies and groups can take 15 minutes to be known everywhere.");
});

/** @throws {Refusal} naming all that is missing or wrong at once */
function readPlan(withNetwork = false): { rights: Omit<Rights, "home">; network: Network | undefined } {
  const faults: string[] = [];
  const variables = readVariables(faults);
  const name = readManifest(`${ROOT}/func.yaml`, faults)?.name ?? "";
  const tenancy =
    variables.ocid("OCI_TENANCY", ["tenancy"]) || variables.ocid("OCI_CLI_TENANCY", ["tenancy"], "the tenancy's OCID");
  const ofFunction = "the OCID of the function's compartment, which should not be the root";
  const compartment = variables.ocid("COMPARTMENT_OCID", ["compartment"], ofFunction);
  const compartmentOf = (variable: string) => variables.ocid(variable, ["compartment"]) || compartment;
  const ofSecret = "the OCID of the secret with the database's credentials";
  const feedCompartment = compartmentOf("FEED_COMPARTMENT_OCID");
  const rights = {
    name,
    tenancy,
    compartment,
    secretCompartment: compartmentOf("SECRET_COMPARTMENT_OCID"),
    networkCompartment: compartmentOf("NETWORK_COMPARTMENT_OCID"),
    secret: variables.ocid("DB_SECRET_OCID", ["vaultsecret"], ofSecret),
    ciGroup: variables.optional("CI_GROUP") ?? "CI-CD-Deployers",
    repository: variables.optional("REPOSITORY_NAME") ?? name,
    gateway: variables.ocid("GATEWAY_SUBNET_OCID", ["subnet"]) !== "",
    feeds: readFeeds(variables, feedCompartment),
    feedCompartment,
    traced: variables.ocid("APM_DOMAIN_OCID", ["apmdomain"]) !== "",
    traceCompartment: compartmentOf("APM_COMPARTMENT_OCID"),
  };
  const network = withNetwork ? readNetwork(variables, name, rights.networkCompartment, faults) : undefined;
  if (faults.length > 0) throw new Faults(faults);
  return { rights, network };
}

function readNetwork(variables: Variables, name: string, compartment: string, faults: string[]): Network {
  const block = (variable: string, fallback?: string) => {
    const what = "an address or network, such as 10.0.0.146/32";
    const value = variables.optional(variable) ?? fallback ?? variables.required(variable, what);
    if (value && !(isBlock(value) && value.includes("/")))
      faults.push(`${variable} is "${value}", and must be ${what}`);
    return value;
  };
  const port = variables.optional("DB_PORT") ?? "5432";
  if (!/^\d+$/.test(port) || !(Number(port) >= 1 && Number(port) <= 65_535))
    faults.push(`DB_PORT is "${port}", and must be a port's number`);
  const [vcnCidr, subnetCidr] = [block("VCN_CIDR", "10.1.0.0/16"), block("SUBNET_CIDR", "10.1.1.0/24")];
  const databaseCidr = block("DB_CIDR");
  const drg = variables.ocid("DRG_OCID", ["drg"]) || undefined;
  if (drg && overlaps(databaseCidr, vcnCidr))
    faults.push(
      `VCN_CIDR ${vcnCidr} overlaps DB_CIDR ${databaseCidr}: the DRG could not tell them apart. Choose another VCN_CIDR and SUBNET_CIDR`,
    );
  if (isBlock(vcnCidr) && isBlock(subnetCidr) && !contains(vcnCidr, subnetCidr))
    faults.push(`SUBNET_CIDR ${subnetCidr} is not within VCN_CIDR ${vcnCidr}: choose one that is`);
  return { name, compartment, vcnCidr, subnetCidr, databaseCidr, databasePort: Number(port), drg };
}

/** Changes of rights are taken by the tenancy's home region alone. */
async function homeOf(tenancy: string): Promise<string[]> {
  const answer = await ask(["iam", "region-subscription", "list", "--tenancy-id", tenancy], list(subscription));
  const home = "data" in answer && answer.data.find(({ isHomeRegion }) => isHomeRegion);
  return home ? ["--region", home.regionName] : [];
}
