// What the record of a run shows: one line for each statement, and what can be looked at afterwards.
import { badge, html, replace, set, text } from "../../dom";
import type { Knobs, RecipeCard, RecipeStatement, RecipeTrial } from "../../protocol";
import { inWords, verdict } from "./words";

const STATES = { pass: "COMPLETED", fail: "FAILED", pending: "PENDING" } as const;
const TITLES: Readonly<Record<string, string>> = { graph: "Graph", timeline: "Timeline", saga: "Saga", replay: "Replay" };

export class Evidence {
  readonly element: HTMLElement;
  readonly #verdict = html("p", { class: "wf-verdict" });
  readonly #list = html("ul", { class: "wf-evidence" });
  readonly #after = html("div", { class: "wf-after", role: "group", "aria-label": "Views of this run" });
  readonly #said = html("pre", { class: "wf-code", tabindex: 0, "aria-label": "What it printed" });
  #drawn = "";
  #shown: string | null = null;

  constructor(private readonly card: RecipeCard, private readonly look: (view: string, trial: RecipeTrial) => void) {
    this.element = html("section", { "aria-label": "Evidence" }, html("h4", {}, "Evidence"), this.#verdict, this.#list, this.#after, this.#said);
  }

  /** `knobs` fill the statements in while nothing has run. */
  draw(trial: RecipeTrial | null, knobs: Knobs, blocked: string | null): void {
    const statements = trial?.statements ?? this.card.statements;
    text(this.#verdict, trial === null ? "What a run's record must show; run it to see whether it does." : verdict(this.card, trial));
    set(this.#verdict, { "data-level": trial !== null && trial.error !== "" ? "error" : undefined });
    set(this.element, { "data-wf-trial": trial?.number, "data-wf-state": trial?.status, "data-wf-over": trial === null ? undefined : String(trial.is_over) });
    const lines = JSON.stringify([statements, knobs]);
    if (lines !== this.#drawn) {
      this.#drawn = lines;
      replace(this.#list, ...statements.map((one) => line(one, trial?.knobs ?? knobs)));
    }
    this.#said.hidden = (trial?.said.length ?? 0) === 0;
    text(this.#said, (trial?.said ?? []).join("\n"));
    this.#drawAfter(trial, blocked);
  }

  #drawAfter(trial: RecipeTrial | null, blocked: string | null): void {
    const id = trial?.instance_id ?? null;
    this.#after.hidden = id === null;
    if (id !== this.#shown) {
      this.#shown = id;
      replace(this.#after, ...(trial === null || id === null ? [] : this.card.views.map((view) => this.#button(view, trial))));
    }
    for (const button of this.#after.querySelectorAll("button")) set(button, { disabled: blocked !== null, title: blocked ?? undefined });
  }

  #button(view: string, trial: RecipeTrial): HTMLElement {
    const button = html("button", { type: "button", class: "wf-small wf-line", "data-wf-action": `after-${view}` }, `${TITLES[view] ?? view} of this run`);
    button.addEventListener("click", () => this.look(view, trial));
    return button;
  }
}

function line(one: RecipeStatement, knobs: Knobs): HTMLElement {
  const word = one.verdict === "pending" ? "not known yet: " : `${one.verdict}: `;
  const said = html("span", {}, html("span", { class: "wf-heard" }, word), inWords(one.text, knobs), one.found === "" ? null : html("span", { class: "wf-found" }, one.found));
  return html("li", { "data-wf-evidence": one.verdict, "data-wf-statement": one.name }, badge(STATES[one.verdict]), said);
}
