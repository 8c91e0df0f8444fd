import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Clock } from "../src/clock";
import { spanText, tickingText } from "../src/durations";
import { letters, paletteVariables, stateLook, variableOf } from "../src/palette";
import { isRunPicture, type Node, type Picture, readFromKernel } from "../src/protocol";
import { sentenceOf } from "../src/views/announcer";
import { caption, countsText, spoken } from "../src/views/captions";
import { pieces } from "../src/views/json";

const message = readFromKernel(JSON.parse(readFileSync("../tests/protocol/picture.json", "utf8")));
assert.ok(message?.type === "picture" && isRunPicture(message.picture));
const told: Picture = message.picture;

function node(changes: Partial<Node>): Node {
  const found = told.graph.nodes.find(({ kind }) => kind === "activity");
  assert.ok(found);
  return { ...found, count: 1, counts: {}, cells: "", attempts: [], note: "", error: "", since: null, until: null, took_ms: null, ...changes };
}

test("a span is put in the same words on both sides", () => {
  for (const [seconds, text] of JSON.parse(readFileSync("../tests/protocol/durations.json", "utf8")) as [number, string][]) {
    assert.equal(spanText(seconds), text);
  }
});

test("what ticks does so in whole seconds", () => {
  assert.deepEqual([tickingText(-5), tickingText(999), tickingText(12_900)], ["0 s", "0 s", "12 s"]);
});

test("a node says how long it has run, how long a timer still takes, and how long it took", () => {
  assert.equal(caption(node({ state: "RUNNING", since: 1000 }), 13_000), "running 12 s");
  assert.equal(caption(node({ kind: "timer", state: "RUNNING", since: 0, until: 60_000 }), 1000), "fires in 59 s");
  assert.equal(caption(node({ kind: "event", state: "SUSPENDED", since: 0, until: 60_000 }), 1000), "waiting · 59 s left");
  assert.equal(caption(node({ state: "RUNNING", note: "backoff", since: 0, until: 5000, attempts: ["FAILED", "FAILED"] }), 1000), "tries again in 4 s · 2 attempts");
  assert.equal(caption(node({ state: "COMPLETED", took_ms: 210 }), 0), "210 ms");
});

test("a group is heard with all its counts", () => {
  const group = node({ name: "score", count: 1000, counts: { COMPLETED: 988, FAILED: 12 } });
  assert.equal(spoken(group), "score, group of 1,000: 988 completed, 12 failed");
  assert.equal(countsText({ COMPLETED: 1988, FAILED: 12 }), "1,988 ✓\uFE0E  12 ✕\uFE0E");
});

test("a run is announced in a sentence", () => {
  assert.equal(sentenceOf(told), "request_escalation is running. It waits for second_signature.");
});

test("JSON comes apart by kind and goes together again, and other text stays whole", () => {
  const text = '{"a": "b: \\"c\\"", "n": [-1.5e3, true]}';
  assert.equal(pieces(text).map((piece) => piece.text).join(""), text);
  assert.deepEqual(pieces(text).filter(({ kind }) => kind !== "plain").map(({ kind }) => kind), ["key", "string", "key", "number", "word"]);
  assert.deepEqual(pieces("<b>"), [{ kind: "plain", text: "<b>" }]);
});

test("the clock runs on from what was pushed, and stops when told", () => {
  const clock = new Clock();
  clock.follow({ ...told, now: 5000, ticks: true }, true, 100_000);
  assert.equal(clock.now(103_000), 8000);
  clock.stop(103_000);
  assert.deepEqual([clock.now(200_000), clock.ticks], [8000, false]);
});

test("a picture that lay in the widget's state for days is not taken for the present", () => {
  const clock = new Clock();
  clock.follow({ ...told, now: 5000, ticks: true }, false, 900_000);
  assert.equal(clock.now(901_000), 901_000);
});

test("a virtual clock stands still on the page", () => {
  const clock = new Clock();
  clock.follow({ ...told, now: 5000, ticks: false }, true, 100_000);
  assert.equal(clock.now(200_000), 5000);
});

test("every state has a variable in each theme, a letter of its own, and a stranger is unknown", () => {
  assert.equal(letters.size, 10);
  assert.deepEqual(paletteVariables("light").map(([name]) => name), paletteVariables("dark").map(([name]) => name));
  assert.equal(variableOf("CONTINUED_AS_NEW"), "--wf-continued-as-new");
  assert.equal(variableOf("</style>"), "--wf-unknown");
  assert.equal(stateLook("constructor").glyph, "?");
});
