import { decimalOf, faultInNumeric, numberIn } from "./values/decimal.ts";
import { faultInJson, inOrder, parseExactly } from "./values/json.ts";
import { faultInText } from "./values/text.ts";
import { isDate, isTime } from "./values/time.ts";

/**
 * What a column is beside its type:
 * - `not null`: an item must bring a value, unless there is a default;
 * - `not empty`: "" is refused;
 * - `default`: an item may leave it out, and the database then takes the column's default;
 * - `generated`: an item may not bring it, and the answer tells what the database made.
 */
type Trait = "not null" | "not empty" | "default" | "generated";

export interface Table {
  /** Absent: the first in the user's search_path that has the table. */
  schema?: string;
  name: string;
  /** All but `id`. */
  columns: Readonly<Record<string, Column>>;
}

export interface Column {
  /** As PostgreSQL's `format_type` has it. Read by `npm run test:table` alone, which holds the database to it. */
  type: string;
  /** The type of the parameter: without length and scale, since a cast to those cuts and rounds in silence. */
  base: string;
  traits: readonly Trait[];
  /** Whether the item must be read with JSON's numbers as they are written, since JavaScript would round them. */
  exact: boolean;
  /** Why a value that is neither absent nor null cannot be stored as it is. */
  fault(value: unknown): string | undefined;
  /** The text from which PostgreSQL reads a value without fault. */
  encode(value: unknown): string;
  /** What is hashed of a value: as it was written, so that Z and +00:00 differ; of JSON in any order of its members the same. */
  digest(value: unknown): string;
  /** SQL that gives the column as text, whatever the session's settings are. */
  read(column: string): string;
  /** What `read` gave, as a value for JSON. */
  decode(text: string): unknown;
}

function define(base: string, traits: Trait[], own: Pick<Column, "fault"> & Partial<Column>): Column {
  const { encode = String } = own;
  const plain = { type: base, exact: false, encode, digest: encode, decode: (text: string) => text };
  return { ...plain, base, traits, read: (column) => `${column}::text`, ...own };
}

export function text(...traits: Trait[]): Column {
  return define("text", traits, { fault: (value) => faultInText(value, traits.includes("not empty")) });
}

/** @param characters as PostgreSQL counts them, in code points, where `String.length` counts UTF-16 units */
export function varchar(characters: number, ...traits: Trait[]): Column {
  const { fault, ...rest } = text(...traits);
  const isLonger = (value: string) =>
    value.length > 2 * characters || (value.length > characters && [...value].length > characters);
  return {
    ...rest,
    type: `character varying(${characters})`,
    fault: (value) =>
      fault(value) ?? (isLonger(value as string) ? `must have at most ${characters} characters` : undefined),
  };
}

/** A column of numbers. An item brings JSON's number, or where `quoted`, also a string that holds one; PostgreSQL gets text. */
function number(base: string, traits: Trait[], quoted: boolean, faultIn: (source: string) => string | undefined) {
  return define(base, traits, {
    exact: true,
    encode: (value) => numberIn(value, quoted) as string,
    fault(value) {
      const source = numberIn(value, quoted);
      return source === undefined ? `must be a number${quoted ? ", or a string that holds one" : ""}` : faultIn(source);
    },
    // NaN and Infinity are no numbers in JSON.
    decode: (text) => (/\d/.test(text) ? JSON.rawJSON(text) : text),
  });
}

