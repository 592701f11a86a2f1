import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUNDLE } from "../platform/functions.ts";

const STAND_IN = fileURLToPath(new URL("docker", import.meta.url));

/**
 * Puts the stand-in for Docker into a folder, as `docker`. With that folder at the front of PATH nothing else need be set.
 *
 * @param bundle what its images run
 * @param log the file that takes a line of JSON for each call: `args`, and `env`, the names of the variables it was given
 */
export function installDocker(folder: string, { bundle = BUNDLE, log = join(folder, "docker.log") } = {}): void {
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "docker");
  copyFileSync(STAND_IN, program);
  chmodSync(program, 0o755);
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ bundle, log, config: folder }));
}
