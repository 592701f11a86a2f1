import type { ImageManifest } from "../image/registry.ts";
import type { Answer } from "../oci/cli.ts";
import { type Application, application, type Fn, fn, inUse, list, type Repository, repository } from "../resources.ts";
import type { Settings } from "../settings.ts";
import type { Smoke } from "../smoke.ts";
import { dataOf, within } from "./finding.ts";
import type { Sources } from "./sources.ts";

export interface FunctionFacts {
  application: Answer<Application | undefined>;
  /** Absent without an application. */
  fn: Answer<Fn | undefined> | undefined;
  /** In the function's compartment. */
  repository: Answer<Repository | undefined>;
  /** In any other; asked for when it is not in this one. */
  elsewhere: Answer<Repository | undefined> | undefined;
  /** What the registry has of the digest that the function is pinned to. */
  image: Answer<ImageManifest | undefined> | undefined;
  smoke: Smoke | undefined;
}

/** Each of the facts, asked for as soon as it can be. */
export type Promised<T> = { [K in keyof T]: Promise<T[K]> };

export function gatherFunction(
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
