import { contains } from "../cidr.ts";
import type { Answer } from "../oci/cli.ts";
import { dataOf } from "./finding.ts";
import type { RouteTable, SecurityList, Subnet, Vcn } from "./network.ts";
import * as network from "./network.ts";
import type { Ask } from "./sources.ts";

/** The subnet that the database's address is in. */
export interface DatabaseSubnet {
  subnet: Subnet;
  routes: Answer<RouteTable>;
  lists: Answer<SecurityList>[];
}

/**
 * Looks for it among the VCNs, the function's own first.
 *
 * @param subnetId where OCI itself says it
 * @param listed the subnets that are known already
 */
export async function gatherDatabaseSubnet(
  ask: Ask,
  address: string,
  subnetId: string | undefined,
  ownVcn: string,
  vcns: Answer<Vcn[]>,
  listed: readonly Subnet[],
): Promise<DatabaseSubnet | undefined> {
  const holds = ({ cidrBlock }: Subnet) => contains(cidrBlock, address);
  const elsewhere = (dataOf(vcns) ?? []).filter(
    (vcn) =>
      vcn.blocks.some((block) => contains(block, address)) && !listed.some((one) => one.vcnId === vcn.id && holds(one)),
  );
  const more = await Promise.all(
    elsewhere.map(({ id, compartmentId }) =>
      ask(
        ["network", "subnet", "list", "--compartment-id", compartmentId, "--vcn-id", id, "--all"],
        network.someOf(network.subnet),
      ),
    ),
  );
  const all = [...listed, ...more.flatMap((list) => dataOf(list) ?? [])];
  const named =
    subnetId &&
    (all.find(({ id }) => id === subnetId) ??
      dataOf(await ask(["network", "subnet", "get", "--subnet-id", subnetId], network.subnet)));
  const subnet = named || all.find((one) => one.vcnId === ownVcn && holds(one)) || all.find(holds);
  if (!subnet) return undefined;
  const [routes, ...lists] = await Promise.all([
    ask(["network", "route-table", "get", "--rt-id", subnet.routeTableId], network.routeTable),
    ...subnet.securityListIds.map((id) =>
      ask(["network", "security-list", "get", "--security-list-id", id], network.securityList),
    ),
  ]);
  return { subnet, routes, lists };
}
