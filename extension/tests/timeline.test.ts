import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readColumns } from "../src/columns";
import { type Density, isTimelinePicture, readFromKernel, type TimelinePicture } from "../src/protocol";
import { Axis, BREAK, roomFor } from "../src/views/timeline/axis";
import { densityMarks, marksOf } from "../src/views/timeline/marks";
import { type Row, RowTree } from "../src/views/timeline/rows";
import { packed, spansOf, STATES } from "../src/views/timeline/spans";
import { spoken } from "../src/views/timeline/words";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<TimelinePicture> = {
  view: true, key: true, instance_id: true, name: true, status: true, is_over: true, generation: true, created: true, started: true, ended: true,
  now: true, ticks: true, custom_status: true, forked_from: true, why: true, scheduled: true, begin: true, end: true, gaps: true, stretches: true, strip: true, groups: true,
  spans: true, parents: true, limits: true, minor: true, major: true, spans_total: true, turns: true, critical: true, blame: true, left_out: true,
};
const density: Keys<Density> = {
  key: true, name: true, kind: true, parent: true, count: true, sent: true, attempts: true, counts: true, since: true, until: true, median_ms: true, worst: true, many: true, members: true,
};
const ALL = { turned: new Set<string>(), filter: "", hidesCompleted: false };

interface Told {
  readonly picture: TimelinePicture;
  readonly rows: readonly { readonly key: string; readonly depth: number; readonly state: string; readonly count: number; readonly spoken: string }[];
}

function sample(name: string): unknown {
  return JSON.parse(readFileSync(`../tests/protocol/${name}.json`, "utf8"));
}

function treeOf(told: TimelinePicture): RowTree {
  const wire = readColumns(told.spans);
  assert.ok(wire);
  return new RowTree(spansOf(wire, told.parents), told.groups, told.minor);
}

function race(): { told: TimelinePicture; rows: Row[] } {
  const [first] = sample("timeline_rows") as Told[];
  assert.ok(first);
  return { told: first.picture, rows: treeOf(first.picture).rows(ALL) };
}

test("a timeline is read as in the sample, with the fields that Python sends", () => {
  const read = readFromKernel(sample("timeline"));
  assert.ok(read?.type === "picture" && isTimelinePicture(read.picture));
  assert.deepEqual(Object.keys(read.picture).sort(), Object.keys(picture).sort());
  for (const told of sample("timeline_rows") as Told[]) {
    for (const group of told.picture.groups) assert.deepEqual(Object.keys(group).sort(), Object.keys(density).sort());
  }
});

test("rows are folded, and told to a screen reader, as Python does", () => {
  for (const told of sample("timeline_rows") as Told[]) {
    const rows = treeOf(told.picture).rows(ALL);
    const seen = rows.map((row) => ({ key: row.key, depth: row.depth, state: row.state, count: row.count, spoken: spoken(row, told.picture.now) }));
    const spokenAlike = (row: (typeof seen)[number]): object => (row.count > 1 ? { ...row, spoken: "" } : row);
    assert.deepEqual(seen.map(spokenAlike), told.rows.map(spokenAlike));
  }
});

test("columns packed for an export are read again as the same", () => {
  const { told } = race();
  const wire = readColumns(told.spans);
  assert.ok(wire);
  const again = readColumns(packed(wire));
  assert.ok(again);
  assert.deepEqual(spansOf(again, told.parents), spansOf(wire, told.parents));
});

test("a filter takes all its words, and keeps what leads to a row that fits", () => {
  const { told } = race();
  const rows = treeOf(told).rows({ ...ALL, filter: "activity valueerror" });
  assert.deepEqual(rows.map((row) => row.name), ["charge_card"]);
  const [, fan] = sample("timeline_rows") as Told[];
  assert.ok(fan);
  const group = fan.rows.find((row) => row.count > 1);
  const opened = treeOf(fan.picture).rows({ ...ALL, turned: new Set([group?.key ?? ""]) });
  assert.equal(opened.length, fan.rows.length + 30);
});

test("a broken gap is as wide as every other, and both sides of it have one scale", () => {
  const axis = new Axis(0, [0, 1_001_000], [[500, 1_000_500]], 226);
  assert.equal(axis.x(0), 0);
  assert.ok(Math.abs(axis.x(500) - 100) < 1e-6);
  assert.ok(Math.abs(axis.x(1_000_500) - (100 + BREAK)) < 1e-6);
  assert.ok(Math.abs(axis.x(1_001_000) - 226) < 1e-6);
  assert.ok(Math.abs(axis.time(50) - 250) < 1e-6);
  assert.ok(Math.abs(axis.time(100 + BREAK + 50) - 1_000_750) < 1e-3);
});

test("zooming keeps what is under the pointer, and panning stops at the ends", () => {
  const axis = new Axis(0, [0, 1000], [], 100);
  const closer = new Axis(0, axis.zoomed(0.5, 30, 1000), [], 100);
  assert.ok(Math.abs(closer.time(30) - axis.time(30)) < 1e-3);
  assert.deepEqual(closer.panned(-1e6, 1000)[0], 0);
  assert.ok(Math.abs(closer.panned(1e6, 1000)[1] - 1000) < 1e-6);
});

