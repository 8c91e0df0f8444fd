import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Details, type Divergence, type Focus, isReplayPicture, readFromKernel, type ReplayPicture, type StepDetail, type StepNote } from "../src/protocol";
import type { Host } from "../src/shell/content";
import { Book } from "../src/views/replay/book";
import { focusOfStep, Following, stepFor } from "../src/views/replay/focusing";
import { addressOf, notesAsMarkdown, placeAt } from "../src/views/replay/note_links";
import { svgOf } from "../src/views/replay/svg";
import { openText, sentenceOf, spokenStep } from "../src/views/replay/words";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<ReplayPicture> = {
  view: true, key: true, instance_id: true, name: true, status: true, is_over: true, generation: true, created: true, started: true, ended: true,
  now: true, ticks: true, custom_status: true, forked_from: true, why: true, level: true, is_reading: true, position: true, label: true, banners: true, diff: true,
  sources: true, steps_total: true, outcomes: true, sizes: true, marks: true, failures: true, details: true, divergence: true, notes: true, left_out: true,
};
const step: Keys<StepDetail> = {
  number: true, seq: true, turn: true, event: true, outcome: true, at: true, clock: true, line: true, waits: true, lines: true, changed: true, frames: true, call: true,
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

test("steps that the page lacks are asked for once, with those around them, and kept", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const read = told();
  const [first, ...others] = read.details.steps;
  assert.ok(first);
  const asked: Readonly<Record<string, unknown>>[] = [];
  const { book, came } = bookOf(asked, { steps: others, values: read.details.values });
  book.take({ ...read, details: { steps: [first], values: read.details.values } });
  assert.equal(book.step(4), null);
  book.want(4, 300);
  book.want(5, 300);
  assert.deepEqual(asked, [{ first: 1, last: 12, at: 4 }]);
  await Promise.resolve();
  await Promise.resolve();
  assert.equal(came(), 1);
  assert.equal(book.step(5)?.number, 5);
  assert.ok(book.isWholeUpTo(8));
  assert.equal(book.course("order", "pay").length, 4);
  book.take({ ...read, label: "other code", details: { steps: [], values: [] } });
  assert.equal(book.size, 0);
  context.mock.timers.tick(1000);
  assert.deepEqual(asked.slice(1), [{ first: 13, last: 29 }]); // nobody has jumped on; the rest follows once this is there
});

test("a link to a step leads back to it, whatever the run is called", () => {
  for (const instance_id of ["7f3a9c", "a/b (c) [d] _e_ *f* 100% 'g' #h", "日本 🙂"]) {
    const address = addressOf({ instance_id, step: 12 });
    assert.match(address, /^#wflab-replay\/[\w.%-]+\/12$/);
    assert.doesNotMatch(address.slice(2), /[()[\]_*~]/);
    assert.deepEqual(placeAt(address), { instance_id, step: 12 });
  }
  for (const other of ["#heading", "#wflab-replay/x", "#wflab-replay/%/1", "https://example.org/#wflab-replay/x/1"]) assert.equal(placeAt(other), null);
});

test("notes become one list in Markdown, of which no note can make more than its text", () => {
  const [note] = told().notes;
  assert.ok(note);
  const wicked = "one\n\n# two\n1. three <img src=x onerror=alert(1)>\n- [x](javascript:alert(1)) `c` $m$ \\(n\\) @@0@@ https://a.example ![i](j)\n```\n| a |\n|---|\u202e";
  const notes: StepNote[] = [note, { ...note, id: "n2", step: 6, line: null, text: wicked }];
  const lines = notesAsMarkdown({ ...told(), name: "or_der*", notes }).split("\n");
  assert.equal(lines[0], "**Notes on the replay of or\\_der\\***");
  assert.equal(lines[2], "- [Step 5](#wflab-replay/7f3a9c/5), line 4, charge\\_card \\(attempt 3\\) completed: charged twice?");
  assert.equal(lines[3], "- [Step 6](#wflab-replay/7f3a9c/6), charge\\_card \\(attempt 3\\) completed: one\\");
  assert.equal(lines[4], "  \\# two\\");
  assert.equal(lines[5], "  1\\. three \\<img src\\=x onerror\\=alert\\(1\\)\\>\\");
  assert.equal(lines[6], "  \\- \\[x\\]\\(javascript\\:alert\\(1\\)\\) &#96;c&#96; `$`m`$` `\\`\\(n`\\`\\) &#64;&#64;0&#64;&#64; https\\://a\\.example \\!\\[i\\]\\(j\\)\\");
  assert.doesNotMatch(lines.join("\n"), /@|https:|\u202e/);
  assert.equal(lines.at(-1), "Without the links: `lab.get('7f3a9c').replay(5)`");
});

test("a step is about the call whose end it took up, and a focus on that call leads to its last step", () => {
  const { steps } = told().details;
  const charged = focusOfStep("7f3a9c", steps[4] ?? null);
  assert.deepEqual(charged, { instance_id: "7f3a9c", group: "workflow order/activity charge_card", span_id: "1:a1", attempt: 3 });
  assert.deepEqual(focusOfStep("7f3a9c", steps[0] ?? null), { instance_id: "7f3a9c", group: null, span_id: null, attempt: null });
  assert.equal(stepFor(charged, steps), 5);
  assert.equal(stepFor({ ...charged, attempt: 1 }, steps), 3);
  assert.equal(stepFor({ ...charged, attempt: null }, steps), 5);
  assert.equal(stepFor({ ...charged, span_id: null, attempt: null }, steps), 5);
  assert.equal(stepFor({ ...charged, span_id: "1:a99" }, steps), null);
});

test("what a step of one's own told the other views is not followed when it comes back, and what others turn to is", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const sent: (Focus | null)[] = [];
  const at = (span_id: string): Focus => ({ instance_id: "x", group: null, span_id, attempt: null });
  const following: Following = new Following({
    blocked: null,
    focusOn: (focus: Focus | null) => {
      sent.push(focus);
      assert.equal(following.hears(focus), false); // the shell tells the view itself, too
    },
  } as unknown as Host);
  const step = (span_id: string, ms: number): void => {
    following.tell(() => at(span_id));
    context.mock.timers.tick(ms);
  };
  step("a", 10);
  step("b", 1000); // `a` was passed by too quickly to be told
  step("c", 1000);
  assert.deepEqual(sent, [at("b"), at("c")]);
  assert.equal(following.hears(at("b")), false);
  assert.equal(following.hears(at("c")), false);
  assert.equal(following.hears(at("d")), true);
  assert.equal(following.hears(at("b")), true); // somebody else, now
  step("b", 1000);
  assert.equal(sent.length, 2); // all look there already
  following.tell(() => at("e"));
  assert.equal(following.hears(at("f")), true);
  context.mock.timers.tick(1000);
  assert.equal(sent.length, 2); // whoever turned elsewhere after our step has the last word
});

test("the export is a picture that stands alone", () => {
  const drawn = svgOf(told(), 5);
  assert.match(drawn, /^<svg xmlns=.*<\/svg>$/s);
  assert.equal(drawn.match(/<circle/g)?.length, 9);
  assert.equal(drawn.match(/<path/g)?.length, 2); // the rail, and a note
});
