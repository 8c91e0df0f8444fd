import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Approval, type CloseView, type Focused, type FromView, type OpenView, type Overview, readFromLab, type RunLine, type SetTheme, type ShowView, type Source, type ToView } from "../src/protocol_lab";

// One key for each field: the compiler sees to it that none is missing or too many, the samples that Python says the same.
type Keys<T> = Readonly<Record<keyof T, true>>;
const line: Keys<RunLine> = { id: true, name: true, status: true, started: true, ended: true, waits_for: true };
const approval: Keys<Approval> = {
  key: true, instance_id: true, workflow: true, wait_id: true, event: true, since: true, title: true, until: true, risk: true, requester: true, schema: true,
};
const overview: Keys<Overview> = {
  type: true, lab: true, now: true, ticks: true, runs: true, runs_total: true, counts: true, approvals: true, approvals_total: true,
  stuck: true, trouble: true, palette: true,
};
const source: Keys<Source> = { file: true, line: true, text: true };
const focused: Keys<Focused> = { type: true, focus: true, title: true, state: true, facts: true, failure: true, source: true };
const view: Keys<ShowView> = { type: true, id: true, snapshot: true, error: true };
const setTheme: Keys<SetTheme> = { type: true, theme: true };
const openView: Keys<OpenView> = { type: true, id: true, view: true, instance_id: true };
const fromView: Keys<FromView> = { type: true, id: true, message: true };
const toView: Keys<ToView> = { type: true, id: true, message: true };
const closeView: Keys<CloseView> = { type: true, id: true };

function sample(name: string): unknown {
  return JSON.parse(readFileSync(`../tests/protocol/${name}.json`, "utf8"));
}

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

test("an overview is read as in the sample, with the fields that Python sends", () => {
  const read = readFromLab(sample("lab_overview"));
  assert.ok(read?.type === "overview");
  sameKeys(read, overview);
  for (const run of read.runs) sameKeys(run, line);
  for (const wait of read.approvals) sameKeys(wait, approval);
});

test("what is focused is read as in the sample", () => {
  const read = readFromLab(sample("lab_focused"));
  assert.ok(read?.type === "focused");
  sameKeys(read, focused);
  sameKeys(read.source, source);
});

test("a view is read as in the sample", () => {
  const read = readFromLab(sample("lab_view"));
  assert.ok(read?.type === "view");
  sameKeys(read, view);
  const said = readFromLab(sample("lab_to_view"));
  assert.ok(said?.type === "to_view");
  sameKeys(said, toView);
});

test("what the page asks has the fields of the samples", () => {
  sameKeys(sample("lab_open_view"), openView);
  sameKeys(sample("lab_set_theme"), setTheme);
  sameKeys(sample("lab_close_view"), closeView);
  sameKeys(sample("lab_from_view"), fromView);
});

test("what is no message is let pass", () => {
  for (const value of [null, 17, "overview", [], {}, { type: "overview" }, { type: "focused" }, { type: "view" }, { type: "later" }]) {
    assert.equal(readFromLab(value), null);
  }
});
