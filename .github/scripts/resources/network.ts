import * as z from "zod";
import { get } from "../oci/cli.ts";
import { Refusal, say } from "../report.ts";
import { list } from "../resources.ts";
import type { Change } from "./change.ts";
import { applyPart, type Part, type Rule } from "./network-part.ts";

/** A private network for the function, to be made. */
export interface Network {
  /** Of all that is made. */
  name: string;
  compartment: string;
  vcnCidr: string;
  subnetCidr: string;
  /** The database's address or network. */
  databaseCidr: string;
  databasePort: number;
  /** The dynamic routing gateway that leads to the database, where that is in another VCN. */
  drg: string | undefined;
}

/** What the network leads to, found to be there. */
export interface Surroundings {
  /** What stands for all of Oracle's services in the region. */
  services: z.infer<typeof service>;
  /** Where the DRG is, and its attachments with it. */
  drgCompartment: string;
}

const service = z.object({ id: z.string(), name: z.string(), cidrBlock: z.string() });

/** Looks, and makes nothing. @throws {Refusal} */
export async function openSurroundings({ compartment, drg }: Network): Promise<Surroundings> {
  const services = (await get(["network", "service", "list", "--all"], list(service))).find((each) =>
    /^All .* Services/i.test(each.name),
  );
  if (!services) throw new Refusal("OCI names no service that stands for all of the region's: check OCI_CLI_REGION");
  return { services, drgCompartment: drg ? await compartmentOf(drg) : compartment };
}

/** Makes the network, or adds to it what it lacks and leaves what else it has. @throws {Refusal} */
export async function applyNetwork(network: Network, found: Surroundings, change: Change): Promise<void> {
  const { name, compartment, vcnCidr, subnetCidr, databaseCidr, databasePort, drg } = network;
  const here = ["--compartment-id", compartment];
  const ofVcn = ["--cidr-blocks", JSON.stringify([vcnCidr])];
  const vcn = await applyPart(name, { kind: "vcn", at: compartment, args: [...here, ...ofVcn] }, change);
  const make = (kind: string, args: readonly string[], rules?: Part["rules"], at = compartment) =>
    applyPart(name, { kind, at, vcn, args, rules }, change);
  const inVcn = [...here, "--vcn-id", vcn];
  const gateway = await make("service-gateway", inVcn, {
    field: "services",
    option: "--service-gateway-id",
    wanted: [{ serviceId: found.services.id }],
  });
  if (drg) await make("drg-attachment", ["--drg-id", drg, "--vcn-id", vcn], undefined, found.drgCompartment);
  const toServices = { destination: found.services.cidrBlock, destinationType: "SERVICE_CIDR_BLOCK" };
  const toDatabase = { destination: databaseCidr, destinationType: "CIDR_BLOCK" };
  const routes = await make("route-table", inVcn, {
    field: "route-rules",
    option: "--rt-id",
    wanted: [{ ...toServices, networkEntityId: gateway }, ...(drg ? [{ ...toDatabase, networkEntityId: drg }] : [])],
  });
  const securityList = await make("security-list", [...inVcn, "--ingress-security-rules", "[]"], {
    field: "egress-security-rules",
    option: "--security-list-id",
    wanted: [
      { ...toServices, ...tcp(443) },
      { ...toDatabase, ...tcp(databasePort) },
    ],
  });
  const subnet = await make("subnet", [
    ...[...inVcn, "--cidr-block", subnetCidr, "--prohibit-public-ip-on-vnic", "true"],
    ...["--route-table-id", routes, "--security-list-ids", JSON.stringify([securityList])],
  ]);
  say(`SUBNET_OCIDS=${subnet}`);
  if (drg)
    say(
      `On the database's side, its owner adds: a route to ${subnetCidr} by the DRG, ingress from it on ${databasePort}, and the attachment of that VCN to the DRG. The doctor checks them.`,
    );
}

/** An attachment is in its gateway's compartment. */
async function compartmentOf(drg: string): Promise<string> {
  return (await get(["network", "drg", "get", "--drg-id", drg], z.object({ compartmentId: z.string() }))).compartmentId;
}

function tcp(port: number): Rule {
  return { protocol: "6", tcpOptions: { destinationPortRange: { min: port, max: port } } };
}
