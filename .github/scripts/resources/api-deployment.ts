import { get } from "../oci/cli.ts";
import { awaitSettled, changeAndWait } from "../oci/work.ts";
import { Refusal, report } from "../report.ts";
import { type Deployment, deployment, type Gateway, inUse, list } from "../resources.ts";
import type { Specification } from "../settings/specification.ts";
import { differences } from "./difference.ts";

/** The gateway is for this alone, so that its paths are the function's. */
const PREFIX = "/";

/** What is deployed on a gateway, or undefined. @throws {Refusal} where that cannot be changed */
export async function findDeployment({ id: gatewayId, compartmentId }: Gateway): Promise<Deployment | undefined> {
  const found = inUse(await get(listDeployments(compartmentId, gatewayId), list(deployment)));
  if (found?.lifecycleState !== "FAILED") return found;
  throw new Refusal(
    `The API deployment ${found.displayName} is FAILED, and cannot be changed: ${found.lifecycleDetails ?? "OCI gives no reason"}. Delete it, and start again:
  oci api-gateway deployment delete --deployment-id ${found.id}`,
  );
}

/** Deploys the API on its gateway, or sets what is not as the specification says. Returns its URL. @throws {Refusal} */
export async function applyDeployment(gateway: Gateway, name: string, specification: Specification): Promise<string> {
  const found = await findDeployment(gateway);
  const { id: gatewayId, compartmentId } = gateway;
  const wanted = ["--specification", JSON.stringify(specification)];
  if (!found) {
    const made = await changeAndWait(`Creating the API deployment ${name}`, [
      ...["api-gateway", "deployment", "create", "--compartment-id", compartmentId, "--gateway-id", gatewayId],
      ...["--display-name", name, "--path-prefix", PREFIX, ...wanted],
    ]);
    report(`API deployment \`${name}\` created`);
    return (await settled(deployment.parse(made).id)).endpoint;
  }
  const { id, endpoint, specification: has } = await settled(found.id);
  const changes = differences(has, specification);
  if (changes.length === 0) {
    report(`API deployment \`${name}\` left as it is`);
    return endpoint;
  }
  // It asks whether it may replace, and answers no data.
  await changeAndWait(`Changing the API deployment ${name}`, [
    ...["api-gateway", "deployment", "update", "--deployment-id", id, "--force", ...wanted],
  ]);
  report(`API deployment \`${name}\` changed: ${changes.join(", ")}`);
  return (await settled(id)).endpoint;
}

export function listDeployments(compartment: string, gatewayId: string): string[] {
  return ["api-gateway", "deployment", "list", "--compartment-id", compartment, "--gateway-id", gatewayId, "--all"];
}

export function getDeployment(id: string): string[] {
  return ["api-gateway", "deployment", "get", "--deployment-id", id];
}

function settled(id: string): Promise<Deployment> {
  return awaitSettled("The API deployment", () => get(getDeployment(id), deployment));
}
