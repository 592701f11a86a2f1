import fc from "fast-check";
import type { Column } from "../src/columns.ts";

/** A value as JSON writes it; undefined for one that is left out. */
export type Source = string | undefined;

const SPECIAL = fc.constantFrom('"', "\\", "{", "}", ",", "'", "NULL", " ", "\n", "\ufeff", "e\u0301", "😀", "%", "$1");

/** Text that PostgreSQL can hold. */
const text = fc
  .string({ unit: fc.oneof(fc.string({ unit: "binary", minLength: 1, maxLength: 1 }), SPECIAL), maxLength: 100 })
  .filter((value) => !value.includes("\0"));

const digits = (most: number) => fc.stringMatching(new RegExp(`^(0|[1-9]\\d{0,${most - 1}})$`));
const sign = fc.constantFrom("", "-");

/** Numbers of any size and precision, as they may be written. */
const number = fc
  .tuple(sign, digits(40), fc.stringMatching(/^(\.\d{1,30})?$/), fc.stringMatching(/^([eE][+-]?\d{1,2})?$/))
  .map((parts) => parts.join(""));

const json = fc.letrec<{ any: string }>((tie) => {
  const key = fc.oneof(
    fc.constantFrom("__proto__", "constructor", "", "rawJSON", "a/b~c"),
    text.map((value) => value.replaceAll("\\", "/")),
  );
  const members = fc.uniqueArray(fc.tuple(key, tie("any")), { selector: ([name]) => name, maxLength: 4 });
  return {
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom("null", "true", "false", "1e400", "-0", "9007199254740993", "{}", "[]"),
      number,
      text.map((value) => JSON.stringify(value)),
      fc.array(tie("any"), { maxLength: 4 }).map((values) => `[${values.join(" , ")}]`),
      members.map((all) => `{${all.map(([name, value]) => `${JSON.stringify(name)}: ${value}`)}}`),
    ),
  };
}).any;

const day = fc
  .date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const clock = fc
  .tuple(fc.integer({ max: 23, min: 0 }), fc.integer({ max: 59, min: 0 }), fc.integer({ max: 59, min: 0 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
const offset = fc.oneof(fc.constantFrom("Z", "z", "-00:00"), fc.stringMatching(/^[+-](0\d|1[0-5]):[0-5]\d$/));
const time = fc
  .tuple(day, fc.constantFrom("T", "t"), clock, fc.stringMatching(/^(\.\d{1,6})?$/), offset)
  .map((parts) => parts.join(""));

const quoted = (value: string) => JSON.stringify(value);
/** As JSON's number or as a string. */
const eitherWay = (source: fc.Arbitrary<string>) => fc.oneof(source, source.map(quoted));

const whole = (bits: bigint) => {
  const [least, most] = [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
  return fc.oneof(fc.constantFrom(least, most, 0n), fc.bigInt({ min: least, max: most })).map(String);
};

/** Of so many digits with so many after the point, with zeros behind, and with an exponent as well. */
function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  const all = fc.tuple(
    sign,
    fc.bigInt({ min: 0n, max: 10n ** BigInt(precision) - 1n }),
    fc.constantFrom("", "0", "000"),
  );
  return fc.oneof(
    all.map(([minus, value, zeros]) => {
      const padded = String(value).padStart(scale + 1, "0");
      const [before, after] = [padded.slice(0, padded.length - scale), padded.slice(padded.length - scale) + zeros];
      return `${minus}${before}${after && `.${after}`}`;
    }),
    all.map(([minus, value]) => `${minus}${value}e-${scale}`),
  );
}

const double = fc.double({ noNaN: true, noDefaultInfinity: true }).chain((value) => {
  const plain = Object.is(value, -0) ? "-0" : String(value);
  return fc.constantFrom(plain, value.toExponential(), plain.replace(/^(-?\d+)$/, "$1.00"));
});

/** Values that a column takes, null apart. */
function valuesOf({ type, traits }: Column): fc.Arbitrary<string> {
  const [, name, length, scale] = /^([a-z ]+)(?:\((\d+)(?:,(\d+))?\))?$/.exec(type) ?? [];
  const kept = text.filter((value) => value !== "" || !traits.includes("not empty"));
  switch (name) {
    case "text":
      return kept.map(quoted);
    case "character varying":
      return kept
        .map((value) => [...value].slice(0, Number(length)).join(""))
        .filter((value) => value !== "" || !traits.includes("not empty"))
        .map(quoted);
    case "integer":
      return whole(32n);
    case "bigint":
      return eitherWay(whole(64n));
    case "numeric":
      return eitherWay(length === undefined ? number : decimals(Number(length), Number(scale)));
    case "double precision":
      return double;
    case "boolean":
      return fc.constantFrom("true", "false");
    case "date":
      return day.map(quoted);
    case "timestamp with time zone":
      return time.map(quoted);
    case "uuid":
      return fc
        .oneof(
          fc.uuid(),
          fc.uuid().map((value) => value.toUpperCase()),
        )
        .map(quoted);
    case "jsonb":
      return json.filter((source) => source !== "null");
    default:
      throw new Error(`no values for ${type}`);
  }
}

/** What an item may bring for a column, or do without. */
export function sourcesOf(column: Column): fc.Arbitrary<Source> {
  const values: fc.Arbitrary<Source> = valuesOf(column);
  const notNull = column.traits.includes("not null");
  const others: Source[] = [
    ...(notNull ? [] : ["null"]),
    ...(notNull && !column.traits.includes("default") ? [] : [undefined]),
  ];
  if (others.length === 0) return values;
  return fc.oneof({ weight: 3, arbitrary: values }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}
