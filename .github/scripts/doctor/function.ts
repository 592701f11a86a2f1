import { knownDriftOf } from "../resources/drift.ts";
import { explainElsewhere } from "../resources/repository.ts";
import type { Application, Fn, Repository } from "../resources.ts";
import type { Settings } from "../settings.ts";
import { bad, dataOf, type Finding, look, missing, ok, unknown } from "./finding.ts";
import type { FunctionFacts } from "./function-facts.ts";
import { judgeImage } from "./image.ts";

export function judgeFunction(facts: FunctionFacts, settings: Settings): Finding[] {
  const application = dataOf(facts.application);
  const fn = dataOf(facts.fn);
  return [
    judgeCredentials(facts.application, settings),
    ...look("Application", facts.application, (found) => [judgeApplication(found, settings)]),
    ...(application ? look("Function", facts.fn, (found) => [judgeState(found, settings)]) : []),
    ...look("Repository", facts.repository, (found) => [judgeRepository(found, facts, settings)]),
    ...(application && fn ? judgeImage(facts.image, fn, application.shape, settings) : []),
  ];
}

function judgeCredentials(first: FunctionFacts["application"], { region }: Settings): Finding {
  const error = "error" in first ? first.error : undefined;
  if (error?.code === "UnexpectedAnswer" || (error?.status !== undefined && error.status !== 401) || !error)
    return ok(`Credentials and region: ${region} answers`);
  return missing(
    `${region} does not answer this user: ${error.code}: ${error.message}`,
    "check OCI_CLI_USER, OCI_CLI_TENANCY, OCI_CLI_FINGERPRINT, OCI_CLI_KEY_CONTENT and OCI_CLI_REGION: oci os ns get",
  );
}

function judgeApplication(found: Application | undefined, { application: name }: Settings): Finding {
  if (!found)
    return missing(`There is no application ${name} in the compartment`, "npm run provision; or set APPLICATION_NAME");
  if (found.lifecycleState === "FAILED")
    return missing(
      `The application ${name} is FAILED`,
      `oci fn application delete --application-id ${found.id}; then npm run provision, which makes it anew`,
    );
  return ok(`Application ${name}, ${found.shape}`);
}

function judgeState(fn: Fn | undefined, { manifest }: Settings): Finding {
  if (!fn) return missing(`There is no function ${manifest.name} in the application`, "npm run provision");
  switch (fn.lifecycleState) {
    case "ACTIVE":
      return ok(`Function ${manifest.name} is ACTIVE`);
    case "CREATING":
    case "UPDATING":
      return unknown("Function", `it is ${fn.lifecycleState}; look again in a minute`);
    case "FAILED":
      return missing(
        "The function is FAILED: its creation or a change broke off",
        "npm run provision, which replaces it",
      );
    default:
      return unknown("Function", `it is ${fn.lifecycleState}`);
  }
}

function judgeRepository(
  found: Repository | undefined,
  { elsewhere: asked }: FunctionFacts,
  { repository, compartment }: Settings,
): Finding {
  if (found) return ok(`Repository ${repository} is in the function's compartment`);
  const elsewhere = dataOf(asked);
  if (!elsewhere)
    return missing(
      `There is no repository ${repository} in the compartment`,
      "npm run provision; or set REPOSITORY_NAME",
    );
  const [what = "", ...mend] = explainElsewhere(elsewhere, compartment).split("\n");
  return bad(what, ...(mend as [string]));
}

/** What of the function is not as func.yaml and the environment say. */
export function judgeConfiguration(facts: FunctionFacts, settings: Settings): Finding[] {
  const fn = dataOf(facts.fn);
  if (!fn) return [];
  const { drift, unsaid } = knownDriftOf(fn, settings);
  return [
    drift.length === 0
      ? ok("The function's configuration is func.yaml's")
      : bad(
          `The function's configuration is not func.yaml's; provision would change: ${drift.join(", ")}`,
          "npm run provision, which sets it whole",
        ),
    ...unsaid.map((name) => unknown("Configuration", `${name} is set, and cannot be compared: it is not set here`)),
  ];
}

/** What the caller's own rights and limits keep it from says nothing of the function. */
const OF_THE_CALLER = ["NotAuthorizedOrNotFound", "NotAuthenticated", "NoAnswer", "Usage"];

/** The whole, as the function itself reports it. */
export function judgeHealth({ smoke }: FunctionFacts): Finding[] {
  if (!smoke) return [];
  if (smoke.code === "ok") return [ok("The function's health check: Vault and database answer")];
  if (OF_THE_CALLER.includes(smoke.code))
    return [unknown("The function's health check", `${smoke.code}: ${smoke.meaning}`)];
  return [bad(`The function's health check: ${smoke.code}`, smoke.meaning)];
}
