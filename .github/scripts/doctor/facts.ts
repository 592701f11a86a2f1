import {
  type Application,
  application,
  dynamicGroup,
  type Fn,
  fn,
  inUse,
  list,
  type Repository,
  repository,
} from "../resources.ts";
import type { Settings } from "../settings.ts";
import type { Smoke } from "../smoke.ts";
import type { RightsFacts } from "./access.ts";
import { type GatewayFacts, gatherApiGateway } from "./api-gateway.ts";
import { type ConnectorFacts, gatherConnectors } from "./connector.ts";
import { dataOf, within } from "./finding.ts";
import type { FunctionFacts } from "./function.ts";
import { judgeGatewaySubnet } from "./gateway-subnet.ts";
import { service, someOf } from "./network.ts";
import { gatherPolicies, listCompartments } from "./policies.ts";
import { bundle, type SecretFacts, secret } from "./secret.ts";
import type { Sources } from "./sources.ts";
import { judgeNetwork, type NetworkFacts } from "./subnet.ts";
import { gatherGroups, gatherSubnet } from "./surroundings.ts";
import { gatherWay, type Way } from "./way.ts";

/** What is there of a deployment, as far as this user may look. */
export interface Facts {
  function: FunctionFacts;
  rights: RightsFacts;
  secret: SecretFacts | undefined;
  network: NetworkFacts;
  way: Way | undefined;
  /** Absent where no gateway is asked for. */
  gateway: GatewayFacts | undefined;
  connectors: ConnectorFacts[];
}

/** Each question is asked as soon as its answer can be asked for. */
export async function gather(settings: Settings, given: Smoke | undefined, sources: Sources): Promise<Facts> {
  const { ask } = sources;
  const functionFacts = gatherFunction(settings, given, sources);
  const secretFacts = gatherSecret(settings, functionFacts.fn, sources);
  const rights = gatherRights(settings, secretFacts, sources);
  const gateway = gatherApiGateway(settings, sources);
  const connectors = gatherConnectors(settings, sources);
  const application = dataOf(await functionFacts.application);
  const [subnets, groups] = await Promise.all([
    Promise.all((application?.subnetIds ?? settings.subnets).map((id) => gatherSubnet(id, ask))),
    gatherGroups(ask, (application ? application.networkSecurityGroupIds : settings.nsgs) ?? []),
  ]);
  const found = await secretFacts;
  const compartments = [settings.compartment, dataOf(found?.state)?.compartmentId].filter((id) => id !== undefined);
  const way = await gatherWay(ask, found?.content, subnets, compartments);
  const own = { subnets, groups, services: undefined };
  const network = [...judgeNetwork(own), ...judgeGatewaySubnet((await gateway)?.network, settings.gateway, own)];
  // Only the commands that mend name the services.
  const lacking = network.some(({ mark }) => mark === "✖");
  const services = lacking ? await ask(["network", "service", "list", "--all"], someOf(service)) : undefined;
  return {
    function: await settle(functionFacts),
    rights: await rights,
    secret: found,
    network: { ...own, services },
    way,
    gateway: await gateway,
    connectors: await connectors,
  };
}

type Promised<T> = { [K in keyof T]: Promise<T[K]> };

async function settle<T extends object>(promised: Promised<T>): Promise<T> {
  const entries = Object.entries(promised).map(async ([key, value]) => [key, await value]);
  return Object.fromEntries(await Promise.all(entries));
}

function gatherFunction(
  settings: Settings,
  given: Smoke | undefined,
  { ask, smoke, readImage }: Sources,
): Promised<FunctionFacts> {
  const { compartment, tenancy, manifest } = settings;
  const repositories = async (...where: string[]) => {
    const args = ["--compartment-id", ...where, "--display-name", settings.repository, "--all"];
    return within(
      await ask(["artifacts", "container", "repository", "list", ...args], list(repository)),
      (all: Repository[]) => inUse(all),
    );
  };
  const found = ask(
    ["fn", "application", "list", "--compartment-id", compartment, "--display-name", settings.application, "--all"],
    list(application),
  ).then((answer) => within(answer, (all: Application[]) => inUse(all)));
  const here = repositories(compartment);
  const id = found.then(async (answer) => {
    const application = dataOf(answer);
    if (!application) return undefined;
    const args = ["--application-id", application.id, "--display-name", manifest.name, "--all"];
    return within(await ask(["fn", "function", "list", ...args], list(fn)), (all: Fn[]) => inUse(all)?.id);
  });
  // A list leaves the configuration out.
  const whole = id.then(async (answer): Promise<FunctionFacts["fn"]> => {
    if (!answer || "error" in answer) return answer;
    return answer.data === undefined
      ? { data: undefined }
      : ask(["fn", "function", "get", "--function-id", answer.data], fn);
  });
  return {
    application: found,
    fn: whole,
    repository: here,
    elsewhere: here.then((answer) =>
      tenancy && "data" in answer && !answer.data
        ? repositories(tenancy, "--compartment-id-in-subtree", "true")
        : undefined,
    ),
    image: whole.then((answer) => gatherImage(dataOf(answer), readImage)),
    smoke: id.then((answer) => {
      const functionId = dataOf(answer);
      return given ?? (functionId ? smoke(functionId) : undefined);
    }),
  };
}

async function gatherImage(fn: Fn | undefined, readImage: Sources["readImage"]): Promise<FunctionFacts["image"]> {
  const { image, imageDigest } = fn?.sourceDetails ?? {};
  // host/namespace/name:tag
  const [, host, path] = /^([^/]+)\/(.+?)(?:[:@][^/]*)?$/.exec(image ?? "") ?? [];
  if (!host || !path || !imageDigest) return undefined;
  try {
    return { data: await readImage(host, path, imageDigest) };
  } catch (error) {
    return { error: { status: undefined, code: "", message: (error as Error).message } };
  }
}

/** The secret that the function has, or that of the settings. */
async function gatherSecret(
  settings: Settings,
  fn: Promise<FunctionFacts["fn"]>,
  { ask }: Sources,
): Promise<SecretFacts | undefined> {
  const id = dataOf(await fn)?.config?.DB_SECRET_OCID || settings.secret;
  if (!id) return undefined;
  const [state, content] = await Promise.all([
    ask(["vault", "secret", "get", "--secret-id", id], secret),
    ask(["secrets", "secret-bundle", "get", "--secret-id", id], bundle),
  ]);
  return { id, state, content };
}

/** Policies are looked for in the secret's compartment and those above it. */
async function gatherRights(
  { compartment: own, tenancy }: Settings,
  secretFacts: Promise<SecretFacts | undefined>,
  { ask }: Sources,
): Promise<RightsFacts> {
  if (!tenancy) return { compartments: undefined, groups: undefined, policies: [] };
  const [compartments, groups, secret] = await Promise.all([
    listCompartments(tenancy, ask),
    ask(["iam", "dynamic-group", "list", "--compartment-id", tenancy, "--all"], list(dynamicGroup)),
    secretFacts,
  ]);
  const of = dataOf(secret?.state)?.compartmentId ?? own;
  const policies = await gatherPolicies(of, tenancy, compartments, ask);
  return { compartments, groups, policies };
}