test("labels say how far from the start, and do not run into one another", () => {
  const ticks = new Axis(0, [0, 3500], [], 700).ticks("relative");
  assert.deepEqual(ticks.slice(0, 3).map(([, label]) => label), ["0 s", "+0.5 s", "+1 s"]);
  for (const [place, [x]] of ticks.entries()) assert.ok(place === 0 || x - (ticks[place - 1]?.[0] ?? 0) > 60);
  assert.deepEqual(new Axis(0, [0, 3_600_000], [], 400).ticks("UTC").map(([, label]) => label)[1], "00:15");
});

test("room is made for a run that goes on in steps", () => {
  assert.equal(roomFor(100), 1000);
  assert.equal(roomFor(999), 2000);
  assert.equal(roomFor(8 * 864e5), 2 * 6048e5);
});

test("a call's marks are its phases: attempts, pauses, and what came of it", () => {
  const { told, rows } = race();
  const axis = new Axis(told.begin, [told.begin, told.end], told.gaps, 700);
  const marks = marksOf(rows.find((row) => row.name === "charge_card") as Row, axis, told.now);
  assert.deepEqual(marks.filter((mark) => mark.hooks?.["data-wf-attempt"]).map((mark) => mark.state), ["FAILED", "FAILED", "COMPLETED"]);
  assert.equal(marks.filter((mark) => mark.hooks?.["data-wf-phase"] === "backoff").length, 2);
  assert.ok(marks.every((mark) => mark.hooks?.["data-wf-attempt"] === undefined || mark.width >= 3));
  const timer = marksOf(rows.find((row) => row.kind === "timer") as Row, axis, told.now);
  assert.equal(timer[0]?.hooks?.["data-wf-outcome"], "cancelled");
});

test("a pixel that holds several columns shows the worst of them", () => {
  const axis = new Axis(0, [0, 100], [], 10);
  const edges = Array.from({ length: 200 }, (_, side) => Math.ceil(side / 2));
  const worst = new Uint8Array(100).fill(1 + STATES.indexOf("COMPLETED"));
  worst[37] = 1 + STATES.indexOf("FAILED");
  const marks = densityMarks(edges, worst, new Uint16Array(100).fill(4), STATES, axis);
  assert.deepEqual(marks.map((mark) => [mark.state, mark.x, mark.width]), [["COMPLETED", 0, 3], ["FAILED", 3, 1], ["COMPLETED", 4, 6]]);
});

test("minor calls are one row, which opens, and which a filter looks into", () => {
  const told = (sample("timeline_rows") as Told[])[2];
  assert.ok(told);
  const tree = treeOf(told.picture);
  const [, , minor] = tree.rows(ALL);
  assert.ok(minor?.minor);
  assert.deepEqual([minor.name, minor.count, minor.state, minor.isOpen], ["+37 minor", 37, "FAILED", false]);
  assert.deepEqual(minor.minor.counts, { COMPLETED: 36, FAILED: 1 });
  assert.equal(spoken(minor, told.picture.now), told.rows[2]?.spoken);
  const opened = tree.rows({ ...ALL, turned: new Set([minor.key]) });
  assert.equal(opened.length, 3 + 37);
  assert.equal(opened[3]?.depth, 1);
  assert.deepEqual(tree.foldsOf(opened[3]?.key ?? ""), [minor.key]);
  assert.deepEqual(tree.rows({ ...ALL, filter: "valueerror" }).map((row) => row.name), ["+37 minor", "log_line"]);
});

test("a group that is declared minor is in the fold with its calls", () => {
  const told = (sample("timeline_rows") as Told[])[1];
  assert.ok(told);
  const tree = treeOf({ ...told.picture, minor: ["score_chunk"] });
  const minor = tree.rows(ALL).find((row) => row.minor);
  assert.equal(minor?.count, 30);
  const group = tree.rows({ ...ALL, turned: new Set([minor?.key ?? ""]) }).find((row) => row.density);
  assert.deepEqual([group?.depth, group?.count, group?.isOpen], [1, 30, false]);
});

test("the calls of an open group have their places in it, also where only some were sent", () => {
  const told = (sample("timeline_rows") as Told[])[1];
  const group = told?.picture.groups[0];
  assert.ok(told && group);
  const indexes = (picture: TimelinePicture): (number | null)[] => treeOf(picture).rows({ ...ALL, turned: new Set([group.key]) }).map((row) => row.index).filter((index) => index !== null);
  assert.deepEqual(indexes(told.picture), Array.from({ length: 30 }, (_, index) => index));
  const members = Buffer.from(Uint32Array.from({ length: 30 }, (_, at) => at * 3).buffer).toString("base64");
  assert.deepEqual(indexes({ ...told.picture, groups: [{ ...group, count: 100, members }] }), Array.from({ length: 30 }, (_, at) => at * 3));
});
