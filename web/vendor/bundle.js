/** Makes `three_vrm.js` and `LICENSES` of the pinned packages: `npm install && npm run vendor`. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");

const NOTICE =
  "/* Made by `npm run vendor`; whose code this is: LICENSES and the end of this file. */";

const result = await build({
  entryPoints: [join(here, "entry.js")],
  outfile: join(here, "three_vrm.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  banner: { js: NOTICE },
  absWorkingDir: join(here, ".."),
});

const packages = new Set();
for (const [file, part] of Object.entries(Object.values(result.metafile.outputs)[0].inputs)) {
  const found = file.match(/node_modules\/((?:@[^/]+\/)?[^/]+)/);
  if (found && part.bytesInOutput) packages.add(found[1]);
}
// three-vrm's file already holds its parts, which are packages of the same makers.
const texts = [...packages].sort().map((name) => {
  const { version, license, homepage } = JSON.parse(
    readFileSync(join(modules, name, "package.json"), "utf8"),
  );
  const text = readFileSync(join(modules, name, "LICENSE"), "utf8").trim();
  return `${name} ${version} (${license})\n${homepage ?? ""}\n\n${text}\n`;
});
const rule = "\n" + "-".repeat(80) + "\n\n";
const heading = "three_vrm.js holds these packages:\n\n";
const licences = heading + texts.join(rule);
writeFileSync(join(here, "LICENSES"), licences);
// The licences want to go where the code goes, which is also into pages of one file.
appendFileSync(join(here, "three_vrm.js"), `/*!\n${licences}*/\n`);
