import type { Store } from "./store.ts";

/** Whether a statement of a policy, as bootstrap writes them, has all of these words. */
export function isGranted(store: Store, ...words: string[]): boolean {
  const grants = (statement: string) => words.every((word) => statement.toLowerCase().includes(word.toLowerCase()));
  return store.all("policy").some(({ statements }) => statements.some(grants));
}
