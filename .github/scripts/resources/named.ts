import * as z from "zod";
import { ask } from "../oci/cli.ts";
import { refusal } from "../oci/cli-error.ts";
import { Refusal } from "../report.ts";

const state = z.object({ lifecycleState: z.string() });

/** Looks whether a variable names what is there. @param args that get it @throws {Refusal} with the variable's name */
export async function requireNamed(variable: string, args: readonly string[]): Promise<void> {
  const answer = await ask(args, state);
  if ("error" in answer) throw new Refusal(`${variable}: ${refusal(args, answer.error).message}`);
  const { lifecycleState } = answer.data;
  if (["DELETING", "DELETED", "FAILED"].includes(lifecycleState))
    throw new Refusal(`${variable} names what is ${lifecycleState} (${args.at(-1)}): set it to one that is ACTIVE`);
}
