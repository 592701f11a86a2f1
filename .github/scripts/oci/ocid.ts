/** How people call what an OCID's second part says. */
const KINDS: Readonly<Record<string, string>> = {
  compartment: "a compartment",
  tenancy: "the tenancy",
  subnet: "a subnet",
  networksecuritygroup: "a network security group",
  vaultsecret: "a Vault secret",
  vault: "a vault",
  vcn: "a VCN",
  user: "a user",
  fnfunc: "a function",
  fnapp: "an application",
  drg: "a dynamic routing gateway",
  key: "a key",
  stream: "a stream",
  queue: "a queue",
  apmdomain: "an APM domain",
};

const OCID = /^ocid1\.([a-z0-9]+)\.([a-z0-9]+)\.[a-z0-9-]*\.\S+$/;

/** The OCIDs in a value as people paste them: separated by commas, blanks or lines, in quotes or as a JSON list. */
export function splitOcids(value: string): string[] {
  return value.split(/[\s,;"'[\]]+/).filter(Boolean);
}

/** Such as oc1 of ocid1.compartment.oc1..aaaa. */
export function realmOf(ocid: string): string | undefined {
  return OCID.exec(ocid)?.[2];
}

/** What is wrong with an OCID that should be of one of these kinds, as the rest of a sentence that begins with its name. */
export function faultOfOcid(ocid: string, ...kinds: readonly string[]): string | undefined {
  const kind = OCID.exec(ocid)?.[1];
  if (kind !== undefined && kinds.includes(kind)) return undefined;
  const wanted = `must be the OCID of ${kinds.map(nameOf).join(" or ")} (ocid1.${kinds[0]}.…)`;
  if (kind === undefined) return `is "${ocid}", and ${wanted}`;
  const mend = kind === "tenancy" && kinds.includes("compartment") ? ": oci iam compartment list shows them" : "";
  return `is the OCID of ${nameOf(kind)} (ocid1.${kind}.…), and ${wanted}${mend}`;
}

function nameOf(kind: string): string {
  return KINDS[kind] ?? `a ${kind}`;
}
