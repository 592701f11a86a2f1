import type { Image } from "../image.ts";
import { get, request } from "../oci/cli.ts";
import { awaitSettled, changeAndWait, poll } from "../oci/work.ts";
import { Refusal, report, say } from "../report.ts";
import { type Application, type Fn, fn, inUse, list } from "../resources.ts";
import type { Settings } from "../settings.ts";
import { driftOf } from "./drift.ts";

/** A function as it was read, and the mark by which a change knows that it is still so. */
export interface Deployed {
  fn: Fn;
  etag: string;
}

/** @throws {Refusal} */
export async function findFunction({ id }: Application, name: string): Promise<Fn | undefined> {
  return inUse(
    await get(["fn", "function", "list", "--application-id", id, "--display-name", name, "--all"], list(fn)),
  );
}

/** The function, when a change that somebody else began has come to its end. @throws {Refusal} */
export async function readFunction(id: string): Promise<Deployed> {
  const args = ["fn", "function", "get", "--function-id", id];
  let etag = "";
  const found = await awaitSettled("The function", async () => {
    const answer = await request(args, fn);
    etag = answer.etag ?? "";
    return answer.data;
  });
  return { fn: found, etag };
}

/** Makes the function of an application, or brings it to what func.yaml and the settings say. Returns its OCID. @throws {Refusal} */
export async function applyFunction(application: Application, image: Image, settings: Settings): Promise<string> {
  const { manifest } = settings;
  const found = await findFunction(application, manifest.name);
  const deployed = found && (await readFunction(found.id));
  if (deployed?.fn.lifecycleState === "ACTIVE") return changeFunction(deployed, image, settings);
  if (deployed) await removeFailed(deployed.fn);
  const command = ["fn", "function", "create", "container-function", "--application-id", application.id];
  const made = await changeAndWait(`Creating the function ${manifest.name}`, [
    ...[...command, "--display-name", manifest.name],
    ...[...imageOptions(image), ...settingOptions(settings)],
  ]);
  const { id } = fn.parse(made);
  await proveImage(id, image.digest);
  report(`Function \`${manifest.name}\` created`);
  return id;
}

/** Sets nothing but the image. @throws {Refusal} when it has changed since it was read, or does not take the image */
export async function setImage({ fn, etag }: Deployed, image: Image): Promise<void> {
  await updateFunction(fn.id, [...imageOptions(image), "--if-match", etag]);
  await proveImage(fn.id, image.digest);
}

async function changeFunction({ fn, etag }: Deployed, image: Image, settings: Settings): Promise<string> {
  const name = settings.manifest.name;
  const changes = driftOf(fn, settings);
  if (fn.sourceDetails?.imageDigest !== image.digest) changes.push("image");
  if (changes.length === 0) {
    report(`Function \`${name}\` left as it is`);
    return fn.id;
  }
  await updateFunction(fn.id, [...imageOptions(image), ...settingOptions(settings), "--if-match", etag]);
  await proveImage(fn.id, image.digest);
  report(`Function \`${name}\` changed: ${changes.join(", ")}`);
  return fn.id;
}

/** Each update asks whether it may replace, and answers no data. */
function updateFunction(id: string, options: string[]): Promise<unknown> {
  return changeAndWait("Changing the function", [
    "fn",
    "function",
    "update",
    "container-function",
    "--function-id",
    id,
    "--force",
    ...options,
  ]);
}

/** Right after a change a function may still be shown as it was before. */
async function proveImage(id: string, digest: string): Promise<void> {
  const { fn } = await poll("The function's change", async () => {
    const deployed = await readFunction(id);
    if (deployed.fn.lifecycleState !== "ACTIVE")
      throw new Refusal(
        `The function is ${deployed.fn.lifecycleState} after the change: start provision-function, which replaces it`,
      );
    return deployed.fn.sourceDetails?.imageDigest === digest ? deployed : undefined;
  });
  say(`The function ${fn.displayName} runs ${digest}`);
}

/** What is FAILED cannot be changed any more. */
async function removeFailed({ id, displayName, lifecycleState }: Fn): Promise<void> {
  report(
    `Function \`${displayName}\` is ${lifecycleState} from an earlier run, and cannot be changed: it is replaced, and has a new OCID`,
  );
  await changeAndWait("Deleting the failed function", ["fn", "function", "delete", "--function-id", id, "--force"]);
}

function imageOptions({ name, digest }: Image): string[] {
  return ["--image", name, "--image-digest", digest];
}

function settingOptions({ manifest, config, traces }: Settings): string[] {
  const { memory, timeout } = manifest;
  return [
    ...["--memory-in-mbs", String(memory), "--timeout-in-seconds", String(timeout)],
    ...["--config", JSON.stringify(config), "--trace-config", JSON.stringify({ isEnabled: traces !== undefined })],
  ];
}
