import { assertNoSecret } from "./fixture.ts";
import type { Platform } from "./platform/platform.ts";

/** A message that is an item. */
export const item = (name: string, more = {}) => JSON.stringify({ name, ...more });

/** Invokes with a delivery, as Connector Hub does. */
export async function deliver(body: unknown, platform: Platform) {
  const sent = body instanceof Buffer ? body : JSON.stringify(body);
  const { code, callId, body: answer } = await platform.functions.invoke({ body: sent });
  const text = answer.toString();
  assertNoSecret(platform, text);
  return { code, callId, json: JSON.parse(text) };
}

export function empty({ postgres }: Platform): Promise<unknown> {
  return postgres.query("TRUNCATE items, items_keys, items_rejected");
}

export async function namesIn({ postgres }: Platform): Promise<string[]> {
  return (await postgres.query<{ name: string }>("SELECT name FROM items ORDER BY id")).map(({ name }) => name);
}

interface Rejected {
  source: { stream: string | null; offset: unknown };
  content: Buffer;
  errors: { pointer: string; detail: string }[];
}

export function rejectedIn({ postgres }: Platform): Promise<Rejected[]> {
  return postgres.query("SELECT source, content, errors FROM items_rejected ORDER BY content");
}
