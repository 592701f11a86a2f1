import { ask, get } from "../oci/cli.ts";
import { refusal } from "../oci/cli-error.ts";
import { poll } from "../oci/work.ts";
import { Refusal, report } from "../report.ts";
import { inUse, list, type Repository, repository } from "../resources.ts";
import type { Settings } from "../settings.ts";

const COMMAND = ["artifacts", "container", "repository"];

/** The repository in the function's compartment, or undefined. @throws {Refusal} when another compartment has it */
export async function findRepository(settings: Settings): Promise<Repository | undefined> {
  const { compartment, tenancy, repository: name } = settings;
  const filter = ["--display-name", name, "--all"];
  const here = inUse(await get([...COMMAND, "list", "--compartment-id", compartment, ...filter], list(repository)));
  if (here) return here;
  // Names are unique in a tenancy. Whether another compartment has it may be hidden from this user.
  const everywhere = ["--compartment-id", tenancy ?? compartment, "--compartment-id-in-subtree", "true"];
  const answer = await ask([...COMMAND, "list", ...everywhere, ...filter], list(repository));
  const elsewhere = "data" in answer && inUse(answer.data);
  if (elsewhere) throw new Refusal(explainElsewhere(elsewhere, compartment));
  return undefined;
}

/** Makes the repository where it is missing, before a push could make it in the root compartment. @throws {Refusal} */
export async function applyRepository(found: Repository | undefined, settings: Settings): Promise<void> {
  const { compartment, tenancy = "TENANCY_OCID", repository: name } = settings;
  if (found) {
    report(`Repository \`${name}\` left as it is`);
    return;
  }
  const args = [...COMMAND, "create", "--compartment-id", compartment, "--display-name", name, "--is-public", "false"];
  const answer = await ask(args, repository);
  if ("error" in answer && answer.error.status === 409) {
    const made = await findRepository(settings);
    if (made) return applyRepository(made, settings);
    throw new Refusal(
      `The repository ${name} exists in a compartment that this user may not look into, probably the root. As an administrator, find and move it:
  oci ${COMMAND.join(" ")} list --compartment-id ${tenancy} --compartment-id-in-subtree true --display-name ${name}
  oci ${COMMAND.join(" ")} change-compartment --repository-id REPOSITORY_OCID --compartment-id ${compartment}`,
    );
  }
  if ("error" in answer) throw refusal(args, answer.error);
  const { id } = answer.data;
  await poll("The repository", async () => {
    const { lifecycleState } = await get([...COMMAND, "get", "--repository-id", id], repository);
    return lifecycleState === "AVAILABLE" || undefined;
  });
  report(`Repository \`${name}\` created in the function's compartment`);
}

/** What is wrong with a repository in another compartment, and what moves it. */
export function explainElsewhere({ id, displayName, compartmentId }: Repository, compartment: string): string {
  const root = compartmentId.startsWith("ocid1.tenancy.")
    ? ", the root: a push to a missing repository makes it there"
    : "";
  return `The repository ${displayName} is in another compartment (${compartmentId}${root}), where rights in the function's compartment do not reach. As an administrator, move it here:
  oci ${COMMAND.join(" ")} change-compartment --repository-id ${id} --compartment-id ${compartment}`;
}
