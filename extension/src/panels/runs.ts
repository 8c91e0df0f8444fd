// The sidebar's list of runs: chips that say how many stand in each state, and narrow the list to one; a row for each run.
import { badge, html, paintBadge, replace, set, svg, text } from "../dom";
import { spanText, tickingText } from "../durations";
import type { Overview, RunLine } from "../protocol_lab";
import { shortId } from "./approvals";

const BESIDE = "M2.5 3.5h11v9h-11zM8.5 3.5v9";
// As in the palette: what needs somebody first.
const ORDER = ["FAILED", "STALLED", "SUSPENDED", "RUNNING", "PENDING", "TERMINATED", "CANCELED", "COMPLETED", "CONTINUED_AS_NEW", "UNKNOWN"];

export interface RunActs {
  /** Turn the lab's focus to a run. */
  focus(id: string): void;
  /** Show it beside the notebook. */
  open(run: RunLine): void;
}

export class RunList {
  readonly #chips = html("div", { class: "wf-chips", role: "group", "aria-label": "Show only runs that are" });
  readonly #list = html("ul", { "aria-label": "Runs, newest first" });
  readonly #footer = html("p", { class: "wf-footer", role: "status" });
  readonly element = html("div", {}, this.#chips, this.#list, this.#footer);
  readonly #byState = new Map<string, HTMLButtonElement>();
  #rows = new Map<string, RunRow>();
  #only: string | null = null;
  #drawn: Overview | null = null;
  #focus: string | null = null;

  constructor(private readonly acts: RunActs) {
    this.#list.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Show only runs in this state, or (null) all. */
  filter(state: string | null): void {
    this.#only = state;
    if (this.#drawn !== null) this.draw(this.#drawn, this.#focus, this.#drawn.now);
  }

  draw(overview: Overview, focus: string | null, now: number): void {
    this.#drawn = overview;
    this.#focus = focus;
    if (this.#only !== null && overview.counts[this.#only] === undefined) this.#only = null;
    this.#drawChips(overview.counts);
    const shown = overview.runs.filter((run) => this.#only === null || run.status === this.#only);
    const rows = new Map<string, RunRow>();
    for (const run of shown) rows.set(run.id, this.#rows.get(run.id) ?? new RunRow(this.acts));
    this.#rows = rows;
    const elements = [...rows.values()].map((row) => row.element);
    if (elements.length !== this.#list.children.length || elements.some((element, at) => this.#list.children[at] !== element)) this.#arrange(elements);
    for (const run of shown) rows.get(run.id)?.draw(run, run.id === focus, now);
    const all = this.#only === null ? overview.runs_total : overview.counts[this.#only] ?? 0;
    const code = this.#only === null ? "lab.runs" : `lab.runs.where(status="${this.#only}")`;
    text(this.#footer, shown.length < all ? `Showing ${shown.length.toLocaleString("en")} of ${all.toLocaleString("en")}; ${code} has all.` : "");
  }

  tick(now: number): void {
    for (const row of this.#rows.values()) row.tick(now);
  }

  /** A row with the focus keeps it though others come before it. */
  #arrange(elements: readonly HTMLElement[]): void {
    const had = document.activeElement;
    replace(this.#list, ...elements);
    if (had instanceof HTMLElement && this.#list.contains(had)) had.focus({ preventScroll: true });
  }

  #drawChips(counts: Readonly<Record<string, number>>): void {
    const states = Object.keys(counts).sort((one, other) => ORDER.indexOf(one) - ORDER.indexOf(other));
    for (const [state, chip] of this.#byState) {
      if (counts[state] !== undefined) continue;
      chip.remove();
      this.#byState.delete(state);
    }
    for (const state of states) {
      const chip = this.#byState.get(state) ?? this.#chip(state);
      text(chip.lastElementChild as HTMLElement, (counts[state] ?? 0).toLocaleString("en"));
      set(chip, { "aria-pressed": String(this.#only === state), "aria-label": `${counts[state]} ${state.toLowerCase().replaceAll("_", " ")}` });
      if (this.#chips.children[states.indexOf(state)] !== chip) this.#chips.insertBefore(chip, this.#chips.children[states.indexOf(state)] ?? null);
    }
  }

  #chip(state: string): HTMLButtonElement {
    const title = state.toLowerCase().replaceAll("_", " ");
    const chip = html("button", { type: "button", class: "wf-state", "data-wf-state": state, title }, badge(state), html("span", {}));
    chip.addEventListener("click", () => this.filter(this.#only === state ? null : state));
    this.#byState.set(state, chip);
    return chip;
  }

  #move(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const mains = [...this.#rows.values()].map((row) => row.main);
    const to = { Home: 0, End: mains.length - 1 }[event.key];
    if (step === undefined && to === undefined) return;
    const at = [...this.#rows.values()].findIndex((row) => row.element.contains(document.activeElement));
    const next = mains[to ?? Math.max(0, at + (step ?? 0))];
    next?.focus();
    event.preventDefault();
  }
}

class RunRow {
  readonly #badge = badge("UNKNOWN");
  readonly #name = html("span", { class: "wf-row-name", dir: "auto" });
  readonly #took = html("span", { class: "wf-row-took" });
  readonly #note = html("span", { class: "wf-row-note", dir: "auto" });
  readonly main = html("button", { type: "button", class: "wf-row-main" }, this.#badge, this.#name, this.#took, this.#note);
  readonly #beside = html("button", { type: "button", class: "wf-icon", title: "Open beside", "data-wf-action": "beside" });
  readonly element = html("li", { class: "wf-row" }, this.main, this.#beside);
  #run: RunLine | null = null;

  constructor(acts: RunActs) {
    this.#beside.append(svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: BESIDE, fill: "none", stroke: "currentColor", "stroke-width": 1.4 })));
    const act = (does: (run: RunLine) => void) => (): void => {
      if (this.#run !== null) does(this.#run);
    };
    this.main.addEventListener("click", act((run) => acts.focus(run.id)));
    this.main.addEventListener("dblclick", act((run) => acts.open(run)));
    this.#beside.addEventListener("click", act((run) => acts.open(run)));
  }

  draw(run: RunLine, isFocus: boolean, now: number): void {
    this.#run = run;
    paintBadge(this.#badge, run.status);
    text(this.#name, run.name);
    text(this.#note, run.waits_for === "" ? shortId(run.id) : `${run.waits_for} · ${shortId(run.id)}`);
    const state = run.status.toLowerCase().replaceAll("_", " ");
    set(this.element, { "data-wf-run": run.id, "data-wf-state": run.status, "data-wf-focus": isFocus ? "true" : undefined });
    set(this.main, {
      title: `${run.name}\n${run.id}\n${state}${run.waits_for === "" ? "" : `, waits for ${run.waits_for}`}`,
      "aria-label": `${run.name}: ${state}${run.waits_for === "" ? "" : `, waits for ${run.waits_for}`}, ${run.id}`,
      "aria-current": isFocus ? "true" : undefined,
    });
    set(this.#beside, { "aria-label": `Open ${run.name} ${run.id} beside` });
    this.tick(now);
  }

  tick(now: number): void {
    if (this.#run === null) return;
    const { started, ended } = this.#run;
    text(this.#took, ended === null ? tickingText(now - started) : spanText((ended - started) / 1000));
  }
}
