/** What the doctor looks at of a network's parts. */
import * as z from "zod";
import { isBlock } from "../cidr.ts";
import { list } from "../resources.ts";
import { routeRule } from "./route.ts";
import { securityRule } from "./security-rule.ts";

const text = z.string();

/** Absent too when it is otherwise than expected: the lines that need it say that it cannot be told. */
function maybe<T extends z.ZodType>(schema: T) {
  return schema.nullish().catch(undefined);
}

/** A list, without what in it is otherwise than expected. */
export function someOf<T>(element: z.ZodType<T>): z.ZodType<T[]> {
  return list(z.unknown()).transform((values) => values.flatMap((value) => z.safeParse(element, value).data ?? []));
}

const block = text.refine(isBlock);

export const subnet = z.object({
  id: text,
  compartmentId: text,
  vcnId: text,
  displayName: maybe(text),
  cidrBlock: block,
  routeTableId: text,
  securityListIds: z.array(text),
  dhcpOptionsId: maybe(text),
  /** It is a private one. */
  prohibitPublicIpOnVnic: maybe(z.boolean()),
  /** Such as functions.spoke.oraclevcn.com. */
  subnetDomainName: maybe(text),
});
export type Subnet = z.infer<typeof subnet>;

export function nameOf({ displayName, id }: { displayName?: string | null | undefined; id: string }): string {
  return displayName || id;
}

export const vcn = z
  .object({
    id: text,
    compartmentId: text,
    displayName: maybe(text),
    /** The first of them. */
    cidrBlock: block,
    cidrBlocks: z.array(block).nullish(),
  })
  .transform(({ cidrBlock, cidrBlocks, ...rest }) => ({ ...rest, blocks: cidrBlocks ?? [cidrBlock] }));
export type Vcn = z.infer<typeof vcn>;

export const routeTable = z.object({ routeRules: z.array(routeRule) });
export type RouteTable = z.infer<typeof routeTable>;

export const drgRouteRules = list(routeRule);

export const securityList = z.object({
  egressSecurityRules: z.array(securityRule),
  ingressSecurityRules: z.array(securityRule),
});
export type SecurityList = z.infer<typeof securityList>;

export const groupRules = list(securityRule);

export const service = z.object({ id: text, name: text, cidrBlock: text });
export type Service = z.infer<typeof service>;

export const serviceGateway = z.object({
  id: text,
  blockTraffic: z.boolean(),
  services: z.array(z.object({ serviceName: text })),
});
export type ServiceGateway = z.infer<typeof serviceGateway>;

export const internetGateway = z.object({ id: text, isEnabled: z.boolean() });
export type InternetGateway = z.infer<typeof internetGateway>;

export const dhcpOptions = z.object({
  options: z.array(z.object({ type: maybe(text), serverType: maybe(text), customDnsServers: maybe(z.array(text)) })),
});
export type DhcpOptions = z.infer<typeof dhcpOptions>;

export const drg = z.object({ id: text, compartmentId: text });

export const attachment = z
  .object({
    id: text,
    lifecycleState: text,
    drgRouteTableId: maybe(text),
    vcnId: maybe(text),
    networkDetails: maybe(z.object({ id: text })),
  })
  .transform(({ vcnId, networkDetails, ...rest }) => ({ ...rest, networkId: networkDetails?.id ?? vcnId ?? "" }));
export type Attachment = z.infer<typeof attachment>;

export const peering = z
  .object({
    id: text,
    peeringStatus: text,
    peerAdvertisedCidr: maybe(text),
    peerAdvertisedCidrDetails: maybe(z.array(text)),
  })
  .transform(({ peerAdvertisedCidr: one, peerAdvertisedCidrDetails: several, ...rest }) => ({
    ...rest,
    theirs: [...new Set([...(several ?? []), ...(one ? [one] : [])])],
  }));
export type Peering = z.infer<typeof peering>;

export const privateIp = z.object({ ipAddress: text, hostnameLabel: text });

/** OCI's managed PostgreSQL. */
export const databaseSystem = z.object({ id: text });
export const databaseNetwork = z
  .object({ networkDetails: z.object({ subnetId: text, nsgIds: maybe(z.array(text)) }) })
  .transform(({ networkDetails: { subnetId, nsgIds } }) => ({ subnetId, groups: nsgIds ?? [] }));
const endpoint = z.object({ fqdn: text, ipAddress: text });
export const databaseEndpoints = z
  .object({
    primaryDbEndpoint: maybe(endpoint),
    readerEndpoint: maybe(endpoint),
    instanceEndpoints: maybe(z.array(z.object({ endpoint: maybe(endpoint) }))),
  })
  .transform(({ primaryDbEndpoint, readerEndpoint, instanceEndpoints }) =>
    [primaryDbEndpoint, readerEndpoint, ...(instanceEndpoints ?? []).map((one) => one.endpoint)].filter(
      (one) => one != null,
    ),
  );
