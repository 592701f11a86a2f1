import { type ImageManifest, platformsOf } from "../image/registry.ts";
import type { Answer } from "../oci/cli.ts";
import type { Fn } from "../resources.ts";
import { type Settings, SHAPES } from "../settings.ts";
import { type Finding, look, missing, ok, unknown } from "./finding.ts";

/** The image that a function is pinned to, for an application's shape. */
export function judgeImage(
  image: Answer<ImageManifest | undefined> | undefined,
  fn: Fn,
  shape: string,
  { registry, region }: Settings,
): Finding[] {
  const { sourceType, image: name, imageDigest } = fn.sourceDetails ?? {};
  if (!name || !imageDigest)
    return [
      unknown(
        "Image",
        `the function is made of ${sourceType ?? "something else"}, and not of an image of this deployment`,
      ),
    ];
  const host = name.split("/")[0] ?? "";
  // The older names of registries have the region's key, such as fra.
  const here = host === registry || host.includes(region) || /^[a-z]{3}\.ocir\.io$/.test(host);
  return [
    here
      ? ok(`The image is in a registry of the region: ${host}`)
      : missing(
          `The image is in ${host}, and must be in the function's region`,
          `npm run provision, with OCI_CLI_REGION=${region}`,
        ),
    ...look("Image", image, (found) =>
      found
        ? [ok(`Image ${found.digest} is in the registry`), ...judgePlatforms(found.platforms, shape)]
        : [
            missing(
              `The image ${imageDigest} is no longer in the registry`,
              "npm run provision, which makes and sets an image; delete none from the registry that a function runs",
            ),
          ],
    ),
  ];
}

function judgePlatforms(platforms: readonly string[], shape: string): Finding[] {
  const known = SHAPES.find((one) => one === shape);
  if (!known) return [unknown("Architecture", `the application's shape is ${shape}, which is new here`)];
  const needed = platformsOf(known);
  const others = platforms.filter((platform) => !needed.includes(platform));
  return [
    needed.every((platform) => platforms.includes(platform))
      ? ok(`The image is for ${needed.join(" and ")}, as ${shape} needs`)
      : missing(
          `The image is for ${platforms.join(", ")}, and ${shape} needs ${needed.join(" and ")}`,
          "npm run update, which builds for the application's shape",
        ),
    others.length === 0
      ? ok("The manifest lists nothing else")
      : missing(
          `The manifest lists ${others.join(", ")} besides (unknown/unknown is an attestation)`,
          "npm run update, which builds with --provenance=false --sbom=false",
        ),
  ];
}
