import assert from "node:assert/strict";
import { test } from "node:test";
import { execute, ROOT } from "./deployment.ts";

/** With no environment, so that whoever goes on meets what is missing there. */
const run = (command: string, env: Record<string, string>, ...args: string[]) =>
  execute(process.execPath, [`.github/scripts/${command}.ts`, ...args], ROOT, {
    HOME: "/nowhere",
    PATH: "/nowhere",
    ...env,
  });

for (const command of ["provision", "update", "doctor", "login", "tools", "bootstrap"]) {
  const usage = `\\. Usage: npm run ${command}( -- .*)?\n$`;

  test(`npm run ${command} refuses arguments that it does not know, before all else`, async () => {
    for (const [arg, message] of [
      ["--dryrun", "Unknown option '--dryrun'"],
      ["items", "Unexpected argument 'items'"],
    ] as const) {
      const { code, text } = await run(command, {}, arg);
      assert.equal(code, 1, text);
      assert.match(text, new RegExp(`^✖ ${message}.*${usage}`));
    }
  });

  test(`npm run ${command} does not go on where npm has taken --dry-run for itself`, async () => {
    const { code, text } = await run(command, { npm_config_dry_run: "true" });
    assert.equal(code, 1, text);
    assert.match(text, new RegExp(`^✖ npm took --dry-run for itself.*${usage}`));
  });
}
