// Bundles each src/entries/NAME.ts into the ES module that anywidget loads for that view: wflab/static/NAME.js.
// Every widget instance carries the whole text of its view, so each is minified, self-contained and kept small.
import { readdir } from "node:fs/promises";
import { context } from "esbuild";
import { cssAsText } from "./css_as_text.mjs";
import { pack } from "./packing.mjs";

const LARGEST_KB = 40;
const OUTPUT = "../wflab/static";

const report = {
  name: "report",
  setup(build) {
    build.onEnd(async ({ metafile, errors }) => {
      if (errors.length > 0) return;
      const complaints = [];
      for (const [path, { bytes, imports }] of Object.entries(metafile.outputs)) {
        const kb = (bytes / 1024 > LARGEST_KB ? await pack(path) : bytes) / 1024;
        complaints.push(...imports.map((imported) => `${path} must import nothing, and imports ${imported.path}`));
        if (kb > LARGEST_KB) complaints.push(`${path} has ${kb.toFixed(1)} KB; every widget carries it, so ${LARGEST_KB} is the limit`);
        else console.log(`${path.replace("../", "")}: ${kb.toFixed(1)} KB${kb * 1024 < bytes ? ` (${(bytes / 1024).toFixed(1)} KB packed)` : ""}`);
      }
      return { errors: complaints.map((text) => ({ text })) };
    });
  },
};

const bundle = await context({
  absWorkingDir: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  entryPoints: (await readdir(new URL("src/entries/", import.meta.url))).map((name) => `src/entries/${name}`),
  outdir: OUTPUT,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  plugins: [cssAsText, report],
});

if (process.argv.includes("--watch")) {
  await bundle.watch();
} else {
  try {
    await bundle.rebuild();
  } catch {
    process.exitCode = 1; // esbuild has said why
  }
  await bundle.dispose();
}
