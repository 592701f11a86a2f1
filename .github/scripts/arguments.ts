import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { Refusal } from "./report.ts";

/**
 * The options of a command. What it does not know may be meant to hold it back, such as --dry-run.
 *
 * @throws {Refusal} with the usage
 */
export function readArguments<T extends ParseArgsOptionsConfig>(usage: string, options: T) {
  try {
    if (process.env.npm_config_dry_run === "true")
      throw new Error("npm took --dry-run for itself, for want of a -- before it");
    return parseArgs({ options }).values;
  } catch (error) {
    throw new Refusal(`${(error as Error).message}. Usage: ${usage}`);
  }
}
