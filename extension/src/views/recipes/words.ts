// What is said of recipes and their runs.
import { spanText } from "../../durations";
import type { Knobs, RecipeCard, RecipesPicture, RecipeTrial } from "../../protocol";

/** A sentence with its `{KNOB}`s filled in; yes and no for true and false. */
export function inWords(words: string, knobs: Knobs): string {
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = Object.prototype.hasOwnProperty.call(knobs, name) ? knobs[name] : whole;
    return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  });
}

export function facts(card: RecipeCard): string {
  return `${card.level} · under ${card.seconds} s · ${card.verbs.join(", ")}`;
}

export function defaults(card: RecipeCard): Knobs {
  return Object.fromEntries(card.knobs.map((knob) => [knob.name, knob.default]));
}

/** How a run stands and what its record shows, in one sentence. */
export function verdict(card: RecipeCard, trial: RecipeTrial): string {
  if (trial.error !== "") return `${card.title} could not be run to its end: ${trial.error}`;
  if (!trial.is_over) return `${card.title} is ${trial.instance_id === null ? "starting" : trial.status}.`;
  const held = trial.statements.filter((one) => one.verdict === "pass").length;
  const all = trial.statements.length;
  const took = trial.took_ms === null ? "" : ` after ${spanText(trial.took_ms / 1000)}`;
  const told = held === all ? `all ${all} statements hold` : `${held} of ${all} statements hold`;
  return `${card.title} ended ${trial.status}${took}: ${told}.${held < all && trial.wants_failure ? " This is the failure that was asked for." : ""}`;
}

export function count(picture: RecipesPicture): string {
  return `${picture.recipes.length} ${picture.recipes.length === 1 ? "recipe" : "recipes"}`;
}

export function sentence(picture: RecipesPicture): string {
  const last = [...picture.trials].sort((a, b) => b.number - a.number)[0];
  const card = last && picture.recipes.find((one) => one.id === last.recipe);
  return `Recipes: ${count(picture)} to run and to put into a cell.${last && card ? ` ${verdict(card, last)}` : ""}`;
}
