import * as z from "zod";
import type { Change } from "./change.ts";
import { overlaps } from "./cidr.ts";
import { get } from "./cli.ts";
import { Refusal, say } from "./report.ts";
import { inUse, list } from "./resources.ts";

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

/** Of a resource that holds rules, which are compared as they are. */
const resource = z.looseObject({ id: z.string(), displayName: z.string(), lifecycleState: z.string() });
type Resource = z.infer<typeof resource>;

const service = z.object({ id: z.string(), name: z.string(), cidrBlock: z.string() });

type Rule = Record<string, unknown>;

/** Makes the network, or adds to it what it lacks and leaves what else it has. Returns the subnet's OCID. @throws {Refusal} */
export async function applyNetwork(network: Network, change: Change): Promise<string> {
  const { name, compartment, vcnCidr, subnetCidr, databaseCidr, databasePort, drg } = network;
  if (drg && overlaps(databaseCidr, vcnCidr))
    throw new Refusal(
      `VCN_CIDR ${vcnCidr} overlaps DB_CIDR ${databaseCidr}: the DRG could not tell them apart. Choose another VCN_CIDR and SUBNET_CIDR.`,
    );
  const all = (await get(["network", "service", "list", "--all"], list(service))).find((each) =>
    /^All .* Services/i.test(each.name),
  );
  if (!all) throw new Refusal("OCI names no service that stands for all of the region's: check OCI_CLI_REGION");

  /** The one of that name, made where it is missing; rules that one already there lacks are added. */
  async function make(
    kind: string,
    args: readonly string[],
    rules?: { field: string; option: string; wanted: Rule[] },
  ): Promise<string> {
    const options = rules ? [`--${rules.field}`, JSON.stringify(rules.wanted)] : [];
    const at = kind === "drg-attachment" ? await compartmentOf(String(drg)) : compartment;
    const present = await get(["network", kind, "list", "--compartment-id", at, "--all"], list(resource));
    const found = inUse(present.filter(({ displayName }) => displayName === name));
    if (!found)
      return change(`create the ${kind} ${name}`, [
        "network",
        kind,
        "create",
        "--display-name",
        name,
        ...args,
        ...options,
      ]);
    say(`✔ the ${kind} ${name} is there`);
    const has = rules && rulesOf(found, rules.field);
    const lacks = rules?.wanted.filter((rule) => !has?.some((present) => isWithin(rule, present))) ?? [];
    if (rules && lacks.length > 0) {
      const whole = [`--${rules.field}`, JSON.stringify([...(has ?? []), ...lacks])];
      await change(`add what the ${kind} lacks`, [
        "network",
        kind,
        "update",
        rules.option,
        found.id,
        ...whole,
        "--force",
      ]);
    }
    return found.id;
  }

  const here = ["--compartment-id", compartment];
  const vcn = await make("vcn", [...here, "--cidr-blocks", JSON.stringify([vcnCidr])]);
  const inVcn = [...here, "--vcn-id", vcn];
  const gateway = await make("service-gateway", inVcn, {
    field: "services",
    option: "--service-gateway-id",
    wanted: [{ serviceId: all.id }],
  });
  if (drg) await make("drg-attachment", ["--drg-id", drg, "--vcn-id", vcn]);
  const toServices = { destination: all.cidrBlock, destinationType: "SERVICE_CIDR_BLOCK" };
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
  return subnet;
}

/** An attachment is in its gateway's compartment. */
async function compartmentOf(drg: string): Promise<string> {
  return (await get(["network", "drg", "get", "--drg-id", drg], z.object({ compartmentId: z.string() }))).compartmentId;
}

function tcp(port: number): Rule {
  return { protocol: "6", tcpOptions: { destinationPortRange: { min: port, max: port } } };
}

/** The rules of a resource, without the fields that the CLI shows as null. */
function rulesOf(found: Resource, field: string): Rule[] {
  const rules = found[field.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())];
  return JSON.parse(JSON.stringify(rules ?? []), (_, value) => value ?? undefined);
}

/** Whether each field of a rule stands so in another. */
function isWithin(rule: unknown, other: unknown): boolean {
  if (typeof rule !== "object" || rule === null) return rule === other;
  return Object.entries(rule).every(([key, value]) => isWithin(value, Object(other)[key]));
}
