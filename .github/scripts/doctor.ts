/**
 * Looks at a deployed function and all that it depends on; changes nothing. One line each: ✔ in order, ✖ with the command
 * that mends it, ? not permitted to look, or not to be told from here.
 *
 * Usage: npm run doctor, with the variables of docs/operate.md, and CI_GROUP where the group has another name
 * Exit: 1 when there is any ✖
 */

import { readArguments } from "./arguments.ts";
import { showDiagnosis } from "./doctor/show.ts";
import { requireCli } from "./oci/cli.ts";
import { runCommand } from "./report.ts";
import { readSettings } from "./settings.ts";

await runCommand(async () => {
  readArguments("npm run doctor", {});
  const settings = readSettings("doctor");
  await requireCli();
  if (!(await showDiagnosis(settings))) process.exitCode = 1;
});
