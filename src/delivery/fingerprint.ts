import { table } from "../table.ts";
import type { Item } from "./items.ts";

/** To be raised with each change of what is hashed: a key that was stored before then counts as used for other content. */
const VERSION = 1;

/** By name, since the order in table.ts may change. */
const columns = Object.entries(table.columns).sort(([one], [other]) => (one < other ? -1 : 1));

/**
 * SHA-256, in hexadecimal, of what items hold: of their values once validated, so that neither blanks nor the order of members
 * make a difference. Left out is what is not there, so that a column that is added later makes none either.
 */
export function fingerprintOf(items: readonly Item[]): string {
  let content = `${VERSION}`;
  for (const item of items) {
    content += "\n";
    for (const [name, { traits, digest }] of columns) {
      const value = item[name];
      if (value === undefined || (value === null && !traits.includes("default"))) continue;
      content += `${JSON.stringify(name)}:${value === null ? "null" : JSON.stringify(digest(value))},`;
    }
  }
  return sha256(content);
}

/** In hexadecimal. Loaded at first use, since it takes a tenth of a start. */
export function sha256(data: string | Uint8Array): string {
  return process.getBuiltinModule("node:crypto").hash("sha256", data);
}
