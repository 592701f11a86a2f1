/**
 * Replaces the image of a function that npm run provision made, and nothing else; proves that the new one answers, or puts the
 * former one back.
 *
 * Usage: npm run update, with the variables of docs/operate.md; subnets and the function's own are not needed
 * Exit: 0 when the new image answers its health check
 */

import { readArguments } from "./arguments.ts";
import { showDiagnosis } from "./doctor/show.ts";
import { type Image, openWorkshop, publishImage } from "./image.ts";
import { requireCli } from "./oci/cli.ts";
import { Refusal, report, runCommand } from "./report.ts";
import { findApplication } from "./resources/application.ts";
import { knownDriftOf } from "./resources/drift.ts";
import { type Deployed, findFunction, readFunction, setImage } from "./resources/function.ts";
import { readSettings, type Settings, type Shape } from "./settings.ts";
import { smoke } from "./smoke.ts";

await runCommand(async () => {
  readArguments("npm run update", {});
  const settings = readSettings("update");
  const { name } = settings.manifest;
  const [application] = await Promise.all([findApplication(settings), requireCli()]);
  if (!application)
    throw new Refusal(
      `There is no application ${settings.application} in the compartment: run provision-function first`,
    );
  const fn = await findFunction(application, name);
  if (!fn)
    throw new Refusal(
      `There is no function ${name} in the application ${application.displayName}: run provision-function first`,
    );
  const workshop = await openWorkshop(settings, application.shape as Shape);
  // What cannot be changed is refused before the build, which takes minutes; what is put back is what ran after it.
  imageOf(await readFunction(fn.id));
  const image = await publishImage(workshop);
  const deployed = await readFunction(fn.id);
  const former = imageOf(deployed);
  tellDrift(deployed, settings);
  if (former.digest === image.digest) report(`Function \`${name}\` runs this image already`);
  else {
    await setImage(deployed, image);
    report(`Function \`${name}\` changed: image \`${former.digest}\` → \`${image.digest}\``);
  }
  const outcome = await smoke(fn.id);
  if (outcome.code === "ok") {
    report("Health check: ok");
    return;
  }

  const replaced = former.digest !== image.digest;
  const reason = `${replaced ? "The new image" : "The image"} does not answer: ${outcome.code}. ${outcome.meaning}`;
  report(`**${reason}**`);
  if (replaced) await rollBack(fn.id, former, reason, settings);
  await showDiagnosis(settings, outcome);
  throw new Refusal(`${reason} It was there before.`);
});

/** Puts the former image back first of all: callers wait for it. @throws {Refusal} always, with what became of it */
async function rollBack(id: string, former: Image, reason: string, settings: Settings): Promise<never> {
  try {
    await setImage(await readFunction(id), former);
  } catch (error) {
    throw new Refusal(
      `${reason}\n  The former image could not be put back: ${(error as Error).message}\n  Revert the commit, then npm run update; or npm run doctor`,
    );
  }
  report(`Rolled back to \`${former.digest}\``);
  const outcome = await smoke(id);
  if (outcome.code !== "ok") {
    await showDiagnosis(settings, outcome);
    throw new Refusal(
      `${reason}\n  Rolled back to the former image, which does not answer either: ${outcome.code}. ${outcome.meaning} So the cause is likely outside the image.`,
    );
  }
  report("Health check of the former image: ok");
  throw new Refusal(`${reason}\n  Rolled back to the former image, which answers.`);
}

/** @throws {Refusal} when the function cannot take another image */
function imageOf({ fn: { lifecycleState, sourceDetails } }: Deployed): Image {
  const { image, imageDigest } = sourceDetails ?? {};
  if (lifecycleState !== "ACTIVE")
    throw new Refusal(
      `The function is ${lifecycleState}, and cannot be changed: start provision-function, which replaces it`,
    );
  if (!image || !imageDigest)
    throw new Refusal("The function is not made from an image: delete it, and start provision-function");
  return { name: image, digest: imageDigest };
}

function tellDrift({ fn }: Deployed, settings: Settings): void {
  const { drift } = knownDriftOf(fn, settings);
  if (drift.length > 0)
    report(
      `Not applied, since this changes the image alone: ${drift.join(", ")}. Run provision-function to apply func.yaml.`,
    );
}
