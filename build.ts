import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";

/**
 * Makes dist/func.js, the whole of what ships, and beside it the licences of what it contains. For another table than that
 * of src/table.ts: `node build.ts its/table.ts its/func.js`.
 */
const [table = "src/table.ts", outfile = "dist/func.js"] = process.argv.slice(2);
const folder = dirname(outfile);
const { metafile } = await build({
  metafile: true,
  entryPoints: ["src/func.ts"],
  outfile,
  plugins: [
    {
      name: "table",
      setup: ({ onResolve }) => onResolve({ filter: /^\.{1,2}\/table\.ts$/ }, () => ({ path: resolve(table) })),
    },
  ],
  bundle: true,
  platform: "node",
  target: "node24",
  // Starts 18 ms sooner than an ES module (52 ms against 70).
  format: "cjs",
  minify: true,
  sourcemap: "linked",
  sourcesContent: false,
  logLevel: "warning",
  alias: {
    // node-fetch, which the OCI SDK brings, asks it for the URL class where Node.js has none: 290 kB never used, and a
    // deprecation warning (DEP0040, punycode) in the function's log.
    "whatwg-url": "node:url",
  },
  // Without Node.js's own, which is a second HTTP client to load (a sixth of a cold start, and 7 MB), the OCI SDK takes the
  // fetch that it brings, on node:http, which the FDK has loaded already. So src/ has none of these: biome.json forbids them.
  banner: {
    js: '"use strict"; for (const name of ["fetch", "Headers", "Request", "Response"]) delete globalThis[name];',
  },
  // pg looks for it in a getter that is not called here.
  external: ["pg-native"],
});

// Beside the project's own package.json, which says "module"; the image has neither.
writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');

const packages = Object.keys(metafile.inputs).map(
  (path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0],
);
const notices = [...new Set(packages)].flatMap((found) => (found ? [noticeOf(found)] : [])).sort();
writeFileSync(join(folder, "LICENSES.txt"), notices.join(`\n${"-".repeat(80)}\n`));

function noticeOf(folder: string): string {
  const { name, version, license = "see below" } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying|third_party)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}
