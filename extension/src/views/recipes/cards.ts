// The gallery: a card for each recipe.
import { badge, html, replace } from "../../dom";
import type { RecipeCard, RecipeTrial } from "../../protocol";
import { pictureOf } from "./pictures";
import { facts } from "./words";

export class Cards {
  readonly element = html("div", { class: "wf-recipecards" });
  readonly #made = new Map<string, { readonly card: RecipeCard; readonly element: HTMLElement; readonly last: HTMLElement; readonly title: HTMLElement }>();

  constructor(private readonly open: (card: RecipeCard) => void) {}

  draw(cards: readonly RecipeCard[], trials: ReadonlyMap<string, RecipeTrial>): void {
    const elements = cards.map((card) => {
      let made = this.#made.get(card.id);
      if (made === undefined || made.card.code !== card.code) {
        made = this.#make(card);
        this.#made.set(card.id, made);
      }
      replace(made.last, ...lastRun(trials.get(card.id)));
      return made.element;
    });
    const isSame = elements.length === this.element.children.length && elements.every((one, place) => one === this.element.children[place]);
    if (!isSame) replace(this.element, ...elements); // else who has the focus would lose it
  }

  focus(id: string): void {
    this.#made.get(id)?.title.focus();
  }

  #make(card: RecipeCard): { card: RecipeCard; element: HTMLElement; last: HTMLElement; title: HTMLElement } {
    const title = html("button", { type: "button", class: "wf-recipetitle", "data-wf-action": "open-recipe" }, card.title);
    const last = html("span", { class: "wf-last" });
    const element = html(
      "article",
      { class: "wf-recipecard", "data-wf-recipe": card.id, "aria-label": card.title },
      html("div", { class: "wf-thumbbox" }, pictureOf(card, false)),
      html("h3", {}, title, last),
      html("p", {}, html("b", {}, "Use when "), card.use_when),
      html("p", { class: "wf-muted" }, html("b", {}, "Not when "), card.not_when),
      html("p", { class: "wf-muted wf-facts" }, facts(card)),
      html("p", { class: "wf-tags" }, ...[...(card.experimental === "" ? [] : ["experimental"]), ...(card.origin === "wflab" ? [] : ["yours"]), ...card.tags].map((tag) => html("span", { class: "wf-chip" }, tag))),
    );
    element.addEventListener("click", () => this.open(card));
    return { card, element, last, title };
  }
}

function lastRun(trial: RecipeTrial | undefined): readonly (HTMLElement | string)[] {
  if (trial === undefined) return [];
  if (!trial.is_over) return [badge(trial.status), "running"];
  const held = trial.statements.filter((one) => one.verdict === "pass").length;
  const holds = held === trial.statements.length;
  return [badge(holds ? "COMPLETED" : "FAILED"), !holds && trial.wants_failure ? "failed, as asked" : `${held} of ${trial.statements.length} hold`];
}
