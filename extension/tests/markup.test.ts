import assert from "node:assert/strict";
import { test } from "node:test";
import { escaped, legible } from "../src/markup";

test("an emoji stays what it is, and half of one is a sign of what cannot be shown", () => {
  assert.equal(legible("pack \u{1F4E6} \ud83d.", 99), "pack \u{1F4E6} \uFFFD.");
});

test("what hides or turns text about is shown as such", () => {
  assert.equal(legible("a\u202eb\u0000c\u001b[1m", 99), "a\uFFFDb\uFFFDc\uFFFD[1m");
});

test("text is cut between characters, not within one", () => {
  assert.equal(legible("\u{1F4E6}\u{1F4E6}\u{1F4E6}\u{1F4E6}", 3), "\u{1F4E6}\u{1F4E6}…");
  assert.equal(legible("four", 4), "four");
});

test("nothing in text is markup", () => {
  assert.equal(escaped(`<a href="x" title='y'>&`), "&lt;a href=&quot;x&quot; title=&#x27;y&#x27;&gt;&amp;");
});
