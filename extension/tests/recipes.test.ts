import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isRecipesPicture, readFromKernel, type RecipeCard, type RecipeFailure, type RecipeKnob, type RecipesPicture, type RecipeStatement, type RecipeTrial } from "../src/protocol";
import { found } from "../src/views/recipes/search";
import { inWords, sentence, verdict } from "../src/views/recipes/words";

type Keys<T> = Readonly<Record<keyof T, true>>;
const picture: Keys<RecipesPicture> = { view: true, lab: true, now: true, ticks: true, is_over: true, recipes: true, trials: true, opened: true, opened_knobs: true };
const card: Keys<RecipeCard> = {
  id: true, title: true, pattern: true, use_when: true, not_when: true, level: true, verbs: true, seconds: true, tags: true, problems: true,
  ends: true, run: true, knobs: true, failure: true, statements: true, code: true, svg: true, width: true, height: true, sentence: true,
  views: true, origin: true, experimental: true,
};
const knob: Keys<RecipeKnob> = { name: true, label: true, kind: true, default: true, low: true, high: true, choices: true, told: true };
const failure: Keys<RecipeFailure> = { says: true, knobs: true, ends: true, fails: true };
const statement: Keys<RecipeStatement> = { name: true, text: true, verdict: true, found: true };
const trial: Keys<RecipeTrial> = {
  recipe: true, number: true, knobs: true, wants_failure: true, instance_id: true, workflow: true, status: true, is_over: true, took_ms: true,
  statements: true, said: true, error: true,
};

function sample(): RecipesPicture {
  const read = readFromKernel(JSON.parse(readFileSync("../tests/protocol/recipes.json", "utf8")));
  assert.ok(read?.type === "picture" && isRecipesPicture(read.picture));
  return read.picture;
}

function sameKeys(value: unknown, keys: Readonly<Record<string, true>>): void {
  assert.deepEqual(Object.keys(value as object).sort(), Object.keys(keys).sort());
}

test("a gallery is read as in the sample, with the fields that Python sends", () => {
  const read = sample();
  sameKeys(read, picture);
  assert.ok(read.recipes.length > 0 && read.trials.length > 0);
  for (const one of read.recipes) {
    sameKeys(one, card);
    sameKeys(one.failure, failure);
    for (const each of one.knobs) sameKeys(each, knob);
    for (const each of one.statements) sameKeys(each, statement);
  }
  for (const one of read.trials) sameKeys(one, trial);
});

function like(id: string, changes: Partial<RecipeCard>): RecipeCard {
  const first = sample().recipes[0];
  assert.ok(first !== undefined);
  return { ...first, id, title: id, pattern: id, use_when: "", tags: [], verbs: [], problems: [], ...changes };
}

const CARDS = [
  like("chaining", { problems: ["my activity is flaky", "retry with backoff"], verbs: ["call_activity"] }),
  like("fanout", { problems: ["my loop is slow"], tags: ["parallel"], verbs: ["call_activity", "when_all"] }),
  like("external", { problems: ["wait for approval"], use_when: "A person may be flaky." }),
];

test("a problem in one's own words finds the recipe that says it", () => {
  const ids = (words: string): readonly string[] => found(CARDS, words).map((one) => one.id);
  assert.deepEqual(ids("my activity is flaky"), ["chaining"]);
  assert.deepEqual(ids("flaky"), ["chaining", "external"]);
  assert.deepEqual(ids("Why is my LOOP so slow?!"), ["fanout"]);
  assert.deepEqual(ids("when_all"), ["fanout"]);
  assert.deepEqual(ids("approv"), ["external"]);
  assert.deepEqual(ids(""), ["chaining", "fanout", "external"]);
  assert.deepEqual(ids("is it the"), ["chaining", "fanout", "external"]);
  assert.deepEqual(ids("quantum"), []);
});

test("knobs are filled in where they are known", () => {
  assert.equal(inWords("Run {ITEMS} of {OTHERS}", { ITEMS: 100 }), "Run 100 of {OTHERS}");
  assert.equal(inWords("latest: {NEW}, {OLD}; {toString}", { NEW: true, OLD: false }), "latest: yes, no; {toString}");
});

test("a run is told in one sentence, also one that could not be made", () => {
  const read = sample();
  const [first] = read.recipes;
  const [last] = read.trials;
  assert.ok(first !== undefined && last !== undefined);
  assert.match(verdict(first, last), /ended FAILED after .*: 1 of 2 statements hold\. This is the failure that was asked for\./);
  assert.match(verdict(first, { ...last, error: "no such thing" }), /could not be run to its end: no such thing/);
  assert.match(verdict(first, { ...last, is_over: false, status: "RUNNING" }), /is RUNNING\./);
  assert.match(sentence(read), /^Recipes: 1 recipe .* ended FAILED/);
});
