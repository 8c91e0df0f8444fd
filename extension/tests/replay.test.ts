import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Details, type Divergence, isReplayPicture, readFromKernel, type ReplayPicture, type StepDetail } from "../src/protocol";
import type { Host } from "../src/shell/content";
import { Book } from "../src/views/replay/book";
import { svgOf } from "../src/views/replay/svg";
import { openText, sentenceOf, spokenStep } from "../src/views/replay/words";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<ReplayPicture> = {
  view: true, key: true, instance_id: true, name: true, status: true, is_over: true, generation: true, created: true, started: true, ended: true,
  now: true, ticks: true, custom_status: true, forked_from: true, why: true, level: true, is_reading: true, position: true, label: true, banners: true, diff: true,
  sources: true, steps_total: true, outcomes: true, sizes: true, marks: true, failures: true, details: true, divergence: true, left_out: true,
};
const step: Keys<StepDetail> = {
  number: true, seq: true, turn: true, event: true, outcome: true, at: true, clock: true, line: true, waits: true, lines: true, changed: true, frames: true,
  taken: true, asked: true, open: true, open_total: true, heard: true, is_replaying: true, code_ran: true, ends: true,
};
const divergence: Keys<Divergence> = {
  step: true, seq: true, event_id: true, expected: true, produced: true, line: true, source_line: true, cause: true, edit: true, recipe: true, message: true,
};

function told(): ReplayPicture {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/replay.json", "utf8")));
  assert.ok(read?.type === "picture" && isReplayPicture(read.picture));
  return read.picture;
}

function bookOf(asked: Readonly<Record<string, unknown>>[], answer: Details | null): { book: Book; came: () => number } {
  let count = 0;
  const host = {
    blocked: null,
    ask: (_what: string, args: Readonly<Record<string, unknown>> = {}) => {
      asked.push(args);
      return Promise.resolve(answer);
    },
  } as unknown as Host;
  return { book: new Book(host, () => (count += 1)), came: () => count };
}

test("a replay is read as in the sample, with the fields that Python sends", () => {
  const read = told();
  assert.deepEqual(Object.keys(read).sort(), Object.keys(picture).sort());
  for (const one of read.details.steps) assert.deepEqual(Object.keys(one).sort(), Object.keys(step).sort());
  assert.ok(read.divergence);
  assert.deepEqual(Object.keys(read.divergence).sort(), Object.keys(divergence).sort());
});

test("a step is spoken with its line, its event and what changed", () => {
  const read = told();
  const five = read.details.steps.find((one) => one.number === 5) ?? null;
  assert.equal(spokenStep(five, 5, read.steps_total), "step 5 of 8, line 4, charge_card (attempt 3) completed, pay added, note added");
  assert.equal(spokenStep(null, 6, 8), "step 6 of 8");
  assert.match(sentenceOf(read), /8 steps, 2 of them took a failure; from step 2 on the code disagrees/);
});

test("what is in flight says until when", () => {
  assert.equal(openText({ kind: "wait", name: "approval", attempt: 1, since: 0, until: null }, 0), "waits for event approval");
  assert.equal(openText({ kind: "backoff", name: "charge", attempt: 2, since: 0, until: 2000 }, 0), "pause before attempt 2 of charge, until 00:00:02.000 (2 s then)");
  assert.equal(openText({ kind: "activity", name: "charge", attempt: 3, since: 0, until: null }, 0), "activity charge, attempt 3");
});

test("steps that the page lacks are asked for once, with those around them, and kept", async () => {
  const read = told();
  const [first, ...others] = read.details.steps;
  assert.ok(first);
  const asked: Readonly<Record<string, unknown>>[] = [];
  const { book, came } = bookOf(asked, { steps: others, values: read.details.values });
  book.take({ ...read, details: { steps: [first], values: read.details.values } });
  assert.equal(book.step(4), null);
  book.want(4, 300);
  book.want(5, 300);
  assert.deepEqual(asked, [{ first: 1, last: 64 }]);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(came(), 1);
  assert.equal(book.step(5)?.number, 5);
  assert.ok(book.isWholeUpTo(8));
  assert.equal(book.course("order", "pay").length, 4);
  book.take({ ...read, label: "other code", details: { steps: [], values: [] } });
  assert.equal(book.size, 0);
});

test("the export is a picture that stands alone", () => {
  const drawn = svgOf(told(), 5);
  assert.match(drawn, /^<svg xmlns=.*<\/svg>$/s);
  assert.equal(drawn.match(/<circle/g)?.length, 9);
});
