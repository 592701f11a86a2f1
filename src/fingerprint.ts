import type { Item } from "./items.ts";
import { table } from "./table.ts";

/** Increased with each change of what is hashed: what was stored before is then other content. */
const VERSION = 1;

/** By name, since the order in table.ts may change. */
const columns = Object.entries(table.columns).sort(([one], [other]) => (one < other ? -1 : 1));

/**
 * What the items hold is their values once validated: neither blanks nor the order of members. Left out is what is not
 * there, so that a column that is added later changes nothing.
 */
export function fingerprintOf(items: readonly Item[]): Buffer {
  const contents = items.map((item) =>
    columns.flatMap(([name, { traits, digest }]) => {
      const value = item[name];
      if (value === undefined || (value === null && !traits.includes("default"))) return [];
      return [name, value === null ? null : digest(value)];
    }),
  );
  return sha256(`${VERSION}${JSON.stringify(contents)}`);
}

/** Loaded at first use, since it takes a tenth of a start. */
export function sha256(data: string | Uint8Array): Buffer {
  return process.getBuiltinModule("node:crypto").hash("sha256", data, "buffer");
}
