import { get } from "../oci/cli.ts";
import { awaitSettled, changeAndWait } from "../oci/work.ts";
import { Refusal, report } from "../report.ts";
import { type Application, application, inUse, list } from "../resources.ts";
import type { Settings } from "../settings.ts";
import { sameSet } from "./difference.ts";

/**
 * Log lines are then kept with the fields of their JSON, which queries can use; they are text otherwise.
 * https://blogs.oracle.com/cloud-infrastructure/structured-logging-in-oci-functions
 */
const JSON_LINES = ["--logging", JSON.stringify({ lineFormat: "JSON" })];

/** The application, whole, or undefined where there is none. @throws {Refusal} */
export async function findApplication({ compartment, application: name }: Settings): Promise<Application | undefined> {
  const found = inUse(
    await get(
      ["fn", "application", "list", "--compartment-id", compartment, "--display-name", name, "--all"],
      list(application),
    ),
  );
  // A list leaves its configuration out.
  return found && settled(found.id);
}

/** @throws {Refusal} where the application cannot become what the settings say */
export function checkApplication(found: Application, { application: name, shape, subnets }: Settings): void {
  const differences = [];
  if (found.shape !== shape) differences.push(`its shape is ${found.shape}, and APPLICATION_SHAPE is ${shape}`);
  if (!sameSet(found.subnetIds, subnets))
    differences.push(`its subnets are ${found.subnetIds.join(", ")}, and SUBNET_OCIDS is ${subnets.join(", ")}`);
  if (differences.length > 0)
    throw new Refusal(
      `The application ${name} cannot become what is asked for:${differences.map((each) => `\n  - ${each}`).join("")}
  OCI cannot change shape or subnets of an application. Set the variables to what it has, or choose another APPLICATION_NAME, which makes a new one; then delete the old one:
  oci fn application delete --application-id ${found.id}`,
    );
  const keys = Object.keys(found.config ?? {}).join(", ");
  if (keys)
    throw new Refusal(
      `The application ${name} has configuration of its own (${keys}), which would reach the function beside func.yaml's. Move it to func.yaml, and remove it there:
  oci fn application update --application-id ${found.id} --config '{}' --force`,
    );
}

/** Makes the application, or gives it what of the settings can be changed, and JSON for its log. @throws {Refusal} */
export async function applyApplication(found: Application | undefined, settings: Settings): Promise<Application> {
  const { compartment, application: name, shape, subnets, nsgs, traces } = settings;
  const tracing = traces ? ["--trace-config", JSON.stringify({ isEnabled: true, domainId: traces })] : [];
  if (!found) {
    const made = await changeAndWait(`Creating the application ${name}`, [
      ...["fn", "application", "create", "--compartment-id", compartment, "--display-name", name, "--shape", shape],
      ...["--subnet-ids", JSON.stringify(subnets), "--network-security-group-ids", JSON.stringify(nsgs)],
      ...[...JSON_LINES, ...tracing],
    ]);
    report(`Application \`${name}\` created, ${shape}`);
    return settled(application.parse(made).id);
  }
  const changes = [];
  const options = [];
  if (!sameSet(found.networkSecurityGroupIds ?? [], nsgs)) {
    changes.push("network security groups");
    options.push("--network-security-group-ids", JSON.stringify(nsgs));
  }
  if (found.logging?.lineFormat !== "JSON") {
    changes.push("log lines as JSON");
    options.push(...JSON_LINES);
  }
  // Without a domain here it is the function's own switch that is off.
  if (traces && !(found.traceConfig?.isEnabled && found.traceConfig.domainId === traces)) {
    changes.push("tracing");
    options.push(...tracing);
  }
  if (changes.length === 0) {
    report(`Application \`${name}\` left as it is`);
    return found;
  }
  await changeAndWait(`Changing the application ${name}`, [
    ...["fn", "application", "update", "--application-id", found.id, "--force", ...options],
  ]);
  report(`Application \`${name}\` changed: ${changes.join(", ")}`);
  return settled(found.id);
}

async function settled(id: string): Promise<Application> {
  const found = await awaitSettled("The application", () => readApplication(id));
  if (found.lifecycleState === "ACTIVE") return found;
  throw new Refusal(
    `The application ${found.displayName} is ${found.lifecycleState}: delete it (oci fn application delete --application-id ${id}), and start again`,
  );
}

function readApplication(id: string): Promise<Application> {
  return get(["fn", "application", "get", "--application-id", id], application);
}
