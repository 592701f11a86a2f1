import { readEnvironment } from "../oci/credentials.ts";
import { faultOfOcid, splitOcids } from "../oci/ocid.ts";

/** What they are read for. Subnets, and what func.yaml expects of the environment, are needed to provision alone. */
export type Purpose = "provision" | "update" | "doctor" | "invoke";

/** The variables of the environment, read one by one. What is wrong with one is kept, so that all can be told at once. */
export interface Variables {
  optional(name: string): string | undefined;
  /** @param what it must be, for who reads that it is missing */
  required(name: string, what: string): string;
  /** One of these kinds, or an empty text where it is wrong or missing. Without `what` it may be missing. */
  ocid(name: string, kinds: readonly string[], what?: string): string;
  ocids(name: string, kind: string): string[];
}

/** @param faults takes what is wrong */
export function readVariables(faults: string[]): Variables {
  const env = readEnvironment(process.env);
  function required(name: string, what: string): string {
    if (!env[name]) faults.push(`${name} is missing: ${what}`);
    return env[name] ?? "";
  }
  function ocids(name: string, ...kinds: readonly string[]): string[] {
    const found = [...new Set(splitOcids(env[name] ?? ""))];
    for (const ocid of found) {
      const fault = faultOfOcid(ocid, ...kinds);
      if (fault) faults.push(`${name} ${fault}`);
    }
    return found;
  }
  return {
    optional: (name) => env[name],
    required,
    ocid(name, kinds, what) {
      if (what) required(name, what);
      const [ocid = "", ...others] = ocids(name, ...kinds);
      if (others.length > 0) faults.push(`${name} holds several OCIDs, and must be one`);
      return ocid;
    },
    ocids: (name, kind) => ocids(name, kind),
  };
}
