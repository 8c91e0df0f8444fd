// What the gallery of recipes shows: the twin of wflab/protocol/recipes.py, where the meaning of each field is told.
import { type AnyPicture, isRecord } from "./messages";

export type KnobValue = boolean | number | string;
export type Knobs = Readonly<Record<string, KnobValue>>;

export interface RecipeKnob {
  readonly name: string;
  readonly label: string;
  readonly kind: "bool" | "int" | "float" | "text";
  readonly default: KnobValue;
  readonly low: number | null;
  readonly high: number | null;
  readonly choices: readonly string[];
  readonly told: string;
}

export interface RecipeStatement {
  readonly name: string;
  readonly text: string;
  readonly verdict: "pass" | "fail" | "pending";
  readonly found: string;
}

export interface RecipeFailure {
  readonly says: string;
  readonly knobs: Knobs;
  readonly ends: string;
  readonly fails: readonly string[];
}

export interface RecipeCard {
  readonly id: string;
  readonly title: string;
  readonly pattern: string;
  readonly use_when: string;
  readonly not_when: string;
  readonly level: string;
  readonly verbs: readonly string[];
  readonly seconds: number;
  readonly tags: readonly string[];
  readonly problems: readonly string[];
  readonly ends: string;
  readonly run: string;
  readonly knobs: readonly RecipeKnob[];
  readonly failure: RecipeFailure;
  readonly statements: readonly RecipeStatement[];
  readonly code: string;
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  readonly sentence: string;
  readonly views: readonly string[];
  readonly origin: string;
  readonly experimental: string;
}

export interface RecipeTrial {
  readonly recipe: string;
  readonly number: number;
  readonly knobs: Knobs;
  readonly wants_failure: boolean;
  readonly instance_id: string | null;
  readonly workflow: string;
  readonly status: string;
  readonly is_over: boolean;
  readonly took_ms: number | null;
  readonly statements: readonly RecipeStatement[];
  readonly said: readonly string[];
  readonly error: string;
}

export interface RecipesPicture extends AnyPicture {
  readonly lab: string;
  readonly recipes: readonly RecipeCard[];
  readonly trials: readonly RecipeTrial[];
  readonly opened: string | null;
  readonly opened_knobs: Knobs;
}

export function isRecipesPicture(picture: unknown): picture is RecipesPicture {
  return isRecord(picture) && picture["view"] === "recipes" && Array.isArray(picture["recipes"]) && Array.isArray(picture["trials"]);
}
