// One recipe opened: its diagram and its code, knobs to turn, a run and what its record shows, and the way into the notebook.
import { html, replace, set, text } from "../../dom";
import type { Knobs, RecipeCard, RecipeTrial, ViewName } from "../../protocol";
import type { Host } from "../../shell/content";
import { copy } from "../../shell/exports";
import { asked, INSERT, OPEN_VIEW } from "../doors";
import { pythonPieces } from "../python";
import { Evidence } from "./evidence";
import { KnobFields } from "./knobs";
import { pictureOf } from "./pictures";
import { defaults, facts, inWords } from "./words";

const PAUSE_MS = 150;
let count = 0;

export class Detail {
  readonly element: HTMLElement;
  readonly heading: HTMLElement;
  readonly #knobs: KnobFields;
  readonly #evidence: Evidence;
  readonly #run = action("run");
  readonly #insert = action("insert", "Insert into notebook");
  readonly #copy = action("copy-source", "Copy code");
  readonly #fails = html("input", { type: "checkbox", "data-wf-action": "failure" });
  readonly #told = html("p", { class: "wf-recipetold", role: "status" });
  readonly #code = html("code", {});
  readonly #tabs: readonly HTMLButtonElement[];
  readonly #panes: readonly HTMLElement[];
  #trial: RecipeTrial | null = null;
  #asked = 0; // trials seen when Run was pressed last
  #blocked: string | null;
  #source: string;
  #shown = "";
  #turned: ReturnType<typeof setTimeout> | undefined;
  #before: Knobs;

