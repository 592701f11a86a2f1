import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../.github/scripts/root.ts";
import { readManifest } from "../.github/scripts/settings/manifest.ts";

const folder = mkdtempSync("/tmp/inserter-manifest-");
after(() => rmSync(folder, { recursive: true }));
const yaml = readFileSync(join(ROOT, "func.yaml"), "utf8");

/** What func.yaml is, and what is said of it. What the deployment does not carry over, test/provision.test.ts tells. */
const manifests: [string, string | undefined, string[]][] = [
  ["as it is", yaml, []],
  ["missing", undefined, ["func.yaml is missing: get it back with git checkout func.yaml"]],
  ["twice", `${yaml}---\n${yaml}`, ["func.yaml holds several documents: leave one, and no line --- behind it"]],
  [
    "with an entry that is null",
    yaml.replace("- name: DB_SECRET_OCID\n      required: true", "-"),
    ["func.yaml: expects.config[0] must be a map with a name: write - name: and the variable's"],
  ],
  ["with a name that is null", yaml.replace(/^name: .*/m, "name:"), ["func.yaml: name must be a string"]],
];

for (const [what, content, expected] of manifests)
  test(`func.yaml ${what} is ${expected.length === 0 ? "taken" : "told plainly"}`, () => {
    const file = join(folder, `${what}.yaml`);
    if (content !== undefined) writeFileSync(file, content);
    const faults: string[] = [];
    readManifest(file, faults);
    assert.deepEqual(faults, expected);
  });
