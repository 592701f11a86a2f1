/** A kind of resource: where the API has it, and the models of the official SDK that its requests must follow. */
export interface Kind {
  path: string;
  kind: string;
  /** Of the SDK; without one, the kind cannot be written here. */
  service?: "functions" | "artifacts" | "identity" | "core" | "apigateway" | "sch";
  model?: string;
  /** Its state once it is there, when that is not ACTIVE. */
  settled?: string;
  /** A list of it is an object that holds `items`. */
  collection?: true;
}

const core = (path: string, kind: string, model: string): Kind => ({
  path,
  kind,
  service: "core",
  model,
  settled: "AVAILABLE",
});

const KINDS: readonly Kind[] = [
  { path: "applications", kind: "fnapp", service: "functions", model: "Application" },
  { path: "functions", kind: "fnfunc", service: "functions", model: "Function" },
  {
    path: "container/repositories",
    kind: "containerrepo",
    service: "artifacts",
    model: "ContainerRepository",
    settled: "AVAILABLE",
    collection: true,
  },
  { path: "gateways", kind: "apigateway", service: "apigateway", model: "Gateway", collection: true },
  { path: "deployments", kind: "apideployment", service: "apigateway", model: "Deployment", collection: true },
  {
    path: "serviceConnectors",
    kind: "serviceconnector",
    service: "sch",
    model: "ServiceConnector",
    collection: true,
  },
  { path: "policies", kind: "policy", service: "identity", model: "Policy" },
  { path: "dynamicGroups", kind: "dynamicgroup", service: "identity", model: "DynamicGroup" },
  { path: "compartments", kind: "compartment" },
  { path: "dbSystems", kind: "postgresqldbsystem", collection: true },
  { path: "privateIps", kind: "privateip" },
  { path: "services", kind: "service" },
  { path: "networkSecurityGroups", kind: "networksecuritygroup" },
  { path: "dhcps", kind: "dhcpoptions" },
  { path: "drgs", kind: "drg" },
  { path: "drgRouteTables", kind: "drgroutetable" },
  { path: "localPeeringGateways", kind: "localpeeringgateway" },
  { path: "streams", kind: "stream" },
  { path: "queues", kind: "queue" },
  { path: "apmDomains", kind: "apmdomain" },
  { path: "secrets", kind: "vaultsecret" },
  core("vcns", "vcn", "Vcn"),
  core("subnets", "subnet", "Subnet"),
  core("serviceGateways", "servicegateway", "ServiceGateway"),
  core("routeTables", "routetable", "RouteTable"),
  core("securityLists", "securitylist", "SecurityList"),
  { ...core("drgAttachments", "drgattachment", "DrgAttachment"), settled: "ATTACHED" },
];

/** Of the services that make changes by work requests, the one version of the API that each has. */
export const VERSIONS: Readonly<Partial<Record<string, string>>> = {
  functions: "20260325",
  apigateway: "20190501",
  sch: "20200909",
};

/** The kind that a path is about, and what follows in the path. */
export function kindOf(path: string): { kind: Kind; id?: string | undefined; part?: string | undefined } | undefined {
  const kind = KINDS.find((known) => path === `/${known.path}` || path.startsWith(`/${known.path}/`));
  if (!kind) return undefined;
  const [id, part] = path.slice(kind.path.length + 2).split("/");
  return { kind, id: id || undefined, part };
}
