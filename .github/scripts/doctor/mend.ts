/** Commands that mend, as they are shown. OCI sets lists of rules whole, so those of now go in again. */

type Type = "CIDR_BLOCK" | "SERVICE_CIDR_BLOCK";

export function addRoute(table: string, destination: string, destinationType: Type, networkEntityId: string): string {
  const rule = show({ destination, destinationType, networkEntityId });
  return `oci network route-table update --rt-id ${table} --force --route-rules '<the present rules and> ${rule}'`;
}

export function addEgress(list: string | undefined, destination: string, destinationType: Type, port: number): string {
  const rule = show({ destination, destinationType, ...tcp(port) });
  return `${updateList(list)} --egress-security-rules '<the present rules and> ${rule}'`;
}

export function addIngress(list: string | undefined, source: string, port: number): string {
  return `${updateList(list)} --ingress-security-rules '<the present rules and> ${show({ source, ...tcp(port) })}'`;
}

export function addGroupEgress(group: string, destination: string, destinationType: Type, port: number): string {
  const rule = show({ direction: "EGRESS", destination, destinationType, ...tcp(port) });
  return `oci network nsg rules add --nsg-id ${group} --security-rules '[${rule}]'`;
}

export const CHANGE_BLOCK =
  "give one of them another CIDR block: oci network vcn add-vcn-cidr --vcn-id <it> --cidr-block <new>, then remove-vcn-cidr";

function updateList(list = "<a security list of the subnet>"): string {
  return `oci network security-list update --security-list-id ${list} --force`;
}

function tcp(port: number) {
  return { protocol: "6", tcpOptions: { destinationPortRange: { min: port, max: port } } };
}

/** JSON with blanks, so that a terminal breaks its line. */
function show(rule: object): string {
  return JSON.stringify(rule, null, 1)
    .replaceAll(/\n\s*/g, " ")
    .replaceAll(/([{]) | ([}])/g, "$1$2");
}
