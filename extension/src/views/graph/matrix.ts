// Too many groups for a picture: a row for each, a column for each state that occurs.
import { html, replace, set, tint } from "../../dom";
import { kindLook, stateLook } from "../../palette";
import type { GraphGroup, GraphPicture } from "../../protocol";
import { VirtualRows } from "./rows";
import { number, spoken } from "./words";

export class Matrix {
  readonly element: HTMLElement;
  readonly #head = html("div", { class: "wf-vrow wf-vhead", role: "row" });
  readonly #rows = new VirtualRows((place) => this.#row(place), () => undefined);
  #groups: readonly GraphGroup[] = [];
  #states: readonly string[] = [];

  constructor(private readonly choose: (group: GraphGroup) => void) {
    this.element = html("div", { class: "wf-matrix wf-vtable", role: "grid", "aria-label": "Groups and states", hidden: true }, this.#head, this.#rows.element);
    this.element.addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-wf-row]") : null;
      if (row) this.#choose(Number(row.dataset["wfRow"]));
    });
    this.element.addEventListener("keydown", (event) => {
      const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e9, End: 1e9 };
      const step = steps[event.key];
      if (step !== undefined) this.#rows.turnTo(this.#rows.current + step);
      else if (event.key === "Enter") this.#choose(this.#rows.current);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  draw(picture: GraphPicture): void {
    this.#groups = picture.groups.filter((group) => group.kind !== "workflow");
    const states = [...new Set(this.#groups.flatMap((group) => Object.keys(group.counts)))];
    if (states.join() !== this.#states.join() || !this.#head.firstChild) {
      this.#states = states;
      replace(this.#head, ...["Group", "Kind", "Line", ...states.map((state) => `${stateLook(state).glyph}\uFE0E ${state}`)].map((head) => html("span", { role: "columnheader" }, head)));
    }
    this.#rows.resize(this.#groups.length);
  }

  #choose(place: number): void {
    const group = this.#groups[place];
    if (group) this.choose(group);
  }

  #row(place: number): HTMLElement | null {
    const group = this.#groups[place];
    if (group === undefined) return null;
    const counts = this.#states.map((state) => {
      const count = group.counts[state];
      const cell = html("span", { role: "gridcell", class: count ? "wf-counted" : undefined }, count ? number(count) : "");
      tint(cell, state);
      return cell;
    });
    const cells = [group.name || group.kind, kindLook(group.kind).label, group.line === null ? "" : String(group.line)].map((cell) => html("span", { role: "gridcell", dir: "auto" }, cell));
    const row = html("div", { class: "wf-vrow", "data-wf-node": group.name, "data-wf-id": group.id, "data-wf-state": group.state, "data-wf-count": group.count }, ...cells, ...counts);
    set(row, { "aria-label": spoken(group) });
    return row;
  }
}
