// Bundles every tests/**/*.test.ts for Node and runs them with its own test runner, from extension/ as the current directory
// (so a test opens the shared samples as ../tests/protocol/...). WFLAB_JUNIT names a file for the machine-readable results.
import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));

const OUTPUT = "build/tests";
const found = await readdir("tests", { recursive: true });
const tests = found.filter((name) => name.endsWith(".test.ts")).map((name) => join("tests", name));
if (tests.length === 0) {
  console.error("no tests/**/*.test.ts found");
  process.exit(1);
}

await rm(OUTPUT, { recursive: true, force: true });
await build({
  entryPoints: tests,
  outdir: OUTPUT,
  outbase: "tests",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  loader: { ".css": "text" },
  sourcemap: "inline",
  logLevel: "warning",
});

const reporters = ["--test-reporter=spec", "--test-reporter-destination=stdout"];
if (process.env.WFLAB_JUNIT) reporters.push("--test-reporter=junit", `--test-reporter-destination=${process.env.WFLAB_JUNIT}`);
const files = tests.map((name) => join(OUTPUT, name.slice("tests/".length).replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...reporters, ...files], { stdio: "inherit" });
process.exit(status ?? 1);
