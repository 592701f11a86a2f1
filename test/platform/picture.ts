/**
 * Draws what a terminal shows, a command and what it wrote, from stdin to stdout, as SVG. The pictures of docs/ were made so:
 *   FORCE_COLOR=1 npm run --silent demo | node test/platform/picture.ts 'npm run demo' > docs/demo.svg
 *   npm run --silent provision 2>&1 | sed -E 's/\.[0-9a-f]{24}/.…/g; s/([0-9a-f]{8})[0-9a-f]{32,}/\1…/g' |
 *     node test/platform/picture.ts 'npm run provision' > docs/provision.svg
 */
import { text } from "node:stream/consumers";

const [CHARACTER, LINE, MARGIN] = [7.8, 18, 16];

/** By the number of an escape sequence that begins a style; one that ends a style ends all. */
const STYLES: Readonly<Record<string, string>> = {
  1: 'font-weight="bold"',
  2: 'fill="#8b8580"',
  31: 'fill="#ff6b5e"',
  32: 'fill="#6cc070"',
  36: 'fill="#5cc3d6"',
};

const escapeXml = (part: string) => part.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** The parts of a line between escape sequences, of which every second is a style's number. */
function drawLine(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what begins a style
  const [plain = "", ...styled] = line.split(/\u001b\[(\d+)m/);
  const spans = styled.flatMap((style, index) => {
    const part = escapeXml(styled[index + 1] ?? "");
    if (index % 2 === 1 || part === "") return [];
    return STYLES[style] ? `<tspan ${STYLES[style]}>${part}</tspan>` : part;
  });
  return [escapeXml(plain), ...spans].join("");
}

const [, , command = ""] = process.argv;
const lines = [`$ ${command}`, ...(await text(process.stdin)).trimEnd().split("\n")];
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const longest = Math.max(...lines.map((line) => line.replaceAll(/\u001b\[\d+m/g, "").length));
const drawn = lines.map((line, index) => `<text y="${MARGIN + (index + 1) * LINE}">${drawLine(line)}</text>`);
const [width, height] = [Math.ceil(longest * CHARACTER + 2 * MARGIN), (lines.length + 1) * LINE + MARGIN];
console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="monospace" font-size="13" fill="#f1efed">
<title>${escapeXml(command)}</title>
<rect width="100%" height="100%" rx="6" fill="#201e1c"/>
<g transform="translate(${MARGIN})" xml:space="preserve" style="white-space: pre">
${drawn.join("\n")}
</g>
</svg>`);