  constructor(private readonly host: Host, readonly card: RecipeCard, given: Knobs, back: () => void) {
    this.#blocked = host.blocked;
    this.#source = card.code;
    this.#before = { ...defaults(card), ...given };
    this.#knobs = new KnobFields(card, this.#before, () => this.#turn());
    this.#evidence = new Evidence(card, (view, trial) => this.#look(view, trial));
    this.heading = html("h3", { tabindex: -1 }, card.title);
    const all = action("all-recipes", "← All recipes");
    all.addEventListener("click", back);
    this.#run.classList.add("wf-go");
    this.#run.addEventListener("click", () => void this.#start());
    this.#insert.addEventListener("click", () => void this.#put());
    this.#copy.addEventListener("click", () => void this.#copySource());
    this.#fails.addEventListener("change", () => this.#turnFailure());
    const id = `wf-recipe-${++count}-${Math.random().toString(36).slice(2, 8)}`;
    this.#panes = [
      html("div", { class: "wf-diagram", tabindex: 0 }, pictureOf(card, true)),
      html("div", {}, html("pre", { class: "wf-code wf-source", tabindex: 0, role: "group", "aria-label": `Code of ${card.title}` }, this.#code)),
    ];
    this.#tabs = ["Diagram", "Code"].map((label, place) => this.#tab(label, place, id));
    const tabs = html("div", { class: "wf-recipetabs", role: "tablist", "aria-label": "Diagram or code" }, ...this.#tabs);
    const failure = html("label", { class: "wf-recipetoggle wf-failure" }, this.#fails, html("span", {}, "Show me the failure", html("span", { class: "wf-found" }, card.failure.says)));
    const buttons = html("div", { class: "wf-recipebuttons" }, this.#run, this.#insert, this.#copy);
    this.element = html(
      "article",
      { class: "wf-recipe", "data-wf-detail": card.id, "aria-label": card.title },
      html("div", { class: "wf-recipehead" }, all, this.heading, html("code", {}, card.id), html("span", { class: "wf-muted" }, facts(card))),
      card.experimental === "" ? null : html("p", { class: "wf-notice", "data-level": "error" }, `Experimental: ${card.experimental}`),
      html("p", {}, html("b", {}, "Use when "), card.use_when, html("br"), html("b", {}, "Not when "), card.not_when),
      html(
        "div",
        { class: "wf-recipebody" },
        html("div", { class: "wf-recipeleft" }, tabs, ...this.#panes),
        html("div", { class: "wf-reciperight" }, this.#knobs.element, failure, buttons, this.#told, this.#evidence.element),
      ),
    );
    this.#showTab(0);
    this.#turn();
  }

  draw(trial: RecipeTrial | null): void {
    this.#trial = trial;
    const isUnderWay = (trial !== null && !trial.is_over) || this.#asked > (trial?.number ?? 0);
    if (trial !== null && trial.number >= this.#asked) this.#asked = 0;
    set(this.#run, { disabled: this.#blocked !== null || isUnderWay, title: this.#blocked ?? undefined });
    text(this.#run, isUnderWay ? "Running …" : inWords(this.card.run, this.#knobs.values));
    this.#evidence.draw(trial, this.#knobs.values, this.#blocked);
  }

  block(reason: string | null): void {
    this.#blocked = reason;
    this.#knobs.block(reason);
    set(this.#fails, { disabled: reason !== null, title: reason ?? undefined });
    this.draw(this.#trial);
  }

  dispose(): void {
    clearTimeout(this.#turned);
  }

  #tab(label: string, place: number, id: string): HTMLButtonElement {
    const tab = html("button", { type: "button", class: "wf-small", role: "tab", id: `${id}-tab-${place}`, "aria-controls": `${id}-pane-${place}`, "data-wf-action": `tab-${label.toLowerCase()}` }, label);
    const pane = this.#panes[place];
    if (pane !== undefined) set(pane, { id: `${id}-pane-${place}`, role: "tabpanel", "aria-labelledby": tab.id });
    tab.addEventListener("click", () => this.#showTab(place));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      event.preventDefault();
      event.stopPropagation();
      this.#showTab(1 - place);
      this.#tabs[1 - place]?.focus();
    });
    return tab;
  }

  #showTab(chosen: number): void {
    for (const [place, tab] of this.#tabs.entries()) {
      set(tab, { "aria-selected": String(place === chosen), tabindex: place === chosen ? 0 : -1 });
      const pane = this.#panes[place];
      if (pane !== undefined) pane.hidden = place !== chosen;
    }
  }

  /** A knob was turned: the button and the statements say so at once, the code once the kernel has written it. */
  #turn(): void {
    this.draw(this.#trial);
    this.#show(this.#source);
    clearTimeout(this.#turned);
    this.#turned = setTimeout(() => void this.#write(), PAUSE_MS);
  }

  #show(source: string): void {
    if (source === this.#shown) return;
    this.#shown = source;
    replace(this.#code, ...pythonPieces(source).map(({ kind, text }) => html("span", kind === "plain" ? {} : { class: `wf-py${kind}` }, text)));
  }

  async #write(): Promise<void> {
    this.#source = await this.#sourceNow();
    this.#show(this.#source);
  }

  /** The code with the knobs as they stand. One place writes it: the kernel; without one no knob can be turned. */
  async #sourceNow(): Promise<string> {
    const knobs = this.#changed();
    if (Object.keys(knobs).length === 0) return this.card.code;
    try {
      return String(await this.host.ask("source", { recipe: this.card.id, knobs }));
    } catch (error) {
      this.#tell(told(error), "error");
      return this.card.code;
    }
  }

  #changed(): Knobs {
    const usual = defaults(this.card);
    return Object.fromEntries(Object.entries(this.#knobs.values).filter(([name, value]) => usual[name] !== value));
  }

  #turnFailure(): void {
    if (this.#fails.checked) this.#before = this.#knobs.values;
    const back = Object.fromEntries(Object.keys(this.card.failure.knobs).flatMap((name) => (name in this.#before ? [[name, this.#before[name] ?? ""]] : [])));
    this.#knobs.put(this.#fails.checked ? this.card.failure.knobs : back);
  }

  async #start(): Promise<void> {
    if (!this.#knobs.check()) return;
    this.#tell("");
    this.#asked = (this.#trial?.number ?? 0) + 1;
    this.draw(this.#trial);
    try {
      await this.host.ask("run", { recipe: this.card.id, knobs: this.#knobs.values, failure: this.#fails.checked });
    } catch (error) {
      this.#asked = 0;
      this.#tell(told(error), "error");
      this.draw(this.#trial);
    }
  }

  async #put(): Promise<void> {
    if (!this.#knobs.check()) return;
    const source = await this.#sourceNow();
    if (asked(this.element, INSERT, { source })) this.#tell("Inserted below: run that cell, it needs nothing else.");
    else await this.#copySource(`Run %wf recipe ${this.card.id} --insert in a cell; or paste into a new one: the code is copied.`);
  }

  async #copySource(done = "Copied."): Promise<void> {
    const isCopied = await copy(await this.#sourceNow());
    this.#tell(isCopied ? done : `Nothing could be copied here. Run %wf recipe ${this.card.id} --insert in a cell.`, isCopied ? "info" : "error");
  }

  #look(view: string, trial: RecipeTrial): void {
    const id = trial.instance_id;
    if (id === null || asked(this.element, OPEN_VIEW, { view, instance_id: id, name: trial.workflow })) return;
    this.host.send({ type: "switch", view: view as ViewName, instance_id: id });
  }

  #tell(what: string, level: "info" | "error" = "info"): void {
    text(this.#told, what);
    set(this.#told, { "data-level": level });
  }
}

function action(name: string, label = ""): HTMLButtonElement {
  return html("button", { type: "button", class: "wf-small wf-line", "data-wf-action": name }, label);
}

function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
