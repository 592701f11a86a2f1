import { readFileSync } from "node:fs";
import { parse } from "yaml";
import * as z from "zod";

const MEMORIES = [128, 256, 512, 1024, 2048, 3072];

const configKey = z
  .string("must be a string")
  .regex(/^[A-Za-z_]\w*$/, "must be letters, digits and _, and not begin with a digit")
  .refine((key) => !/^(FN_|OCI_RESOURCE_PRINCIPAL_)/.test(key), "belongs to the platform");

const entry = z.strictObject(
  { name: configKey, required: z.boolean("must be true or false").default(false) },
  "must be a map with a name: write - name: and the variable's",
);

const schema = z.strictObject(
  {
    schema_version: z.literal(20180708, "must be 20180708"),
    name: z
      .string("must be a string")
      .regex(/^[a-z0-9][a-z0-9._-]*$/, "must be lower case, as it is in image references"),
    version: z.string("must be a string: put it in quotes"),
    runtime: z.literal("docker", "must be docker: the Dockerfile makes the image"),
    memory: z.literal(MEMORIES, `must be ${MEMORIES.slice(0, -1).join(", ")} or ${MEMORIES.at(-1)} (MB)`),
    timeout: z
      .int("must be from 5 to 300 (seconds)")
      .min(5, "must be from 5 to 300 (seconds)")
      .max(300, "must be from 5 to 300 (seconds)"),
    // A key whose lines are all comments is null in YAML.
    config: z.preprocess(
      (given) => given ?? {},
      z.record(configKey, z.string("must be a string: put it in quotes"), "must be a map"),
    ),
    expects: z.preprocess(
      (given) => given ?? {},
      z.strictObject(
        { config: z.preprocess((given) => given ?? [], z.array(entry, "must be a list")) },
        "must be a map",
      ),
    ),
  },
  "is not made as a function's is: it must be a map",
);

/** func.yaml: what a function is, wherever it is deployed. */
export type Manifest = z.infer<typeof schema>;

/**
 * Reads func.yaml. A key that no deployment carries over is a fault: it would be for reference only, and soon be wrong.
 *
 * @param faults takes what is wrong, all of it
 */
export function readManifest(file: string, faults: string[]): Manifest | undefined {
  let content: unknown;
  try {
    content = parse(readFileSync(file, "utf8"));
  } catch (error) {
    faults.push(explain(error as NodeJS.ErrnoException));
    return undefined;
  }
  const { data, error } = z.safeParse(schema, content, { reportInput: true });
  for (const issue of error?.issues ?? []) faults.push(...describe(issue).map((fault) => `func.yaml: ${fault}`));
  const double = data?.expects.config.filter(({ name }) => name in data.config) ?? [];
  for (const { name } of double) faults.push(`func.yaml: ${name} is in config and in expects.config: choose one`);
  return data;
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return "func.yaml is missing: get it back with git checkout func.yaml";
  if (code === "MULTIPLE_DOCS") return "func.yaml holds several documents: leave one, and no line --- behind it";
  return `func.yaml is not YAML: ${message.split("\n")[0]}`;
}

function describe(issue: z.core.$ZodIssue): string[] {
  const at = issue.path.join(".").replaceAll(/\.(\d+)/g, "[$1]");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => `${at && `${at}.`}${key} is not carried over by the deployment: remove it`);
  if (issue.code === "invalid_key")
    return issue.issues.map(({ message }) => `config key ${String(issue.path.at(-1))} ${message}`);
  if (issue.code === "invalid_type" && issue.input === undefined && at) return [`${at} is missing`];
  return [`${at || "it"} ${issue.message}`];
}
