import assert from "node:assert/strict";
import { test } from "node:test";
import { pythonPieces } from "../src/views/python";

const told = (text: string): string[] => pythonPieces(text).map(({ kind, text }) => `${kind}:${text}`);

test("keywords, strings, numbers and comments are told apart", () => {
  assert.deepEqual(told('yield ctx.step("a#b", 1_000)  # once'), ["keyword:yield", "plain: ctx.step(", 'string:"a#b"', "plain:, ", "number:1_000", "plain:)  ", "comment:# once"]);
});

test("what only looks like one is none", () => {
  assert.deepEqual(told("format1 = android + if_"), ["plain:format1 = android + if_"]);
});

test("strings may be prefixed, escaped, three-quoted over lines, or never end", () => {
  assert.deepEqual(told(`f'it\\'s {x}' rb"" `), ["string:f'it\\'s {x}'", "plain: ", 'string:rb""', "plain: "]);
  assert.deepEqual(told('"""a\nif b"""\nif'), ['string:"""a\nif b"""', "plain:\n", "keyword:if"]);
  assert.deepEqual(told('"""never\nends'), ['string:"""never\nends']);
  assert.deepEqual(told('"open\nif'), ['string:"open', "plain:\n", "keyword:if"]);
});

test("the pieces are the text, whatever it is", () => {
  for (const text of ["", "\u202eif\u2028#", "'\\", "0x__ if\t'''", "# \u{1F600} 'x'", '"\\\n"']) assert.equal(pythonPieces(text).map((piece) => piece.text).join(""), text);
});