function wholeNumber(base: string, bits: bigint, traits: Trait[], quoted: boolean): Column {
  const [least, most] = [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
  return number(base, traits, quoted, (source) => {
    if (!/^-?\d+$/.test(source)) return "must be a whole number, without fraction or exponent";
    const inRange = source.length <= 20 && BigInt(source) >= least && BigInt(source) <= most;
    return inRange ? undefined : `must be from ${least} to ${most}`;
  });
}

export function integer(...traits: Trait[]): Column {
  return wholeNumber("integer", 32n, traits, false);
}

/** Also as a string, since many programs cannot write a number above 2^53. */
export function bigint(...traits: Trait[]): Column {
  return wholeNumber("bigint", 64n, traits, true);
}

/** Kept digit for digit, and never rounded to the scale. Also as a string, as programs write money. */
export function numeric(...traits: Trait[]): Column;
export function numeric(precision: number, scale: number, ...traits: Trait[]): Column;
export function numeric(...given: (number | Trait)[]): Column {
  const traits = given.filter((one) => typeof one === "string");
  const [precision, scale = 0] = given.filter((one) => typeof one === "number");
  const type = precision === undefined ? "numeric" : `numeric(${precision},${scale})`;
  const column = number("numeric", traits, true, (source) => {
    const { digits, exponent } = decimalOf(source);
    const fits = precision === undefined || (exponent >= -scale && digits.length + exponent <= precision - scale);
    return fits || digits === "" ? faultInNumeric(source) : `has more digits than ${type} holds`;
  });
  return { ...column, type };
}

/** Numbers of which no digit gets lost: 0.1 is one, and 0.12345678901234567890 is none. */
export function doublePrecision(...traits: Trait[]): Column {
  const column = number("double precision", traits, false, (source) => {
    const nearest = Number(source);
    const [given, kept] = [decimalOf(source), decimalOf(String(nearest))];
    const isKept = Number.isFinite(nearest) && given.digits === kept.digits && given.exponent === kept.exponent;
    return isKept ? undefined : "has more digits, or is further from 1, than a double precision number can be";
  });
  // Its bytes, since in text digits get lost where the user's extra_float_digits says so.
  const read = (column: string) => `encode(float8send(${column}), 'hex')`;
  return { ...column, read, decode: (text) => numberOf(Buffer.from(text, "hex").readDoubleBE()) };
}

/** JSON has no NaN and no Infinity, and JavaScript writes -0 as 0. */
function numberOf(value: number): unknown {
  if (!Number.isFinite(value)) return String(value);
  return Object.is(value, -0) ? JSON.rawJSON("-0") : value;
}

export function boolean(...traits: Trait[]): Column {
  return define("boolean", traits, {
    fault: (value) => (typeof value === "boolean" ? undefined : "must be true or false"),
    decode: (text) => text === "true",
  });
}

export function date(...traits: Trait[]): Column {
  return define("date", traits, {
    fault: (value) => (isDate(value) ? undefined : "must be a date like 2026-01-31"),
    read: (column) => formatted(`${column}::date`, "YYYY-MM-DD"),
    decode: withoutEra,
  });
}

/** RFC 3339 with an offset; answers have it in UTC, with microseconds. */
export function timestamptz(...traits: Trait[]): Column {
  const fault =
    "must be a time like 2026-01-31T12:00:00.123456+01:00: RFC 3339, with its offset and at most microseconds";
  return define("timestamp with time zone", traits, {
    fault: (value) => (isTime(value) ? undefined : fault),
    read: (column) => formatted(`${column}::timestamptz AT TIME ZONE 'UTC'`, 'YYYY-MM-DD"T"HH24:MI:SS.US+00:00'),
    decode: withoutEra,
  });
}

/** With its era behind it, or as PostgreSQL has it where it is infinite, of which to_char makes NULL. */
const formatted = (time: string, format: string) => `coalesce(to_char(${time}, '${format}BC'), (${time})::text)`;

const withoutEra = (text: string) => text.replace(/AD$/, "").replace(/(?=BC$)/, " ");

export function uuid(...traits: Trait[]): Column {
  const isUuid = (value: unknown) =>
    typeof value === "string" && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value);
  return define("uuid", traits, {
    fault: (value) => (isUuid(value) ? undefined : "must be a UUID like 123e4567-e89b-12d3-a456-426614174000"),
  });
}

/** Any JSON, its numbers digit for digit. Of null in an item it makes NULL. */
export function jsonb(...traits: Trait[]): Column {
  const digest = (value: unknown) => JSON.stringify(inOrder(value));
  return define("jsonb", traits, {
    exact: true,
    fault: faultInJson,
    encode: JSON.stringify,
    digest,
    decode: parseExactly,
  });
}
