import type { Table } from "../src/columns.ts";
import type { Postgres } from "./platform/postgres.ts";
import { quoted } from "./samples.ts";
import type { Source } from "./values.ts";

/** An item as JSON writes it. */
export function bodyOf(item: Record<string, Source>): string {
  const members = Object.entries(item).filter(([, source]) => source !== undefined);
  return `{${members.map(([name, source]) => `${JSON.stringify(name)}: ${source}`)}}`;
}

/**
 * The columns of rows that are not what was sent, or told, where PostgreSQL itself reads that: text byte for byte, numbers
 * digit for digit. One that was left out must be as the default is, where that is the same each time.
 */
export async function strangers(
  { query }: Postgres,
  { columns }: Table,
  relation: string,
  ids: readonly unknown[],
  items: readonly Record<string, Source>[],
  all = false,
): Promise<unknown[]> {
  const faults: unknown[] = [];
  for (const [name, { type, base, traits }] of Object.entries(columns)) {
    if (traits.includes("generated") && !all) continue;
    const sent = items.map((item, place) => ({ id: ids[place], source: item[name] }));
    const same = (stored: string, value: string) => {
      if (base === "text") return `convert_to(${stored}, 'UTF8') = convert_to(${value}, 'UTF8')`;
      if (base === "double precision") return `float8send(${stored}) = float8send(${value}::float8)`;
      if (type === "numeric") return `${stored}::text = (${value}::numeric)::text`;
      return `${stored} = ${value}::${base}`;
    };
    const brought = sent.filter(({ source }) => source !== undefined);
    const rows = await query(
      `SELECT id, stored::text, value FROM unnest($1::bigint[], $2::text[]) AS sent (id, value)
         LEFT JOIN (SELECT id, ${quoted(name)} AS stored FROM ${relation}) AS kept USING (id)
       WHERE CASE WHEN value IS NULL OR stored IS NULL THEN value IS NOT NULL OR stored IS NOT NULL
         ELSE NOT (${same("stored", "value")}) END`,
      [brought.map(({ id }) => id), brought.map(({ source }) => literalOf(source as string, base))],
    );
    faults.push(...rows.map((row) => ({ name, ...row })));
    const left = sent.filter(({ source }) => source === undefined).map(({ id }) => id);
    if (left.length === 0) continue;
    const usual = await defaultOf(query, relation, name);
    const others = await query(
      `SELECT id, ${quoted(name)}::text AS stored FROM ${relation}
       WHERE id = ANY ($1::bigint[]) AND ${usual === undefined ? `${quoted(name)} IS NULL` : `${quoted(name)}::text IS DISTINCT FROM $2`}`,
      usual === undefined ? [left] : [left, usual],
    );
    faults.push(...others.map((row) => ({ name, usual, ...row })));
  }
  return faults;
}

/** What PostgreSQL is to read: of a string what it holds, else the source itself. */
function literalOf(source: string, base: string): string | null {
  if (source === "null") return null;
  return base !== "jsonb" && source.startsWith('"') ? JSON.parse(source) : source;
}

/** A column's default as text; undefined where it is another each time. */
async function defaultOf(query: Postgres["query"], relation: string, name: string): Promise<string | null | undefined> {
  const [found] = await query<{ expression: string; type: string }>(
    `SELECT pg_get_expr(adbin, adrelid) AS expression, format_type(atttypid, atttypmod) AS type
     FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = $1::regclass AND attname = $2`,
    [relation, name],
  );
  if (!found) return null;
  const evaluated = [];
  for (let times = 0; times < 3; times++)
    evaluated.push((await query(`SELECT ((${found.expression})::${found.type})::text AS value`))[0]?.value);
  return new Set(evaluated).size === 1 ? evaluated[0] : undefined;
}
