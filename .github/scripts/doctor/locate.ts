import { isIPv4 } from "node:net";
import { list } from "../resources.ts";
import { dataOf } from "./finding.ts";
import * as network from "./network.ts";
import type { Ask } from "./sources.ts";

/** Where a host is; nothing of what is not known. */
export interface Located {
  address?: string | undefined;
  subnetId?: string;
  groupIds?: string[];
}

/** So many database systems are looked at, since each costs a start of the CLI. */
const AT_MOST = 10;

/** What OCI itself knows of a host: the names in its VCNs, and those of its managed PostgreSQL. */
export async function locate(
  ask: Ask,
  host: string,
  subnets: readonly network.Subnet[],
  compartments: readonly string[],
): Promise<Located> {
  if (isIPv4(host)) return { address: host };
  const name = host.toLowerCase().replace(/\.$/, "");
  if (/\.postgresql\.[a-z0-9-]+\.oci\./.test(name)) return locateManaged(ask, name, compartments);
  const subnet = subnets.find(
    ({ subnetDomainName }) => subnetDomainName && name.endsWith(`.${subnetDomainName.toLowerCase()}`),
  );
  if (!subnet?.subnetDomainName) return {};
  const label = name.slice(0, -subnet.subnetDomainName.length - 1);
  const ips = await ask(
    ["network", "private-ip", "list", "--subnet-id", subnet.id, "--all"],
    network.someOf(network.privateIp),
  );
  const found = dataOf(ips)?.find(({ hostnameLabel }) => hostnameLabel.toLowerCase() === label);
  return { address: found?.ipAddress, subnetId: subnet.id };
}

/** https://docs.oracle.com/en-us/iaas/Content/postgresql/node-get-details.htm */
async function locateManaged(ask: Ask, name: string, compartments: readonly string[]): Promise<Located> {
  const lists = await Promise.all(
    compartments.map((id) =>
      ask(
        ["psql", "db-system-collection", "list-db-systems", "--compartment-id", id, "--all"],
        list(network.databaseSystem),
      ),
    ),
  );
  const systems = lists.flatMap((list) => dataOf(list) ?? []).slice(0, AT_MOST);
  const found = await Promise.all(
    systems.map(async ({ id }) => {
      const endpoints = await ask(
        ["psql", "connection-details", "get", "--db-system-id", id],
        network.databaseEndpoints,
      );
      return { id, address: dataOf(endpoints)?.find(({ fqdn }) => fqdn.toLowerCase() === name)?.ipAddress };
    }),
  );
  const system = found.find(({ address }) => address && isIPv4(address));
  if (!system) return {};
  const details = dataOf(await ask(["psql", "db-system", "get", "--db-system-id", system.id], network.databaseNetwork));
  return { address: system.address, ...(details && { subnetId: details.subnetId, groupIds: details.groups }) };
}
