import type { Table } from "../src/columns.ts";
import type { Postgres } from "./platform/postgres.ts";

interface Found {
  name: string;
  type: string;
  notNull: boolean;
  /** Whether the database has a value of its own for it. */
  made: boolean;
  computed: boolean;
  primary: boolean;
}

/** In what the database's table is another than that of table.ts. */
export async function disagreements({ query }: Postgres, { columns }: Table, relation: string): Promise<string[]> {
  const found = await query<Found>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS "notNull",
       atthasdef OR attidentity <> '' AS made, attgenerated <> '' AS computed,
       EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary AND indnkeyatts = 1 AND indkey[0] = attnum) AS primary
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
    [relation],
  );
  const faults: string[] = [];
  const expect = (name: string, holds: boolean, fault: string) => holds || faults.push(`${name} ${fault}`);

  const id = found.find(({ name }) => name === "id");
  expect("id", id?.primary === true, "is not the primary key");
  expect("id", id?.made === true, "is neither serial nor an identity");
  expect("id", /^(big|small)?int(eger)?$/.test(id?.type ?? ""), "is no whole number");

  for (const { name } of found)
    expect(name, name === "id" || name in columns, "is in the database and not in table.ts");
  for (const [name, { type, traits }] of Object.entries(columns)) {
    const column = found.find((one) => one.name === name);
    expect(name, column !== undefined, "is in table.ts and not in the database");
    if (!column) continue;
    const [notNull, defaults, generated] = (["not null", "default", "generated"] as const).map((trait) =>
      traits.includes(trait),
    );
    expect(name, column.type === type, `is ${column.type} in the database, and ${type} in table.ts`);
    if (generated) {
      expect(name, column.made, `is "generated" in table.ts, and the database makes no value of it`);
    } else {
      expect(name, column.notNull || !notNull, `is "not null" in table.ts alone`);
      expect(name, !column.notNull || notNull === true, `is NOT NULL in the database alone`);
      expect(name, column.made || !defaults, `has its "default" in table.ts alone`);
      expect(name, !column.made || defaults === true, `has its DEFAULT in the database alone, and would not take it`);
      expect(name, !column.computed, `is computed by the database, and not "generated" in table.ts`);
    }
  }
  return faults;
}
