import { ApiError } from "../platform/api.ts";
import type { Registry } from "./registry.ts";

const ARCHITECTURES: Readonly<Record<string, string[]>> = {
  GENERIC_X86: ["amd64"],
  GENERIC_ARM: ["arm64"],
  GENERIC_X86_ARM: ["amd64", "arm64"],
};

/** Of a function's configuration, keys and values together, bytes. */
const CONFIG_LIMIT = 4096;

/** What the service checks of a function besides the models. @throws {ApiError} 400 */
export function checkLimits({ memoryInMBs = 512, timeoutInSeconds = 30, config = {} }: Record<string, unknown>): void {
  if (![128, 256, 512, 1024, 2048, 3072].includes(Number(memoryInMBs)))
    throw new ApiError(400, "InvalidParameter", "memoryInMBs is not one of the sizes");
  if (Number(timeoutInSeconds) < 5 || Number(timeoutInSeconds) > 300)
    throw new ApiError(400, "InvalidParameter", "timeoutInSeconds must be from 5 to 300");
  const texts = Object.entries(config as Record<string, string>).flat();
  if (Buffer.byteLength(texts.join("")) > CONFIG_LIMIT)
    throw new ApiError(400, "InvalidParameter", "config exceeds 4 KB");
}

/** A function's source, the image pinned to a digest: the one given, or the tag's at this moment. @throws {ApiError} */
export function pinSource(registry: Registry, source: Record<string, string>, shape: string): object {
  const { sourceType, image = "", imageDigest } = source;
  if (sourceType !== "CONTAINER_IMAGE")
    throw new ApiError(501, "NotImplemented", `The local cloud makes no function of ${sourceType}`);
  const { digest, platforms } = registry.find(imageDigest ? byDigest(image, imageDigest) : image);
  if (!ARCHITECTURES[shape]?.every((architecture) => platforms.includes(`linux/${architecture}`))) {
    const message = `Function's image architecture '${platforms}' is incompatible with the application's shape type '${shape}'.`;
    throw new ApiError(400, "InvalidParameter", message);
  }
  return { sourceType, image, imageDigest: digest };
}

/** An image's name with a digest in place of the tag. */
export function byDigest(image: string, digest: string): string {
  return `${image.replace(/:[^:/]+$/, "")}@${digest}`;
}
