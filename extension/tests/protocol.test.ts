import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  type Act,
  type Edge,
  type Focus,
  type FocusMoved,
  isRunPicture,
  type Node,
  type Notice,
  type Payload,
  type Picture,
  readFromKernel,
  type Ready,
  type Reply,
  type Request,
  type SetFocus,
  type ShowPicture,
  type Sight,
  type StepLine,
  type Switch,
  type Wait,
} from "../src/protocol";
import { paletteVariables } from "../src/palette";

// One key for each field: the compiler sees to it that none is missing or too many, the samples that Python says the same.
type Keys<T> = Readonly<Record<keyof T, true>>;
const act: Keys<Act> = {
  type: true, act: true, token: true, wait_id: true, event: true, data: true, instance_id: true, verb: true, comment: true, key: true,
};
const ready: Keys<Ready> = { type: true, theme: true, page: true };
const sight: Keys<Sight> = { type: true, page: true, is_seen: true };
const request: Keys<Request> = { type: true, id: true, what: true, arguments: true };
const switchTo: Keys<Switch> = { type: true, view: true, instance_id: true };
const setFocus: Keys<SetFocus> = { type: true, focus: true };
const focus: Keys<Focus> = { instance_id: true, group: true, span_id: true, attempt: true };
const reply: Keys<Reply> = { type: true, id: true, data: true, error: true };
const focusMoved: Keys<FocusMoved> = { type: true, focus: true };
const notice: Keys<Notice> = { type: true, text: true, token: true, level: true };
const message: Keys<Omit<ShowPicture, "palette" | "is_closed">> = { type: true, seq: true, picture: true }; // those are sent only where they say something
const payload: Keys<Payload> = { text: true, size: true, cut: true };
const edge: Keys<Edge> = { source: true, target: true, kind: true, path: true };
const wait: Keys<Wait> = { id: true, event: true, since: true, until: true, title: true, schema: true };
const step: Keys<StepLine> = {
  id: true, name: true, kind: true, state: true, attempts: true, started: true, took_ms: true, count: true, note: true, result: true,
};
const node: Keys<Node> = {
  id: true, name: true, kind: true, state: true, x: true, y: true, width: true, height: true, count: true, counts: true, cells: true,
  attempts: true, note: true, error: true, since: true, until: true, took_ms: true, is_loop: true,
};
const picture: Keys<Picture> = {
  view: true, key: true, instance_id: true, name: true, status: true, is_over: true, generation: true, created: true, started: true,
  ended: true, now: true, ticks: true, why: true, custom_status: true, forked_from: true, input: true, output: true, failure: true, graph: true, waits: true,
  answered: true, steps: true, steps_total: true, events_total: true, attempts_total: true,
};

function sample(name: string): unknown {
  return JSON.parse(readFileSync(`../tests/protocol/${name}.json`, "utf8"));
}

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

test("a picture is read as in the sample, with the fields that Python sends", () => {
  const read = readFromKernel(sample("picture"));
  assert.ok(read?.type === "picture" && isRunPicture(read.picture));
  sameKeys(read, message);
  sameKeys(read.picture, picture);
  for (const found of read.picture.graph.nodes) sameKeys(found, node);
  for (const found of read.picture.graph.edges) sameKeys(found, edge);
  for (const found of read.picture.waits) sameKeys(found, wait);
  for (const found of read.picture.steps) sameKeys(found, step);
  sameKeys(read.picture.input, payload);
});

test("a notice is read as in the sample", () => {
  const read = readFromKernel(sample("notice"));
  assert.ok(read?.type === "notice");
  sameKeys(read, notice);
});

test("an answer and a move of the focus are read as in the samples", () => {
  for (const [name, keys] of [["reply", reply], ["focus", focusMoved]] as const) {
    const read = readFromKernel(sample(name));
    assert.equal(read?.type, name);
    sameKeys(read, keys);
  }
});

test("what the page sends has the fields of the samples", () => {
  sameKeys(sample("act"), act);
  sameKeys(sample("ready"), ready);
  sameKeys(sample("sight"), sight);
  sameKeys(sample("request"), request);
  sameKeys(sample("switch"), switchTo);
  sameKeys(sample("set_focus"), setFocus);
  sameKeys((sample("set_focus") as SetFocus).focus, focus);
});

test("what is no message is let pass", () => {
  for (const value of [null, undefined, 17, "picture", [], {}, { type: "picture" }, { type: "picture", seq: 1, picture: { view: 3 } }, { type: "reply" }, { type: "focus" }, { type: "later" }]) {
    assert.equal(readFromKernel(value), null);
  }
});

test("a user's colours take the place of ours, in both themes, and nothing else changes", () => {
  const ours = new Map(paletteVariables("dark"));
  const changed = new Map(paletteVariables("dark", { FAILED: ["#a00000", "#ffffff", "#ff8080", "#111111"] }));
  assert.deepEqual([changed.get("--wf-failed"), changed.get("--wf-failed-on")], ["#ff8080", "#111111"]);
  assert.equal(new Map(paletteVariables("light", { FAILED: ["#a00000", "#ffffff", "#ff8080", "#111111"] })).get("--wf-failed"), "#a00000");
  assert.deepEqual([...changed].filter(([name, value]) => ours.get(name) !== value).map(([name]) => name), ["--wf-failed", "--wf-failed-on"]);
});
