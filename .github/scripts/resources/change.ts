import * as z from "zod";
import { get } from "../oci/cli.ts";
import { say } from "../report.ts";

const made = z.object({ id: z.string() });

/** Makes a change and says so, or in a dry run shows the command for it. Returns the OCID of what was changed. */
export type Change = (what: string, args: readonly string[]) => Promise<string>;

export const change: Change = async (what, args) => {
  const { id } = await get(args, made);
  say(`✔ ${what}`);
  return id;
};

export const showChange: Change = async (what, args) => {
  say(`would ${what}:\n  ${shellLine(args)}`);
  return "OCID_OF_THE_ABOVE";
};

/** A command of the CLI, for a shell. */
export function shellLine(args: readonly string[]): string {
  return `oci ${args.map(quote).join(" ")}`;
}

function quote(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
