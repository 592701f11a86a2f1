import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";

const INDEX = /manifest\.list|image\.index/;
/** How gzip begins. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Of a tar archive, bytes. */
const BLOCK = 512;

interface Descriptor {
  digest: string;
  platform?: { os: string; architecture: string };
}

/** What a manifest says; a list has `manifests`, and an image the rest. */
export interface Manifest {
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

export function isIndex(mediaType: string): boolean {
  return INDEX.test(mediaType);
}

/** A file of an image, from the last layer that has it; layers are tar archives, mostly compressed. */
export function readFileOf(layers: readonly Buffer[], path: string): Buffer | undefined {
  for (const layer of layers.toReversed()) {
    const isGzip = layer.subarray(0, 2).equals(GZIP);
    const file = readTar(isGzip ? gunzipSync(layer) : layer, path);
    if (file) return file;
  }
  return undefined;
}

/** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
function readTar(archive: Buffer, path: string): Buffer | undefined {
  for (let at = 0; at + BLOCK <= archive.length && archive[at] !== 0; ) {
    const text = (from: number, length: number) =>
      archive.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8) || 0;
    if (text(0, 100).replace(/^\.?\//, "") === path) return archive.subarray(at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}
