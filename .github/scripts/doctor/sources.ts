import type * as z from "zod";
import { type ImageManifest, readImage, registryToken } from "../image/registry.ts";
import { type Answer, ask } from "../oci/cli.ts";
import type { CliError } from "../oci/cli-error.ts";
import { type Smoke, smoke } from "../smoke.ts";

export type Ask = <T>(args: readonly string[], schema: z.ZodType<T>) => Promise<Answer<T>>;

/** Where facts come from. */
export interface Sources {
  ask: Ask;
  /** @throws {Refusal} when the registry may not be read */
  readImage(registry: string, path: string, digest: string): Promise<ImageManifest | undefined>;
  smoke(functionId: string): Promise<Smoke>;
}

/** A start of the CLI is half a second of a core. */
const AT_ONCE = 4;

/** OCI itself. A fact that could not be asked for is one that could not be read. */
export function openSources(): Sources {
  return {
    ask: sparingly((args, schema) => ask(args, schema).catch((error) => ({ error: noAnswer(error) }))),
    readImage: async (registry, path, digest) => readImage(registry, path, digest, await registryToken(registry)),
    smoke: (id) => smoke(id).catch((error) => ({ code: noAnswer(error).code, meaning: noAnswer(error).message })),
  };
}

function noAnswer(error: Error): CliError {
  return { status: undefined, code: "NoAnswer", message: error.message };
}

/** Few at once, and the same question once. */
function sparingly(ask: Ask): Ask {
  const asked = new Map<string, Promise<Answer<unknown>>>();
  const waiting: (() => void)[] = [];
  let running = 0;
  async function askInTurn<T>(args: readonly string[], schema: z.ZodType<T>): Promise<Answer<T>> {
    if (running === AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await ask(args, schema);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }
  return <T>(args: readonly string[], schema: z.ZodType<T>) => {
    const question = args.join(" ");
    // The same question comes with the same schema.
    const answer = (asked.get(question) as Promise<Answer<T>> | undefined) ?? askInTurn(args, schema);
    asked.set(question, answer);
    return answer;
  };
}
