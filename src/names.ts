import { table } from "./table.ts";

/** Quoted, so that a name may be any. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const named = (name: string) => [table.schema ?? [], name].flat().map(quoted).join(".");

/** The names of the tables beside it, as PostgreSQL's errors have them. */
export const KEYS_NAME = `${table.name}_keys`;
const REJECTED_NAME = `${table.name}_rejected`;

/** The table's name in SQL, and those of the tables beside it. */
export const TABLE = named(table.name);
export const KEYS = named(KEYS_NAME);
export const REJECTED = named(REJECTED_NAME);

/** Whether an error is about those beside it, and so says nothing of an item. */
export function isBeside({ table: name }: { table?: string | undefined }): boolean {
  return name === KEYS_NAME || name === REJECTED_NAME;
}
