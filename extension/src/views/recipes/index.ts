// The gallery of recipes: cards to find one, and the one that is open.
import style from "../../../style/recipes.css";
import { html, replace, set, text } from "../../dom";
import { isRecipesPicture, type RecipeCard, type RecipesPicture, type RecipeTrial } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { viewOf } from "../../shell/shell";
import { Cards } from "./cards";
import { Detail } from "./detail";
import { found } from "./search";
import { count, sentence, verdict } from "./words";

const KEYS: readonly KeyHelp[] = [
  { keys: "/", what: "search" },
  { keys: "Enter", what: "open the recipe" },
  { keys: "Escape", what: "back to all recipes" },
];

class Recipes implements Content<RecipesPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #cards = new Cards((card) => this.#open(card, {}));
  readonly #none = html("p", { class: "wf-norecipe", hidden: true });
  readonly #gallery: HTMLElement;
  readonly #search: HTMLInputElement;
  readonly #level = html("select", { class: "wf-field", "aria-label": "Level", "data-wf-field": "level" });
  readonly #pattern = html("select", { class: "wf-field", "aria-label": "Pattern", "data-wf-field": "pattern" });
  readonly #experimental = html("input", { type: "checkbox", "data-wf-field": "experimental" });
  readonly #showExperimental: HTMLElement;
  readonly #problems: HTMLElement;
  #detail: Detail | null = null;
  #picture: RecipesPicture | null = null;
  #wasOpened = false;

  constructor(private readonly host: Host) {
    const id = `wf-problems-${Math.random().toString(36).slice(2, 8)}`;
    this.#problems = html("datalist", { id });
    this.#search = html("input", { type: "search", class: "wf-field wf-problem", list: id, placeholder: "what is the problem? (/)", "aria-label": "Search recipes by problem, pattern or verb", "data-wf-field": "search" });
    this.#showExperimental = html("label", { class: "wf-recipetoggle", hidden: true }, this.#experimental, "experimental");
    for (const field of [this.#search, this.#level, this.#pattern, this.#experimental]) field.addEventListener("input", () => this.#redraw());
    this.tools = [this.#search, this.#pattern, this.#level, this.#showExperimental];
    this.#gallery = html("div", { class: "wf-gallery" }, this.#problems, this.#none, this.#cards.element);
    this.element = html("div", { class: "wf-recipes" }, this.#gallery);
  }

  fits(picture: unknown): picture is RecipesPicture {
    return isRecipesPicture(picture);
  }

  title(picture: RecipesPicture): string {
    return `Recipes (${picture.recipes.length})`;
  }

  draw(picture: RecipesPicture): void {
    if (this.#picture === null) this.#fill(picture);
    this.#picture = picture;
    const shown = this.#shown(picture);
    this.#cards.draw(shown, trialsOf(picture));
    this.#none.hidden = shown.length > 0;
    text(this.#none, this.#search.value === "" ? "No recipe is of this pattern and level." : `No recipe is about “${this.#search.value}”. Try one word, such as retry, approval or parallel.`);
    set(this.element, { "data-wf-count": shown.length });
    if (!this.#wasOpened && picture.opened !== null) {
      this.#wasOpened = true;
      const card = picture.recipes.find((one) => one.id === picture.opened);
      if (card !== undefined) this.#show(card, picture.opened_knobs);
    }
    this.#detail?.draw(trialsOf(picture).get(this.#detail.card.id) ?? null);
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape" && this.#detail !== null) {
      this.#back();
      return true;
    }
    if (event.key !== "/" || this.#detail !== null) return false;
    this.#search.focus();
    return true;
  }

  sentence(picture: RecipesPicture): string {
    return sentence(picture);
  }

  table(picture: RecipesPicture): TableData {
    const trials = trialsOf(picture);
    const rows = picture.recipes.map((card) => {
      const trial = trials.get(card.id);
      return [card.title, card.id, card.pattern, card.level, card.use_when, trial === undefined ? "" : verdict(card, trial)];
    });
    return { caption: this.sentence(picture), heads: ["Recipe", "Name", "Pattern", "Level", "Use when", "Last run"], rows, total: rows.length };
  }

  footnote(picture: RecipesPicture): string {
    const shown = this.#shown(picture).length;
    return `${count(picture)}${shown === picture.recipes.length ? "" : ` · showing ${shown}`}`;
  }

  code(): string {
    return "lab.recipes().df()";
  }

  svg(): string | null {
    return this.#detail?.card.svg || null;
  }

  block(reason: string | null): void {
    this.#detail?.block(reason);
  }

  dispose(): void {
    this.#detail?.dispose();
  }

  #fill(picture: RecipesPicture): void {
    const options = (first: string, values: readonly string[]): HTMLElement[] => [html("option", { value: "" }, first), ...[...new Set(values)].map((value) => html("option", { value }, value))];
    replace(this.#level, ...options("any level", picture.recipes.map((card) => card.level)));
    replace(this.#pattern, ...options("any pattern", picture.recipes.map((card) => card.pattern)));
    replace(this.#problems, ...picture.recipes.flatMap((card) => card.problems.slice(0, 1)).map((value) => html("option", { value })));
    this.#showExperimental.hidden = picture.recipes.every((card) => card.experimental === "");
  }

  #shown(picture: RecipesPicture): readonly RecipeCard[] {
    const fitting = picture.recipes.filter(
      (card) =>
        (card.experimental === "" || this.#experimental.checked) &&
        (this.#level.value === "" || card.level === this.#level.value) &&
        (this.#pattern.value === "" || card.pattern === this.#pattern.value),
    );
    return found(fitting, this.#search.value);
  }

  #open(card: RecipeCard, knobs: RecipesPicture["opened_knobs"]): void {
    this.#show(card, knobs);
    this.#detail?.heading.focus({ preventScroll: true });
    this.element.closest("[data-wf-view]")?.scrollIntoView({ block: "nearest" });
  }

  #show(card: RecipeCard, knobs: RecipesPicture["opened_knobs"]): void {
    this.#detail?.dispose();
    this.#detail = new Detail(this.host, card, knobs, () => this.#back());
    this.#detail.block(this.host.blocked);
    if (this.#picture !== null) this.#detail.draw(trialsOf(this.#picture).get(card.id) ?? null);
    for (const tool of this.tools) tool.classList.add("wf-away");
    replace(this.element, this.#detail.element);
  }

  #back(): void {
    const id = this.#detail?.card.id;
    this.#detail?.dispose();
    this.#detail = null;
    for (const tool of this.tools) tool.classList.remove("wf-away");
    replace(this.element, this.#gallery);
    this.#redraw();
    if (id !== undefined) this.#cards.focus(id);
  }

  #redraw(): void {
    this.host.redraw();
  }
}

function trialsOf(picture: RecipesPicture): ReadonlyMap<string, RecipeTrial> {
  return new Map(picture.trials.map((trial) => [trial.recipe, trial]));
}

export const RECIPES = viewOf<RecipesPicture>("recipes", style, (host) => new Recipes(host));
