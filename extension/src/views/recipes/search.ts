// Finds recipes by the words of a problem: "my activity is flaky". Words that say nothing are left out; the best matches come first.
import type { RecipeCard } from "../../protocol";

const EMPTY: ReadonlySet<string> = new Set("a an and are at be but can do does for from has have how i if in is it its me my not of on one or so some that the there this to until up want was we what when with".split(" "));
const WEIGHTS: readonly (readonly [weight: number, words: (card: RecipeCard) => string])[] = [
  [5, (card) => `${card.title} ${card.id.replace(/_/g, " ")} ${card.pattern}`],
  [4, (card) => card.problems.join(" ")],
  [3, (card) => `${card.tags.join(" ")} ${card.verbs.join(" ").replace(/_/g, " ")} ${card.verbs.join(" ")}`],
  [2, (card) => card.use_when],
];

/** The cards that fit, the best first; all of them, as they stand, where nothing is asked. */
export function found(cards: readonly RecipeCard[], wanted: string): readonly RecipeCard[] {
  const words = wordsOf(wanted);
  if (words.length === 0) return cards;
  const scored = cards.map((card) => ({ card, score: score(card, words) }));
  const best = Math.max(...scored.map((one) => one.score.hits));
  // of a sentence not every word need be there, but no card is shown that has fewer of them than another has
  return scored
    .filter((one) => one.score.hits > 0 && one.score.hits === best)
    .sort((a, b) => b.score.weight - a.score.weight)
    .map((one) => one.card);
}

function score(card: RecipeCard, words: readonly string[]): { hits: number; weight: number } {
  const fields = WEIGHTS.map(([weight, text]) => ({ weight, words: wordsOf(text(card)) }));
  let hits = 0;
  let weight = 0;
  for (const word of words) {
    const best = Math.max(0, ...fields.filter((field) => field.words.some((known) => known.startsWith(word))).map((field) => field.weight));
    if (best > 0) hits += 1;
    weight += best;
  }
  return { hits, weight };
}

function wordsOf(text: string): readonly string[] {
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}_]+/u)
    .filter((word) => word !== "" && !EMPTY.has(word));
}
