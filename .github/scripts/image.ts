import { execFileSync } from "node:child_process";
import * as z from "zod";
import { buildAndPush, logIn, requireDocker } from "./image/docker.ts";
import { type ImageManifest, platformsOf, readImage, registryToken } from "./image/registry.ts";
import { get } from "./oci/cli.ts";
import { Refusal, report, say } from "./report.ts";
import { sameSet } from "./resources/difference.ts";
import { ROOT } from "./root.ts";
import type { Settings, Shape } from "./settings.ts";

/** An image in the registry, pinned. */
export interface Image {
  /** With its tag. */
  name: string;
  digest: string;
}

/** All that it takes to make an image, found to be in order. */
export interface Workshop {
  settings: Settings;
  shape: Shape;
  /** Of the tenancy, which begins each repository's path. */
  namespace: string;
  bearer: string;
  commit: string;
  tag: string;
}

/** Looks at Docker and the commit, and logs Docker in to the registry; makes nothing. @throws {Refusal} */
export async function openWorkshop(settings: Settings, shape: Shape): Promise<Workshop> {
  const commit = git("rev-parse", "HEAD");
  const tag = tagOf(commit, platformsOf(shape));
  const [namespace, bearer] = await Promise.all([
    get(["os", "ns", "get"], z.string()),
    registryToken(settings.registry),
    requireDocker(platformsOf(shape)),
  ]);
  const { username, password } = settings.login ?? { username: "BEARER_TOKEN", password: bearer };
  await logIn(settings.registry, username, password);
  return { settings, shape, namespace, bearer, commit, tag };
}

/** The image of this commit, built and pushed unless it is there already. Its repository must exist. @throws {Refusal} */
export async function publishImage({ settings, shape, namespace, bearer, commit, tag }: Workshop): Promise<Image> {
  const { registry, repository, manifest } = settings;
  const platforms = platformsOf(shape);
  const path = `${namespace}/${repository}`;
  const name = `${registry}/${path}:${tag}`;
  let found = await readImage(registry, path, tag, bearer);
  if (found) say("The image of this commit is in the registry already.");
  else {
    await buildAndPush(ROOT, name, platforms, { version: manifest.version, revision: commit });
    found = await readImage(registry, path, tag, bearer);
    if (!found) throw new Refusal(`The image was pushed, and the registry does not have it as ${name}: start again`);
  }
  checkImage(found, shape);
  report(`Image \`${name}\`, \`${found.digest}\``);
  return { name, digest: found.digest };
}

/** What a function cannot be made from is refused here, where the reason can be told. */
function checkImage({ platforms, type }: ImageManifest, shape: Shape): void {
  const wanted = platformsOf(shape);
  if (!sameSet(platforms, wanted))
    throw new Refusal(
      `The image is for ${platforms.join(", ")}, and the shape ${shape} needs exactly ${wanted.join(", ")}.\n  An entry unknown/unknown is an attestation of buildx: --provenance=false --sbom=false leave it out.`,
    );
  if (/index|list/.test(type) !== wanted.length > 1) {
    const form = wanted.length > 1 ? "a list of one image for each architecture" : "one image, not a list";
    throw new Refusal(`The image of ${shape} must be ${form}, and is ${type}: build it with buildx, as this does`);
  }
}

/** Of the commit and the architecture, so that a second run finds the image of the first. */
function tagOf(commit: string, platforms: readonly string[]): string {
  const tag = [commit, ...platforms.map((platform) => platform.replace("linux/", ""))].join("-");
  const changed = git("status", "--porcelain") !== "";
  return changed ? `${tag}-changed-${new Date().toISOString().replaceAll(/\D/g, "").slice(0, 14)}` : tag;
}

function git(...args: string[]): string {
  try {
    return execFileSync("git", ["-C", ROOT, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim() || "is git installed?";
    throw new Refusal(
      `The image is named after a commit, and there is none: git ${args[0]}: ${said}. Clone the repository with git`,
    );
  }
}
