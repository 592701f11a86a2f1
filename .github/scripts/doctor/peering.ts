import { firstAddress, overlaps } from "../cidr.ts";
import { dataOf, type Finding, look, missing, ok, unknown } from "./finding.ts";
import { CHANGE_BLOCK } from "./mend.ts";
import { type Attachment, nameOf, type Peering, type Subnet, type Vcn } from "./network.ts";
import { kindOf, type RouteRule, routeTo } from "./route.ts";
import type { Way } from "./way.ts";

/** What a subnet's route to the database leads through. */
export function judgeHop(rule: RouteRule, subnet: Subnet, address: string, vcn: Vcn | undefined, way: Way): Finding[] {
  switch (kindOf(rule.next)) {
    case "localpeeringgateway":
      return look("Peering", way.peerings.get(rule.next), (peering) => [judgePeering(peering, vcn)]);
    case "drg":
      return look("Attachments of the DRG", way.drgs.find(({ id }) => id === rule.next)?.attachments, (attachments) =>
        judgeDrg(rule.next, attachments, subnet, address, way),
      );
    default:
      return [
        unknown(
          "Route to the database",
          `it leads by ${rule.next || "something unknown"}, and what is beyond that cannot be seen`,
        ),
      ];
  }
}

function judgePeering({ id, peeringStatus, theirs }: Peering, vcn: Vcn | undefined): Finding {
  if (!["PEERED", "NEW", "INVALID", "REVOKED"].includes(peeringStatus))
    return unknown("Peering", `it is ${peeringStatus}`);
  if (peeringStatus !== "PEERED")
    return missing(
      `The peering gateway is ${peeringStatus}`,
      `oci network local-peering-gateway connect --local-peering-gateway-id ${id} --peer-id <the database VCN's gateway>`,
    );
  if (!vcn) return unknown("Peering", "the VCNs are peered; whether they overlap cannot be told from here");
  if (theirs.some((block) => vcn.blocks.some((own) => overlaps(own, block))))
    return missing(`The peered VCNs overlap: ${vcn.blocks.join(", ")} and ${theirs.join(", ")}`, CHANGE_BLOCK);
  return ok("The VCNs are peered, and do not overlap");
}

function judgeDrg(drg: string, attachments: Attachment[], subnet: Subnet, address: string, way: Way): Finding[] {
  const home = way.home?.subnet;
  const joined = (dataOf(way.vcns) ?? []).filter(({ id }) => attachments.some(({ networkId }) => networkId === id));
  const clashes = joined.flatMap((one, index) =>
    joined
      .slice(index + 1)
      .flatMap((other) =>
        one.blocks.flatMap((a) =>
          other.blocks.flatMap((b) => (overlaps(a, b) ? [`${nameOf(one)} (${a}) and ${nameOf(other)} (${b})`] : [])),
        ),
      ),
  );
  const attached = (vcnId: string, whose: string, to: string, block: string, wider = block) =>
    judgeAttachment(
      attachments.find(({ networkId }) => networkId === vcnId),
      { drg, vcnId, whose, to, block, wider },
      way,
    );
  return [
    clashes.length === 0
      ? ok("No VCNs that the DRG joins overlap")
      : missing(`VCNs that the DRG joins overlap: ${clashes.join("; ")}: packets go astray`, CHANGE_BLOCK),
    ...attached(subnet.vcnId, "The function's VCN", address, `${address}/32`, home?.cidrBlock),
    ...(home ? attached(home.vcnId, "The database's VCN", firstAddress(subnet.cidrBlock), subnet.cidrBlock) : []),
  ];
}

/** From a VCN over the DRG to a place. */
interface Leg {
  drg: string;
  vcnId: string;
  whose: string;
  /** For the line. */
  to: string;
  block: string;
  /** For the route that mends. */
  wider: string;
}

/** Whether a VCN is attached to a DRG, whose route table for it leads on to an address. */
function judgeAttachment(
  attachment: Attachment | undefined,
  { drg, vcnId, whose, to, block, wider }: Leg,
  way: Way,
): Finding[] {
  const state = attachment?.lifecycleState ?? "DETACHED";
  if (!["ATTACHED", "DETACHING", "DETACHED"].includes(state))
    return [unknown("Attachments of the DRG", `${whose} is ${state}`)];
  if (state !== "ATTACHED")
    return [
      missing(
        `${whose} is not attached to the DRG`,
        `oci network drg-attachment create --drg-id ${drg} --vcn-id ${vcnId}`,
      ),
    ];
  const table = attachment?.drgRouteTableId;
  return [
    ok(`${whose} is attached to the DRG`),
    ...look("Routes of the DRG", way.drgRoutes.get(table ?? ""), (rules) => {
      const rule = routeTo(rules, block);
      if (rule === "unknown")
        return [unknown("Routes of the DRG", `whether they lead from ${whose} to ${to} cannot be told from here`)];
      if (rule !== "none") return [ok(`${whose}: the DRG knows the way to ${to}`)];
      return [
        missing(
          `${whose}: the DRG's route table has no route to ${to}`,
          `oci network drg-route-rule add --drg-route-table-id ${table} --route-rules '[{"destination": "${wider}", "destinationType": "CIDR_BLOCK", "nextHopDrgAttachmentId": "<attachment of the other VCN>"}]'`,
        ),
      ];
    }),
  ];
}
