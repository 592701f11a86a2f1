const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/**
 * A number as it was written, digit for digit: as JSON's number (read by `parseExactly`), and where `quoted`, as a string
 * that holds one. Undefined for any other value.
 */
export function numberIn(value: unknown, quoted: boolean): string | undefined {
  if (JSON.isRawJSON(value)) return value.rawJSON;
  return quoted && typeof value === "string" && NUMBER.test(value) ? value : undefined;
}

/**
 * The digits without zeros at their ends, and the power of ten of the last: 0.0120 is 12 and -3; of zero there is no digit.
 * And how many digits were written after the point, negative where an exponent puts zeros before it.
 */
export function decimalOf(source: string): { digits: string; exponent: number; scale: number } {
  const [, whole = "", fraction = "", power = "0"] = /^-?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(source) ?? [];
  const scale = fraction.length - Number(power);
  const digits = (whole + fraction).replace(/^0+/, "");
  // A regular expression would look at each row of zeros once for each zero in it.
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  if (end === 0) return { digits: "", exponent: 0, scale };
  return { digits: digits.slice(0, end), exponent: digits.length - end - scale, scale };
}

/** What PostgreSQL's numeric holds, of digits before the point and after it. */
const MOST_BEFORE = 131_072;
const MOST_AFTER = 16_383;

/** From here on PostgreSQL refuses an exponent, of zero too. */
const MOST_ZEROS = 2 ** 30;

/** Why PostgreSQL's numeric, and so its jsonb, cannot hold a number digit for digit. */
export function faultInNumeric(source: string): string | undefined {
  const { digits, exponent, scale } = decimalOf(source);
  const isHeld = digits.length + exponent <= MOST_BEFORE && scale <= MOST_AFTER && scale > -MOST_ZEROS;
  return isHeld ? undefined : "has more digits than numeric holds";
}
