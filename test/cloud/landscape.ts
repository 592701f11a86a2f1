import { type Cloud, TENANCY } from "./cloud.ts";
import type { Resource } from "./store.ts";

const ALL_SERVICES = "all-fra-services-in-oracle-services-network";

/** Everything but the application: a network in order, from the function's subnet to a database behind a DRG. */
export interface Landscape {
  vcn: Resource;
  subnet: Resource;
  routes: Resource;
  securityList: Resource;
  nsg: Resource;
  dhcp: Resource;
  serviceGateway: Resource;
  hubSubnet: Resource;
  hubRoutes: Resource;
  hubSecurityList: Resource;
  drgRoutes: Resource;
  attachment: Resource;
  hubAttachment: Resource;
  dynamicGroup: Resource;
  runtimePolicy: Resource;
  secret: Resource;
  stream: Resource;
  queue: Resource;
  /** The APM domain. */
  apmDomain: Resource;
}

/**
 * What the secret says of the database's place, which this network leads to. So says the cloud's own door, which people and
 * the doctor ask; the function asks the platform's Vault (OCI_SECRETS_ENDPOINT), whose secret leads to the PostgreSQL here.
 */
export const DATABASE = { host: "10.0.0.146", port: 6432 };

export function settle(cloud: Cloud): Landscape {
  const { store, compartmentId, platform } = cloud;
  const make = (kind: string, fields: object) =>
    store.add(kind, { compartmentId, lifecycleState: "AVAILABLE", displayName: kind, ...fields });
  const service = make("service", { cidrBlock: ALL_SERVICES, name: "All FRA Services In Oracle Services Network" });
  make("service", { cidrBlock: "oci-fra-objectstorage", name: "OCI FRA Object Storage" });
  const allServices = { serviceId: service.id, serviceName: service.name };

  const vcn = make("vcn", { displayName: "spoke", cidrBlock: "10.1.0.0/16", cidrBlocks: ["10.1.0.0/16"] });
  const hub = make("vcn", { displayName: "hub", cidrBlock: "10.0.0.0/16", cidrBlocks: ["10.0.0.0/16"] });
  const drg = make("drg", { displayName: "drg" });
  const serviceGateway = make("servicegateway", { vcnId: vcn.id, services: [allServices], blockTraffic: false });
  const route = (destination: string, networkEntityId: string, destinationType = "CIDR_BLOCK") => {
    return { destination, destinationType, networkEntityId };
  };
  const routes = make("routetable", {
    vcnId: vcn.id,
    routeRules: [route(ALL_SERVICES, serviceGateway.id, "SERVICE_CIDR_BLOCK"), route("10.0.0.0/16", drg.id)],
  });
  const allow = (port: number) => ({ protocol: "6", tcpOptions: { destinationPortRange: { min: port, max: port } } });
  const securityList = make("securitylist", {
    vcnId: vcn.id,
    egressSecurityRules: [
      { destination: ALL_SERVICES, destinationType: "SERVICE_CIDR_BLOCK", ...allow(443) },
      { destination: "10.0.0.0/24", destinationType: "CIDR_BLOCK", ...allow(6432) },
    ],
    // Where an API gateway is put into the function's subnet.
    ingressSecurityRules: [{ source: "10.0.0.0/8", sourceType: "CIDR_BLOCK", ...allow(443) }],
  });
  const nsg = make("networksecuritygroup", {
    vcnId: vcn.id,
    securityRules: [{ direction: "EGRESS", destination: "0.0.0.0/0", destinationType: "CIDR_BLOCK", protocol: "all" }],
  });
  const dhcp = make("dhcpoptions", {
    vcnId: vcn.id,
    options: [{ type: "DomainNameServer", serverType: "VcnLocalPlusInternet" }],
  });
  const subnet = make("subnet", {
    vcnId: vcn.id,
    displayName: "functions",
    cidrBlock: "10.1.1.0/24",
    routeTableId: routes.id,
    securityListIds: [securityList.id],
    dhcpOptionsId: dhcp.id,
    prohibitPublicIpOnVnic: true,
  });

  const hubRoutes = make("routetable", { vcnId: hub.id, routeRules: [route("10.1.0.0/16", drg.id)] });
  const hubSecurityList = make("securitylist", {
    vcnId: hub.id,
    egressSecurityRules: [],
    ingressSecurityRules: [{ source: "10.1.1.0/24", sourceType: "CIDR_BLOCK", ...allow(6432) }],
  });
  const hubSubnet = make("subnet", {
    vcnId: hub.id,
    displayName: "database",
    cidrBlock: "10.0.0.0/24",
    routeTableId: hubRoutes.id,
    securityListIds: [hubSecurityList.id],
  });
  const drgRoutes = make("drgroutetable", {
    drgId: drg.id,
    drgRouteRules: [
      { destination: "10.0.0.0/16", destinationType: "CIDR_BLOCK", routeType: "DYNAMIC" },
      { destination: "10.1.0.0/16", destinationType: "CIDR_BLOCK", routeType: "DYNAMIC" },
    ],
  });
  const attach = (to: Resource) =>
    make("drgattachment", {
      drgId: drg.id,
      vcnId: to.id,
      drgRouteTableId: drgRoutes.id,
      networkDetails: { type: "VCN", id: to.id },
      lifecycleState: "ATTACHED",
    });
  const attachment = attach(vcn);
  const hubAttachment = attach(hub);

  store.add("compartment", { id: compartmentId, compartmentId: TENANCY, name: "functions" });
  const secret = store.add("vaultsecret", {
    id: platform.vault.secretId,
    compartmentId,
    secretName: "database",
    vaultId: "ocid1.vault.oc1..local",
  });
  const dynamicGroup = store.add("dynamicgroup", {
    compartmentId: TENANCY,
    name: "postgres-inserter-functions",
    matchingRule: `ALL {resource.type = 'fnfunc', resource.compartment.id = '${compartmentId}'}`,
  });
  const runtimePolicy = store.add("policy", {
    compartmentId,
    name: "postgres-inserter-runtime",
    statements: [
      `Allow dynamic-group postgres-inserter-functions to read secret-bundles in compartment id ${compartmentId} where target.secret.id = '${secret.id}'`,
    ],
  });
  const stream = store.add("stream", { compartmentId, name: "items" });
  const queue = store.add("queue", { compartmentId, displayName: "items" });
  const apmDomain = store.add("apmdomain", { compartmentId, displayName: "traces" });
  cloud.secret = { ...platform.postgres.credentials, ...DATABASE };
  return {
    vcn,
    subnet,
    routes,
    securityList,
    nsg,
    dhcp,
    serviceGateway,
    hubSubnet,
    hubRoutes,
    hubSecurityList,
    drgRoutes,
    attachment,
    hubAttachment,
    dynamicGroup,
    runtimePolicy,
    secret,
    stream,
    queue,
    apmDomain,
  };
}

/** What a person sets beside the credentials. */
export function variablesOf(cloud: Cloud, landscape: Landscape): Record<string, string> {
  return {
    COMPARTMENT_OCID: cloud.compartmentId,
    SUBNET_OCIDS: landscape.subnet.id,
    DB_SECRET_OCID: cloud.platform.vault.secretId,
    OCI_SECRETS_ENDPOINT: cloud.platform.vault.endpoint,
  };
}
