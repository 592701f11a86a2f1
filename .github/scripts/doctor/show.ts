import { readEnvironment } from "../oci/credentials.ts";
import { reportLines } from "../report.ts";
import type { Settings } from "../settings.ts";
import type { Smoke } from "../smoke.ts";
import { judgeApiGateway } from "./api-gateway.ts";
import { judgeConnectors } from "./connector.ts";
import { judgeWay } from "./database.ts";
import { type Facts, gather } from "./facts.ts";
import { believe, dataOf, type Finding, print, unknown } from "./finding.ts";
import { judgeConfiguration, judgeFunction, judgeHealth } from "./function.ts";
import { judgeGatewaySubnet } from "./gateway-subnet.ts";
import { judgeRights } from "./rights.ts";
import { judgeSecret } from "./secret.ts";
import { openSources } from "./sources.ts";
import { judgeNetwork } from "./subnet.ts";
import { judgeUnneeded } from "./unneeded.ts";

/**
 * Looks at a deployed function and all that it depends on, and shows it; changes nothing.
 *
 * @param smoke the outcome of an invoke that was just made; without it one is made
 * @returns whether nothing is wrong
 */
export async function showDiagnosis(settings: Settings, smoke?: Smoke): Promise<boolean> {
  const facts = await gather(settings, smoke, openSources());
  const findings = judge(facts, settings, readEnvironment(process.env).CI_GROUP);
  reportLines(print(findings));
  return !findings.some(({ mark }) => mark === "✖");
}

/** What facts say. It looks at nothing itself. */
export function judge(facts: Facts, settings: Settings, ciGroup = "CI-CD-Deployers"): Finding[] {
  const fn = dataOf(facts.function.fn);
  const state = dataOf(facts.secret?.state);
  const request = {
    member: {
      id: fn?.id ?? "",
      compartmentId: fn?.compartmentId ?? settings.compartment,
      tags: fn ? (fn.definedTags ?? undefined) : {},
    },
    secret: { id: facts.secret?.id, name: state?.secretName ?? undefined, compartment: state?.compartmentId },
    ciGroup,
  };
  const findings = [
    ...safely("Function and image", () => judgeFunction(facts.function, settings)),
    ...safely("Network", () => judgeNetwork(facts.network)),
    ...safely("Rights", () => judgeRights(facts.rights, request)),
    ...safely("Secret", () => judgeSecret(facts.secret, settings.secret)),
    ...safely("Configuration", () => judgeConfiguration(facts.function, settings)),
    ...safely("The way to the database", () => judgeWay(facts.way, facts.secret?.content, facts.network)),
    ...safely("API gateway", () => judgeApiGateway(facts.gateway, settings, fn?.id)),
    ...safely("The API gateway's subnet", () =>
      judgeGatewaySubnet(facts.gateway?.network, settings.gateway, facts.network),
    ),
    ...safely("Connectors", () => judgeConnectors(facts.connectors, settings, fn)),
    ...safely("What no variable asks for", () => judgeUnneeded(facts.unneeded, fn)),
    ...safely("Health", () => judgeHealth(facts.function)),
  ];
  // What several subnets share is said once.
  const once = findings.filter(({ what }, index) => findings.findIndex((one) => one.what === what) === index);
  return believe(once, facts.function.smoke?.code === "ok");
}

/** A defect in one check leaves the others. */
function safely(what: string, judge: () => Finding[]): Finding[] {
  try {
    return judge();
  } catch (error) {
    return [unknown(what, `a defect of the doctor: ${(error as Error).message}`)];
  }
}
