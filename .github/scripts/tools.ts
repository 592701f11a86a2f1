/**
 * Installs the OCI CLI, each package of it by its hash; on a GitHub runner also QEMU, where an image for another architecture is
 * built.
 *
 * Usage: npm run tools
 */
import { execFileSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { readArguments } from "./arguments.ts";
import { readEnvironment } from "./oci/credentials.ts";
import { Refusal, runCommand, say } from "./report.ts";
import { ROOT } from "./root.ts";

await runCommand(async () => {
  readArguments("npm run tools", {});
  const folder = join(homedir(), ".oci-cli");
  run("python3", "-m", "venv", folder);
  const pip = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes"];
  run(join(folder, "bin/pip"), ...pip, "--requirement", join(ROOT, ".github/requirements.txt"));
  if (process.env.GITHUB_PATH) appendFileSync(process.env.GITHUB_PATH, `${folder}/bin\n`);
  else say(`The OCI CLI is installed: export PATH="${folder}/bin:$PATH"`);
  if (process.env.GITHUB_ACTIONS && readEnvironment(process.env).APPLICATION_SHAPE === "GENERIC_X86_ARM") {
    run("sudo", "apt-get", "update", "-qq");
    run("sudo", "apt-get", "install", "-qq", "-y", "qemu-user-static");
  }
});

function run(command: string, ...args: string[]): void {
  try {
    execFileSync(command, args, { stdio: ["ignore", 2, 2] });
  } catch (error) {
    throw new Refusal(
      `${command} ${args.slice(0, 3).join(" ")} failed, for the reason above: ${(error as Error).message.split("\n")[0]}`,
    );
  }
}
