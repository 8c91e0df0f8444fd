// Builds the JupyterLab extension: src/index.ts → lib/index.js (esbuild: our own code in one module, JupyterLab's packages left as
// imports) → wflab/labextension (jupyter-builder, from PyPI: the bundle that JupyterLab loads). The version is the Python package's.
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { cssAsText } from "./css_as_text.mjs";

process.chdir(dirname(fileURLToPath(import.meta.url)));

const OUTPUT = "../wflab/labextension";

await build({
  entryPoints: ["src/index.ts"],
  outfile: "lib/index.js",
  bundle: true,
  format: "esm",
  target: "es2021",
  charset: "utf8",
  packages: "external",
  logLevel: "warning",
  plugins: [cssAsText],
});

const built = spawnSync("jupyter-builder", ["build", "."], { encoding: "utf8" });
if (built.error) {
  console.error(`jupyter-builder cannot be started (${built.error.message}). It comes with JupyterLab, or: pip install jupyter-builder`);
  process.exit(1);
}
if (built.status !== 0) {
  console.error(built.stdout, built.stderr);
  process.exit(1);
}

const manifest = JSON.parse(await readFile(`${OUTPUT}/package.json`, "utf8"));
const [, version] = /^version = "([^"]+)"/m.exec(await readFile("../pyproject.toml", "utf8"));
await writeFile(`${OUTPUT}/package.json`, `${JSON.stringify({ ...manifest, version }, null, 2)}\n`);
const installed = { packageManager: "python", packageName: "wflab", uninstallInstructions: "pip uninstall wflab" };
await writeFile(`${OUTPUT}/install.json`, `${JSON.stringify(installed, null, 2)}\n`);
console.log(`wflab/labextension: ${manifest.jupyterlab._build.load}`);
