import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type DashboardFilter, type DashboardPicture, type FailureLine, type HeatGrid, isDashboardPicture, type Kpi, readFromKernel, type RunRow, type StuckLine, type TypeGraph, type TypeNode, type WorkflowLine } from "../src/protocol";
import { rateText } from "../src/views/dashboard/cells";
import { said } from "../src/views/dashboard/filters";
import { cellText, rowLabels, shadeOf } from "../src/views/dashboard/heat";
import { Kept } from "../src/views/dashboard/kept";
import { svgOf } from "../src/views/dashboard/svg";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<DashboardPicture> = {
  view: true, now: true, ticks: true, is_over: true, lab: true, filter: true, code: true, definition: true, states: true, everything: true, kpis: true, names: true,
  versions: true, tags: true, begin: true, end: true, workflows: true, workflows_total: true, failures: true, failures_total: true, stuck: true, stuck_total: true,
  curve: true, curve_count: true, heat: true, instances: true, total: true, first: true, order: true, chosen: true, graph: true, trouble: true,
};
const filter: Keys<DashboardFilter> = { since: true, until: true, name: true, version: true, tag: true, text: true, children: true, canceled: true, status: true, error: true, reached: true, reached_state: true };
const kpi: Keys<Kpi> = { key: true, title: true, value: true, note: true, tip: true, standing: true };
const workflow: Keys<WorkflowLine> = { name: true, version: true, counts: true, numerator: true, denominator: true, rate: true, low: true, high: true, p50: true, p95: true, trend: true, per_hour: true, failure: true, oldest: true };
const failure: Keys<FailureLine> = { fingerprint: true, activity: true, count: true, share: true, first: true, last: true, workflows: true, sample: true, message: true, frame: true, new_since: true };
const stuck: Keys<StuckLine> = { instance_id: true, name: true, status: true, reason: true, since: true, why: true, remedy: true };
const heat: Keys<HeatGrid> = { columns: true, edges: true, cells: true };
const run: Keys<RunRow> = { instance_id: true, name: true, version: true, status: true, created: true, ended: true, note: true };
const graph: Keys<TypeGraph> = { runs: true, total: true, nodes: true, edges: true };
const node: Keys<TypeNode> = { name: true, kind: true, counts: true, column: true, row: true };

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

test("a dashboard is read as in the sample, with the fields that Python sends", () => {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/dashboard.json", "utf8")));
  assert.ok(read?.type === "picture" && isDashboardPicture(read.picture));
  sameKeys(read.picture, picture);
  sameKeys(read.picture.filter, filter);
  for (const found of read.picture.kpis) sameKeys(found, kpi);
  for (const found of read.picture.workflows) sameKeys(found, workflow);
  for (const found of read.picture.failures) sameKeys(found, failure);
  for (const found of read.picture.stuck) sameKeys(found, stuck);
  for (const found of read.picture.instances) sameKeys(found, run);
  sameKeys(read.picture.heat, heat);
  sameKeys(read.picture.graph, graph);
  for (const found of read.picture.graph?.nodes ?? []) sameKeys(found, node);
});

test("the exported picture is the one that Python draws, character by character", () => {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/dashboard_drawn.json", "utf8")));
  assert.ok(read?.type === "picture" && isDashboardPicture(read.picture));
  assert.equal(svgOf(read.picture), readFileSync("../tests/protocol/dashboard.svg", "utf8").trimEnd());
});

test("a cell of the heat map is as dark as the logarithm of its runs, and says what it counts", () => {
  assert.deepEqual([1, 2, 10, 100, 1000].map((runs) => shadeOf(runs, 1000)), [1, 1, 2, 4, 5]);
  assert.equal(shadeOf(1, 1), 5);
  assert.deepEqual(rowLabels([0.1, 1, 10, 100]), [0, 1, 2, 3]);
  assert.deepEqual(rowLabels([1, 10 ** 0.05, 10 ** 0.1, 10 ** 0.15]), [0, 1, 2, 3], "without two powers of ten every few are named");
  assert.deepEqual(rowLabels(Array.from({ length: 17 }, (_, power) => 10 ** (power - 3))).length, 9);
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/dashboard.json", "utf8")));
  assert.ok(read?.type === "picture" && isDashboardPicture(read.picture));
  assert.match(cellText(read.picture, 20, 1), /, 1 s – 10 s: 4 runs, 1 FAILED or TERMINATED$/);
  assert.match(cellText(read.picture, 0, 0), /, 100 ms – 1 s: 1 run$/);
});

test("a rate is all or nothing only where it is, and a dash for nothing of nothing", () => {
  assert.deepEqual([960 / 990, 1, 0.99999, 0, 0.00001, null].map(rateText), ["97.0%", "100%", "99.9%", "0.0%", "0.1%", "–"]);
});

test("rows keep their places until they are let go", () => {
  const kept = new Kept<string>((row) => row);
  assert.deepEqual(kept.follow(["a", "b"]), ["a", "b"]);
  assert.deepEqual(kept.follow(["c", "b", "a"]), ["a", "b", "c"]);
  assert.equal(kept.moved, 2);
  kept.free();
  assert.deepEqual(kept.follow(["c", "b", "a"]), ["c", "b", "a"]);
  assert.equal(kept.moved, 0);
  assert.deepEqual(kept.follow(["b"]), ["b"], "what is gone leaves no gap");
});

test("a filter is said in words, each part with what drops it", () => {
  const empty: DashboardFilter = { since: "", until: "", name: "", version: null, tag: "", text: "", children: false, canceled: false, status: "", error: "", reached: "", reached_state: "" };
  assert.deepEqual(said(empty), []);
  assert.deepEqual(said({ ...empty, name: "order", status: "FAILED" }).map(([words]) => words), ["state=FAILED", "name=order"]);
  assert.deepEqual(said({ ...empty, since: "24h", reached: "charge", reached_state: "FAILED" }), [
    ["reached charge FAILED", { reached: "", reached_state: "" }],
    ["ended since 24h", { since: "", until: "" }],
  ]);
});
