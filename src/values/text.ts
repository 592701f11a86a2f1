/** Why a value is no text that PostgreSQL can hold unchanged. */
export function faultInText(value: unknown, notEmpty = false): string | undefined {
  if (typeof value !== "string") return "must be a string";
  if (notEmpty && value === "") return "must not be empty";
  if (value.includes("\0")) return "contains U+0000, which PostgreSQL cannot store";
  if (!value.isWellFormed()) return "contains an unpaired surrogate, which is not a Unicode character";
  return undefined;
}
