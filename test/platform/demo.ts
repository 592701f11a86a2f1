import { table } from "../../src/table.ts";
import { parseExactly } from "../../src/values/json.ts";
import { type Platform, startPlatform } from "./platform.ts";
import { drawTable, paint, readPayload, run } from "./terminal.ts";

/** Longer answers and tables are cut for the reader. */
const SHOWN_ROWS = 20;

const quoted = (name: string) => (/^[a-z_][a-z\d_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);
const relation = [table.schema ?? [], table.name].flat().map(quoted).join(".");

/** For people to paste. */
export const SELECT = `SELECT * FROM ${relation}`;

export function introduce({ postgres, vault, url, functions }: Platform, milliseconds: number): void {
  const lines = [
    [
      "PostgreSQL",
      `${postgres.version} on port ${postgres.port}, table ${relation}, user ${postgres.credentials.username}`,
    ],
    ["OCI Vault", `${vault.endpoint}, one secret for one resource principal`],
    [
      "OCI Functions",
      `${url}, ${functions.options.name}, ${functions.options.memory} MB, ${functions.options.timeoutSeconds} s`,
    ],
  ];
  for (const [name = "", what] of lines)
    console.log(`${paint("green", "✔")} ${paint("bold", name.padEnd(13))} ${what}`);
  console.log(paint("dim", `  all of it local, started in ${Math.round(milliseconds)} ms\n`));
}

/** Invokes with a file, as `oci fn function invoke` would, and shows what came of it. Tells whether it was stored. */
export async function invokeWith(platform: Platform, file: string): Promise<boolean> {
  const body = readPayload(file);
  console.log(`${paint("cyan", "→")} invoke with ${paint("bold", file)}, ${body.length} bytes`);
  const { code, body: answer, milliseconds, coldStart } = await platform.functions.invoke({ body });
  const json = Object(parseExactly(answer.toString()));
  const took = `${Math.round(milliseconds)} ms${coldStart ? ", the container's start included" : ""}`;
  console.log(`${paint("cyan", "←")} ${took}\n${JSON.stringify(json, null, 2)}\n`);
  const stored = code === undefined && !("status" in json);
  if (!stored) console.log(platform.functions.logs.at(-1));
  return stored;
}

export async function showTable({ postgres }: Platform): Promise<void> {
  const [total] = await postgres.query<{ count: string }>(`SELECT count(*) FROM ${relation}`);
  // As PostgreSQL writes them: JavaScript would round numbers and times.
  const columns = ["id", ...Object.keys(table.columns)].map((name) => `last.${quoted(name)}::text`);
  const last = `SELECT * FROM ${relation} ORDER BY id DESC LIMIT ${SHOWN_ROWS}`;
  const rows = await postgres.query(`SELECT ${columns.join(", ")} FROM (${last}) AS last ORDER BY last.id`);
  console.log(paint("dim", `${SELECT};`));
  if (rows.length > 0) console.log(drawTable(rows));
  console.log(
    `(${total?.count} ${total?.count === "1" ? "row" : "rows"}${Number(total?.count) > rows.length ? `, the last ${rows.length} shown` : ""})`,
  );
}

if (import.meta.main) {
  await run(async () => {
    const file = process.argv[2] ?? "payload.json";
    readPayload(file);
    const started = performance.now();
    await using platform = await startPlatform();
    introduce(platform, performance.now() - started);
    if (!(await invokeWith(platform, file))) process.exitCode = 1;
    await showTable(platform);
  });
}
