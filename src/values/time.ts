const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-5]):[0-5]\d)$/i;

/** A day of the calendar, as ISO 8601 has it. There is no year 0 in PostgreSQL. */
export function isDate(value: unknown): boolean {
  const [, year, month, day] = typeof value === "string" ? (DATE.exec(value)?.map(Number) ?? []) : [];
  if (!year || !month || !day) return false;
  const days = month === 2 && (year % 4 > 0 || (year % 100 === 0 && year % 400 > 0)) ? 28 : DAYS[month - 1];
  return days !== undefined && day <= days;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** RFC 3339, without what PostgreSQL would change or refuse: leap seconds, more than microseconds, offsets from 16 hours on. */
export function isTime(value: unknown): boolean {
  return (
    typeof value === "string" && /^.{10}T/i.test(value) && isDate(value.slice(0, 10)) && TIME.test(value.slice(11))
  );
}
