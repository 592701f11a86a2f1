import { type Line, ratioOf } from "./stats.ts";

const WIDTH = 720;
const LABEL = 330;
const ROW = 26;

/** Ratios to the floor as bars, with the bar to reach as a tick. */
export function chartOf(lines: readonly Line[]): string {
  const shown = lines.filter(({ floor, bar, unit }) => floor && bar !== undefined && unit !== "µs a row");
  const largest = Math.max(...shown.map((line) => Math.max(ratioOf(line), line.bar ?? 0)));
  const x = (ratio: number) => LABEL + (ratio / largest) * (WIDTH - LABEL - 60);
  const height = (shown.length + 2) * ROW;
  const rows = shown.map((line, index) => {
    const top = (index + 1) * ROW;
    const ratio = ratioOf(line);
    const bar = line.bar ?? 0;
    return `<text x="${LABEL - 8}" y="${top + 16}" text-anchor="end">${line.what}</text>
<rect x="${LABEL}" y="${top + 4}" width="${(x(ratio) - LABEL).toFixed(1)}" height="${ROW - 10}" rx="2" fill="#c74634"/>
<text x="${(x(Math.max(ratio, bar)) + 6).toFixed(1)}" y="${top + 16}">${ratio.toFixed(2)} ×</text>
<line x1="${x(bar).toFixed(1)}" x2="${x(bar).toFixed(1)}" y1="${top + 1}" y2="${top + ROW - 3}" stroke="#312d2a" stroke-dasharray="2 2"/>`;
  });
  const floor = `<line x1="${x(1).toFixed(1)}" x2="${x(1).toFixed(1)}" y1="${ROW}" y2="${height - ROW}" stroke="#8b8580"/>
<text x="${x(1).toFixed(1)}" y="${height - 8}" text-anchor="middle">1 × = the floor; dashed: the bar</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>Ratios to the floor</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="17" font-weight="bold">Against the floor (rows a second: more is better; all else: less)</text>
${floor}
${rows.join("\n")}
</svg>
`;
}
