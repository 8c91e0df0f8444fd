// The same steps as a table: for reading closely, for screen readers, for copying.
import { badge, html, replace, text } from "../dom";
import { spanText } from "../durations";
import { kindLook } from "../palette";
import type { Picture, StepLine } from "../protocol";

export class StepTable {
  readonly element: HTMLDetailsElement;
  readonly #summary = html("summary", {});
  readonly #rows = html("tbody", {});
  #picture: Picture | null = null;
  #drawn = "";

  constructor() {
    const heads = ["Step", "Kind", "State", "Attempts", "Took", "Result"].map((head) => html("th", { scope: "col" }, head));
    const table = html("table", {}, html("thead", {}, html("tr", {}, ...heads)), this.#rows);
    this.element = html("details", { class: "wf-steps" }, this.#summary, html("div", { class: "wf-tablebox", tabindex: 0, role: "group", "aria-label": "Steps" }, table));
    this.element.addEventListener("toggle", () => this.#fill());
  }

  draw(picture: Picture): void {
    this.#picture = picture;
    const shown = picture.steps.reduce((sum, line) => sum + line.count, 0);
    const part = shown < picture.steps_total ? ` · showing ${shown.toLocaleString("en")}` : "";
    const plural = (count: number, word: string): string => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
    text(this.#summary, `${plural(picture.steps_total, "step")} · ${plural(picture.attempts_total, "attempt")} · ${plural(picture.events_total, "event")}${part}`);
    this.#fill();
  }

  /** A closed table costs nothing. */
  #fill(): void {
    if (!this.element.open || this.#picture === null) return;
    const drawn = JSON.stringify(this.#picture.steps);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    replace(this.#rows, ...this.#picture.steps.map(row));
  }
}

function row(line: StepLine): HTMLElement {
  const name = line.count > 1 ? `${line.name} ×${line.count.toLocaleString("en")}` : line.name;
  const state = html("td", {}, badge(line.state), ` ${line.state}${line.note ? ` (${line.note})` : ""}`);
  const cells = [kindLook(line.kind).label, state, line.attempts > 0 ? String(line.attempts) : "", line.took_ms === null ? "" : spanText(line.took_ms / 1000)];
  const tail = html("td", { class: "wf-result", dir: "auto" }, line.result);
  return html("tr", {}, html("th", { scope: "row", dir: "auto" }, name), ...cells.map((cell) => (typeof cell === "string" ? html("td", {}, cell) : cell)), tail);
}
