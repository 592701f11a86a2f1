import assert from "node:assert/strict";
import { test } from "node:test";
import { parseError } from "../.github/scripts/oci/cli-error.ts";

/** What the OCI CLI has written to stderr, and what a person is told of it. */
const outputs: [string, string, string][] = [
  [
    "a table",
    `ERROR: The config file at c1 is invalid:

+Config Errors+---------+---------------------------------------------------+
| Key      | Error     | Hint                                              |
+----------+-----------+---------------------------------------------------+
| key_file | missing   | the full path and filename of the private PEM key |
| user     | malformed | this must be an OCID                              |
+----------+-----------+---------------------------------------------------+
`,
    "ERROR: The config file at c1 is invalid:; Key Error Hint; key_file missing the full path and filename of the private PEM key; user malformed this must be an OCID",
  ],
  [
    "an error with its cause in Python",
    "ERROR: Failed retrieving certificates from localhost. \nException: ({'status': 403})\n",
    "ERROR: Failed retrieving certificates from localhost.",
  ],
  [
    "a question that nobody answers",
    "ERROR: Could not find config file at x\nDo you want to create a new config file? [Y/n]: Abort: \n",
    "ERROR: Could not find config file at x",
  ],
  ["a traceback", "Traceback (most recent call last):\n  File x\nKeyError: 'a'\n", "KeyError: 'a'"],
  ["a line alone", "Abort: \n", "Abort:"],
  ["nothing", "", "it said nothing"],
];

for (const [what, stderr, message] of outputs)
  test(`of an error of the CLI all is told that a person needs: ${what}`, () =>
    assert.deepEqual(parseError("", stderr), { status: undefined, code: "NoAnswer", message }));
