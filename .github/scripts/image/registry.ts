import * as z from "zod";
import { get } from "../oci/cli.ts";
import { codeOf } from "../oci/fetch-error.ts";
import { Refusal } from "../report.ts";
import type { Shape } from "../settings.ts";

/** What the container registry (OCIR) has under a tag or a digest. */
export interface ImageManifest {
  digest: string;
  /** Its media type. */
  type: string;
  /** Such as linux/amd64, each that it lists. */
  platforms: string[];
}

const MEDIA_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

const platform = z.object({ os: z.string(), architecture: z.string() });
const index = z.object({ manifests: z.array(z.object({ platform })) });
const single = z.object({ config: z.object({ digest: z.string() }) });
const token = z.union([
  z.object({ token: z.string() }).transform((answer) => answer.token),
  z.object({ access_token: z.string() }).transform((answer) => answer.access_token),
]);

/** One request may take this long, milliseconds. */
const REQUEST_LIMIT = 30_000;

/** What an image for a shape must be for, no more and no less. */
export function platformsOf(shape: Shape): string[] {
  return shape
    .replace("GENERIC_", "")
    .split("_")
    .map((part) => (part === "ARM" ? "linux/arm64" : "linux/amd64"));
}

/** A login to the registry with the OCI CLI's own credentials: no auth token has to be made and kept. @throws {Refusal} */
export function registryToken(registry: string): Promise<string> {
  return get(
    ["raw-request", "--http-method", "GET", "--target-uri", `${urlOf(registry)}/20180419/docker/token`],
    token,
  );
}

/**
 * Looks at an image in the registry.
 *
 * @param path of the repository, the namespace first
 * @param reference a tag or a digest
 * @returns undefined when it is not there
 * @throws {Refusal} when the registry cannot be reached, or this user may not read it
 */
export async function readImage(
  registry: string,
  path: string,
  reference: string,
  bearer: string,
): Promise<ImageManifest | undefined> {
  const base = `${urlOf(registry)}/v2/${path}`;
  const response = await ask(`${base}/manifests/${reference}`, bearer);
  if (!response) return undefined;
  const type = response.headers.get("content-type") ?? "";
  const digest = response.headers.get("docker-content-digest") ?? "";
  const content = await response.json();
  const many = z.safeParse(index, content).data;
  if (many) return { digest, type, platforms: many.manifests.map((each) => nameOf(each.platform)) };
  const one = z.safeParse(single, content).data;
  const config = one && (await ask(`${base}/blobs/${one.config.digest}`, bearer));
  const found = z.safeParse(platform, await config?.json()).data;
  if (!found) throw new Refusal(`The registry's ${path}:${reference} is no image: delete it there, and start again`);
  return { digest, type, platforms: [nameOf(found)] };
}

async function ask(url: string, bearer: string): Promise<Response | undefined> {
  const headers = { authorization: `Bearer ${bearer}`, accept: MEDIA_TYPES };
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_LIMIT) }).catch((error) => {
    throw new Refusal(
      `The registry cannot be reached at ${new URL(url).host} (${codeOf(error)}): check OCI_CLI_REGION and OCIR_REGISTRY`,
    );
  });
  if (response.ok) return response;
  if (response.status === 404) return undefined;
  const mend = [401, 403].includes(response.status)
    ? "this user needs the right to read the repository (npm run bootstrap)"
    : "start again later";
  throw new Refusal(`The registry answered ${response.status} for ${url}: ${mend}`);
}

function nameOf({ os, architecture }: z.infer<typeof platform>): string {
  return `${os}/${architecture}`;
}

/** Only a registry on this machine, as the local cloud has, is spoken to in the clear. */
function urlOf(registry: string): string {
  return registry.startsWith("127.0.0.1:") ? `http://${registry}` : `https://${registry}`;
}
