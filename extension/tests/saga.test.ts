import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isSagaPicture, readFromKernel, type SagaNode, type SagaPicture, type SagaResidual, type SagaRow, type SagaStory } from "../src/protocol";
import { svgOf } from "../src/views/saga/svg";
import { footnoteOf, sentenceOf, spoken, standingOf, tableDataOf } from "../src/views/saga/words";

// One key for each field: the compiler sees to it that none is missing or too many, the sample that Python says the same.
type Keys<T> = Readonly<Record<keyof T, true>>;
const node: Keys<SagaNode> = {
  name: true, kind: true, state: true, word: true, look: true, caption: true, order: true, count: true, counts: true, cells: true, since: true,
  span_id: true, is_doubtful: true, is_slight: true,
};
const row: Keys<SagaRow> = {
  id: true, kind: true, y: true, height: true, comp: true, forward: true, back: true, link: true, token: true, residual: true, count: true,
  at: true, is_pivot: true,
};
const residual: Keys<SagaResidual> = { pair: true, step: true, undo: true, text: true, token: true, needs_attention: true, can: true, act: true };
const story: Keys<SagaStory> = {
  word: true, look: true, sentence: true, to_undo: true, undone: true, attention: true, is_saga: true, is_inferred: true, ladder: true, whole: true,
  timed: true, residuals: true, residuals_total: true, others: true,
};
const picture: Keys<SagaPicture> = {
  view: true, key: true, instance_id: true, name: true, status: true, is_over: true, generation: true, created: true, started: true, ended: true,
  now: true, ticks: true, custom_status: true, forked_from: true, why: true, story: true, failing: true, example: true,
};

const message = readFromKernel(JSON.parse(readFileSync("../tests/protocol/saga.json", "utf8")));
assert.ok(message?.type === "picture" && isSagaPicture(message.picture));
const told: SagaPicture = message.picture;

const rows = told.story.ladder.rows;
const sorted = (keys: Readonly<Record<string, true>>): string[] => Object.keys(keys).sort();

function at(place: number): SagaRow {
  const found = rows[place];
  assert.ok(found?.forward && found.back);
  return found;
}

test("the picture has the fields that both sides know", () => {
  assert.deepEqual(Object.keys(told).sort(), sorted(picture));
  assert.deepEqual(Object.keys(told.story).sort(), sorted(story));
  assert.deepEqual(Object.keys(at(0)).sort(), sorted(row));
  assert.deepEqual(Object.keys(at(0).forward ?? {}).sort(), sorted(node));
  assert.deepEqual(Object.keys(told.story.residuals[0] ?? {}).sort(), sorted(residual));
});

test("the whole is one sentence, and each node is heard with what it is there for", () => {
  assert.match(sentenceOf(told), /^Saga of trip, PARTIALLY ROLLED BACK - 2 need attention: charge_card is in doubt \(it timed out\)/);
  const { forward, back } = at(0);
  assert.ok(forward && back);
  assert.equal(spoken(forward, at(0), false), "book_hotel, committed · 20 ms");
  assert.equal(spoken(back, at(0), true), "cancel_hotel, undo failed · OSError: hotel is lost, undoes book_hotel, compensation number 2");
  assert.equal(standingOf(forward), "committed · 20 ms");
});

test("the table has a row for each pair, with the order of the undos", () => {
  const table = tableDataOf(told.story);
  assert.equal(table.rows.length, rows.length);
  assert.equal(table.total, rows.length);
  assert.deepEqual(table.rows.map((cells) => cells[4]), ["2", "1", "", ""]);
  assert.match(table.rows[2]?.[1] ?? "", /^\? in doubt/);
});

test("the footnote says what is not shown", () => {
  assert.equal(footnoteOf(told.story), "4 pairs");
  const fewer: SagaStory = { ...told.story, ladder: { ...told.story.ladder, shown: 300, total: 1200 }, is_inferred: true, others: ["notify"] };
  assert.equal(footnoteOf(fewer), "1,200 pairs · showing 300 · pairs inferred from names · afterwards: notify");
});

test("the exported picture holds names as text", () => {
  const { forward } = at(0);
  assert.ok(forward);
  const rude = { ...told.story.ladder, rows: [{ ...at(0), forward: { ...forward, name: "</text><script>alert(1)</script>" } }] };
  const drawn = svgOf(rude);
  assert.ok(!drawn.includes("<script"));
  assert.match(drawn, /&lt;script&gt;/);
});
