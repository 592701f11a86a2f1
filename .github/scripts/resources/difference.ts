/**
 * What of a resource is not as it should be, place by place: "a.b 1 → 2", "a.c added", "d[0] removed". The services answer with
 * each field that they know; one that is null, false, empty or 0 stands for one that is not there.
 */
export function differences(found: unknown, wanted: unknown, at = ""): string[] {
  if (isBlank(found) && isBlank(wanted)) return [];
  if (isBlank(found)) return [`${at} added`];
  if (isBlank(wanted)) return [`${at} removed`];
  if (Array.isArray(found) && Array.isArray(wanted)) {
    if (![...found, ...wanted].some((each) => typeof each === "object"))
      return sameSet(found, wanted) ? [] : [`${at} ${found.join(", ")} → ${wanted.join(", ")}`];
    const length = Math.max(found.length, wanted.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      differences(found[index], wanted[index], `${at}[${index}]`),
    );
  }
  if (typeof found === "object" && typeof wanted === "object") {
    const [has, needs] = [found as Record<string, unknown>, wanted as Record<string, unknown>];
    const keys = new Set([...Object.keys(needs), ...Object.keys(has)]);
    return [...keys].flatMap((key) => differences(has[key], needs[key], at ? `${at}.${key}` : key));
  }
  if (typeof found === "object" || typeof wanted === "object") return [`${at} changed`];
  return found === wanted ? [] : [`${at} ${found} → ${wanted}`];
}

export function sameSet(a: readonly unknown[], b: readonly unknown[]): boolean {
  return JSON.stringify([...a].sort()) === JSON.stringify([...b].sort());
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isBlank);
}
