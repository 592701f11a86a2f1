import { get } from "../oci/cli.ts";
import { awaitSettled, changeAndWait } from "../oci/work.ts";
import { Refusal, report } from "../report.ts";
import { type Gateway, gateway, inUse, list } from "../resources.ts";
import type { GatewaySettings } from "../settings/gateway-settings.ts";
import type { Settings } from "../settings.ts";

/** The API gateway of the function's name, in its compartment. @throws {Refusal} */
export async function findGateway({ compartment, manifest }: Settings): Promise<Gateway | undefined> {
  return inUse(await get(listGateways(compartment, manifest.name), list(gateway)));
}

export function listGateways(compartment: string, name: string): string[] {
  return ["api-gateway", "gateway", "list", "--compartment-id", compartment, "--display-name", name, "--all"];
}

/** @throws {Refusal} where the gateway cannot become what the settings say */
export function checkGateway(found: Gateway, { subnet, endpointType }: GatewaySettings): void {
  const { id, displayName, lifecycleState, lifecycleDetails } = found;
  if (lifecycleState === "FAILED")
    throw new Refusal(
      `The API gateway ${displayName} is FAILED, and cannot be changed: ${lifecycleDetails ?? "OCI gives no reason"}. Delete it, and start again:
  oci api-gateway gateway delete --gateway-id ${id}`,
    );
  const differences = [];
  if (found.subnetId !== subnet)
    differences.push(`its subnet is ${found.subnetId}, and GATEWAY_SUBNET_OCID is ${subnet}`);
  if (found.endpointType !== endpointType)
    differences.push(`it is ${found.endpointType}, and GATEWAY_TYPE is ${endpointType}`);
  if (differences.length > 0)
    throw new Refusal(
      `The API gateway ${displayName} cannot become what is asked for:${differences.map((each) => `\n  - ${each}`).join("")}
  OCI cannot change subnet or type of a gateway. Set the variables to what it has, or delete its deployment and it; the new one has another address:
  ${removeGateway(found).join("\n  ")}`,
    );
}

/** The commands that delete a gateway and what is deployed on it. */
export function removeGateway({ id, compartmentId }: Gateway): string[] {
  return [
    `oci api-gateway deployment list --compartment-id ${compartmentId} --gateway-id ${id}`,
    "oci api-gateway deployment delete --deployment-id DEPLOYMENT_OCID",
    `oci api-gateway gateway delete --gateway-id ${id}`,
  ];
}

/** Makes the gateway where it is missing. @throws {Refusal} */
export async function applyGateway(
  found: Gateway | undefined,
  { subnet, endpointType }: GatewaySettings,
  { compartment, manifest: { name } }: Settings,
): Promise<Gateway> {
  if (found) {
    report(`API gateway \`${name}\` left as it is`);
    return settled(found.id);
  }
  const made = await changeAndWait(`Creating the API gateway ${name}`, [
    ...["api-gateway", "gateway", "create", "--compartment-id", compartment, "--display-name", name],
    ...["--endpoint-type", endpointType, "--subnet-id", subnet],
  ]);
  report(`API gateway \`${name}\` created, ${endpointType}`);
  return settled(gateway.parse(made).id);
}

function settled(id: string): Promise<Gateway> {
  return awaitSettled("The API gateway", () => get(["api-gateway", "gateway", "get", "--gateway-id", id], gateway));
}
