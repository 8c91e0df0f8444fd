import assert from "node:assert/strict";
import { test } from "node:test";
import { cellPaths, segments } from "../src/views/waffle";

test("the bar is full, and one failure in a hundred thousand is still seen", () => {
  const bar = segments({ COMPLETED: 99_999, FAILED: 1, RUNNING: 0 });
  assert.deepEqual(bar.map(({ state }) => state), ["COMPLETED", "FAILED"]);
  assert.ok(Math.abs(bar.reduce((sum, { share }) => sum + share, 0) - 100) < 1e-9);
  assert.ok(bar.every(({ share }) => share >= 1.2));
});

test("cells of one state side by side are one piece of one path", () => {
  const { columns, rows, paths } = cellPaths(`${"C".repeat(60)}FF`);
  assert.deepEqual([columns, rows], [50, 2]);
  assert.deepEqual([...paths], [["C", "M0 0h50v1h-50zM0 1h10v1h-10z"], ["F", "M10 1h2v1h-2z"]]);
});

test("no cells are no waffle", () => {
  assert.deepEqual([cellPaths("").rows, cellPaths("").paths.size], [0, 0]);
});
