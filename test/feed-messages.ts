/** A message of a feed, and what is to become of it. */
export interface FeedMessage {
  kind: "valid" | "not UTF-8" | "not JSON" | "no item" | "refused by the table";
  content: Buffer;
  /** Of one that is valid. */
  item?: { name: string; description: string | null };
}

/** Beside the table, for there to be items that it refuses. */
export const CHECK = "ALTER TABLE items ADD CONSTRAINT items_no_refused CHECK (name NOT LIKE 'refused %')";

const DESCRIPTIONS = [undefined, null, "", "plain", "Größe 😀", 'quotes " \\ and\nlines', "x".repeat(300)];

/**
 * All different. One in five is invalid, in each way; the last hundred are valid, so that no batch is of such alone as the
 * table refuses, which would be the table's fault.
 *
 * @param owned whether each item has a key of its own; few have else
 */
export function messagesOf(random: () => number, count: number, owned: boolean): FeedMessage[] {
  const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;
  return Array.from({ length: count }, (_, index) => {
    const luck = count - index > 100 ? random() : 1;
    const text = `${owned ? "queue" : "stream"} ${index}`;
    if (luck < 0.15) return invalid(pick(owned ? (["no item"] as const) : INVALID), text, pick);
    const name = `${text} ${pick(["ascii", "Größe 😀", "back\\slash", "'quote'"])}`;
    if (luck < 0.2 && !owned)
      return { kind: "refused by the table", content: Buffer.from(JSON.stringify({ name: `refused ${name}` })) };
    const description = pick(DESCRIPTIONS);
    const key = (owned || random() < 0.1) && { idempotency_key: text.replace(" ", "-") };
    const content = Buffer.from(JSON.stringify({ name, ...(description !== undefined && { description }), ...key }));
    return { kind: "valid", content, item: { name, description: description ?? null } };
  });
}

const INVALID = ["not UTF-8", "not JSON", "no item"] as const;

function invalid(kind: (typeof INVALID)[number], text: string, pick: (list: readonly string[]) => string): FeedMessage {
  if (kind === "not UTF-8") return { kind, content: Buffer.from(`{"name":"\xff\xfe ${text}"}`, "latin1") };
  const forms = {
    "not JSON": [`{"name":"${text}"`, `${text}`, `{"name":"${text}"}{}`, `{"name":"${text}\n"}`],
    "no item": [
      `{"nam":"${text}"}`,
      `["${text}"]`,
      `"${text}"`,
      `{"name":"${text}\\u0000"}`,
      `{"name":"${text} \\ud800"}`,
      `{"name":"${text}","\\u0000":1}`,
      JSON.stringify({ name: `${text} ${"long".repeat(64)}` }),
      `{"name":"${text}","name":"${text}"}`,
    ],
  };
  return { kind, content: Buffer.from(pick(forms[kind])) };
}
