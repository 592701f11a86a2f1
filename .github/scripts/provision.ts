/**
 * Creates the function and what it needs, or brings them to what func.yaml and the environment say; then proves it. Can be run
 * again without harm. Everything is checked before anything is made.
 *
 * Usage: npm run provision, with the variables of docs/operate.md
 * Exit: 0 when the function answers its health check, through its API gateway too where it has one
 */

import { readArguments } from "./arguments.ts";
import { showDiagnosis } from "./doctor/show.ts";
import { openWorkshop, publishImage } from "./image.ts";
import { get, requireCli } from "./oci/cli.ts";
import { Refusal, report, runCommand } from "./report.ts";
import { applyApplication, checkApplication, findApplication } from "./resources/application.ts";
import { applyDelivery, openDeliveries } from "./resources/connector.ts";
import { applyFunction } from "./resources/function.ts";
import { requireNamed } from "./resources/named.ts";
import { applyRepository, findRepository } from "./resources/repository.ts";
import { tellUnneeded } from "./resources/unneeded.ts";
import { applyWayIn, openWayIn } from "./resources/way-in.ts";
import { anything } from "./resources.ts";
import { readSettings, type Settings } from "./settings.ts";
import { smoke } from "./smoke.ts";

await runCommand(async () => {
  readArguments("npm run provision", {});
  const settings = readSettings("provision");
  const [workshop, application, repository, wayIn, deliveries] = await Promise.all([
    openWorkshop(settings, settings.shape),
    findApplication(settings),
    findRepository(settings),
    openWayIn(settings),
    openDeliveries(settings),
    checkNetwork(settings),
    checkTraces(settings),
    tellUnneeded(settings),
    requireCli(),
  ]);
  if (application) checkApplication(application, settings);

  await applyRepository(repository, settings);
  const image = await publishImage(workshop);
  const functionId = await applyFunction(await applyApplication(application, settings), image, settings);

  const outcome = await smoke(functionId);
  if (outcome.code !== "ok") {
    report(`**The function does not answer: ${outcome.code}.** ${outcome.meaning}`);
    await showDiagnosis(settings, outcome);
    throw new Refusal(`The function is deployed, and does not answer: ${outcome.code}. ${outcome.meaning}`);
  }
  if (wayIn) await applyWayIn(wayIn, functionId, settings);
  for (const delivery of deliveries) await applyDelivery(delivery, functionId, settings);
  report("Health check: ok. Insert a row: `npm run invoke -- payload.json`");
});

async function checkNetwork({ subnets, nsgs }: Settings): Promise<void> {
  await Promise.all([
    ...subnets.map((id) => get(["network", "subnet", "get", "--subnet-id", id], anything)),
    ...nsgs.map((id) => get(["network", "nsg", "get", "--nsg-id", id], anything)),
  ]);
}

async function checkTraces({ traces }: Settings): Promise<void> {
  if (traces)
    await requireNamed("APM_DOMAIN_OCID", ["apm-control-plane", "apm-domain", "get", "--apm-domain-id", traces]);
}
