// Bundles src/widget.ts into the one ES module that anywidget loads: wflab/static/widget.js.
// Every widget instance carries the whole text, so it is minified, self-contained and kept small.
import { readFile } from "node:fs/promises";
import { context, transform } from "esbuild";

const LARGEST_KB = 40;
const OUTPUT = "../wflab/static/widget.js";

const cssAsText = {
  name: "css-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const report = {
  name: "report",
  setup(build) {
    build.onEnd(({ metafile, errors }) => {
      if (errors.length > 0) return;
      const [{ bytes, imports }] = Object.values(metafile.outputs);
      const kb = bytes / 1024;
      const complaints = [
        ...imports.map(({ path }) => `the bundle must import nothing, and imports ${path}`),
        ...(kb > LARGEST_KB ? [`the bundle has ${kb.toFixed(1)} KB; every widget carries it, so ${LARGEST_KB} is the limit`] : []),
      ];
      if (complaints.length === 0) console.log(`wflab/static/widget.js: ${kb.toFixed(1)} KB`);
      return { errors: complaints.map((text) => ({ text })) };
    });
  },
};

const bundle = await context({
  absWorkingDir: import.meta.dirname ?? new URL(".", import.meta.url).pathname,
  entryPoints: ["src/widget.ts"],
  outfile: OUTPUT,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2021",
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
