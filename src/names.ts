import { table } from "./table.ts";

/** Quoted, so that a name may be any. */
export const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
export const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const named = (name: string) => [table.schema ?? [], name].flat().map(quoted).join(".");

/** The table's name in SQL, and those of the tables beside it. */
export const TABLE = named(table.name);
export const KEYS = named(`${table.name}_keys`);
export const REJECTED = named(`${table.name}_rejected`);

/** Their names as PostgreSQL's errors have them. */
const BESIDE: readonly (string | undefined)[] = [`${table.name}_keys`, `${table.name}_rejected`];

/** Whether an error is about those tables, and so says nothing of an item. */
export function isBeside({ table: name }: { table?: string | undefined }): boolean {
  return BESIDE.includes(name);
}
