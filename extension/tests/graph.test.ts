import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type GraphGroup, type GraphPicture, isGraphPicture, type Level, readFromKernel } from "../src/protocol";
import { durationAt, medianPlace } from "../src/views/graph/figures";
import { cellAt, cellsPath } from "../src/views/graph/nodebrush";
import { focusOf, groupOf } from "../src/views/graph/focusing";
import { criticalPath, neighbour } from "../src/views/graph/paths";
import { svgOf } from "../src/views/graph/svg";
import { caption, hoverText, pythonText, reachedCode, sentenceOf, spoken, stateText, topError } from "../src/views/graph/words";

const message = readFromKernel(JSON.parse(readFileSync("../tests/protocol/graph.json", "utf8")));
assert.ok(message?.type === "picture" && isGraphPicture(message.picture));
const told: GraphPicture = message.picture;
const level: Level = level3(told);

function level3(picture: GraphPicture): Level {
  const found = picture.levels[3];
  assert.ok(found);
  return found;
}

function group(name: string): GraphGroup {
  const found = told.groups.find((one) => one.name === name && one.kind !== "workflow");
  assert.ok(found, name);
  return found;
}

test("every group of a level has a place, and every line ends at such groups", () => {
  for (const shown of told.levels) {
    const ids = new Set(told.groups.map((one) => one.id));
    assert.ok(Object.keys(shown.places).every((id) => ids.has(id)));
    for (const edge of shown.edges) assert.ok(shown.places[edge.source] && shown.places[edge.target]);
  }
});

test("the whole is one sentence, and each group is heard with its counts", () => {
  assert.equal(sentenceOf(told), "Execution graph of order_batch 7f3a9c, running, 30 score_chunk calls, 1 failed");
  assert.equal(spoken(group("score_chunk")), "score_chunk, group of 30: 29 completed, 1 failed");
  assert.equal(spoken(group("refund_all")), "refund_all, not taken");
  assert.equal(spoken(group("first of")), "race, approval won");
  assert.equal(stateText(group("score_chunk")), "29 COMPLETED, 1 FAILED");
});

test("a node says how it stands, and where the pointer rests what else is known", () => {
  assert.equal(caption(group("publish"), told.now + 2000), "running 2 s");
  assert.equal(topError(group("score_chunk")), "1× TimeoutError: chunk 7 took too long");
  assert.match(hoverText(group("score_chunk"), told.now), /such as #6/);
  assert.match(hoverText(group("score_chunk"), told.now), /worst: #6 FAILED 1:a7/);
});

test("when the rest is done is a range", () => {
  assert.match(caption({ ...group("score_chunk"), since: null, took_ms: null, eta: [1000, 4000] }, 0), /done in 1 s to 4 s/);
});

test("the runs that reached a node are a line of Python, whatever its name", () => {
  assert.equal(reachedCode(group("score_chunk")), 'lab.runs.reached("score_chunk", status="FAILED")');
  assert.equal(reachedCode(group("publish")), 'lab.runs.reached("publish")');
  assert.equal(pythonText('a"b\\\n\u202e'), '"a\\"b\\\\\\n\\u202e"');
});

test("arrows follow the lines, and up and down a column", () => {
  const way = (name: string, key: string): string | undefined => {
    const to = neighbour(level, group(name).id, key);
    return told.groups.find((one) => one.id === to)?.name;
  };
  assert.equal(way("validate", "ArrowRight"), "score_chunk");
  assert.equal(way("approval", "ArrowDown"), "timer 1 d");
  assert.equal(way("timer 1 d", "ArrowUp"), "approval");
  assert.equal(way("publish", "ArrowLeft"), "first of");
  assert.equal(neighbour(level, group("validate").id, "ArrowLeft"), null);
});

test("a critical path is the longest of all ways, whichever end was named first", () => {
  const groups = new Map(told.groups.map((one) => [one.id, one]));
  const there = criticalPath(level, groups, group("validate").id, group("publish").id);
  const back = criticalPath(level, groups, group("publish").id, group("validate").id);
  assert.deepEqual(there?.ids.map((id) => groups.get(id)?.name), ["validate", "score_chunk", "approval", "first of", "publish"]);
  assert.deepEqual(back, there);
  assert.equal(criticalPath(level, groups, group("timer 1 d").id, group("approval").id), null);
});

test("a histogram's places are durations on a logarithmic scale", () => {
  const found = { low: 1, high: 100, bins: [], p50: 10, p95: 90, count: 4 };
  assert.equal(medianPlace(found), 0.5);
  assert.deepEqual([durationAt(found, 0), durationAt(found, 1)], [1, 100]);
  assert.ok(Math.abs(durationAt(found, 0.5) - 10) < 1e-9);
});

test("the exported picture stands alone and holds names as text", () => {
  const evil = "</text><script>alert(1)</script>";
  const shown = svgOf({ ...told, groups: told.groups.map((one) => ({ ...one, name: evil })) }, level);
  assert.ok(!shown.includes("<script"));
  assert.ok(shown.startsWith("<svg xmlns="));
});

test("cells marked by dragging are those read from the one to the other", () => {
  const grid = { columns: 50, rows: 5 };
  assert.equal(cellAt(grid, 0.011, 0.1, 250), 0);
  assert.equal(cellAt(grid, 0.03, 0.3, 250), 51);
  assert.equal(cellAt(grid, 1, 1, 230), 229);
  assert.equal(cellsPath(grid, 48, 51), "M48 0h2v1h-2zM0 1h2v1h-2z");
});

test("a focus leads to its group and back, and none to a patch", () => {
  const publish = group("publish");
  const focus = focusOf(publish, "1:a33", told.instance_id);
  assert.equal(groupOf(focus, told.groups), publish.id);
  assert.equal(focusOf({ ...publish, kind: "patch" }, null, told.instance_id).group, null);
});
