// The calls of one group, docked under the graph: sorted by badness, narrowed by state, by dragging over the cells or over the histogram.
import { badge, html, replace, set, text } from "../../dom";
import { spanText } from "../../durations";
import { stateLook } from "../../palette";
import { type CallRow, type GraphGroup, isCallPage } from "../../protocol";
import type { Host } from "../../shell/content";
import { brush, durationAt, histogramOf, waffleOf } from "./figures";
import type { Brushed } from "./nodebrush";
import { VirtualRows } from "./rows";
import { number } from "./words";

const PAGE = 100;

export class Panel {
  readonly element = html("section", { class: "wf-panel", hidden: true, "data-wf-panel": "" });
  readonly #title = html("strong", { dir: "auto" });
  readonly #chips = html("span", { class: "wf-chips", role: "group", "aria-label": "States" });
  readonly #figures = html("div", { class: "wf-panelfigures" });
  readonly #note = html("span", { class: "wf-muted" });
  readonly #anew = html("button", { type: "button", class: "wf-small", hidden: true, "data-wf-action": "panel-refresh" }, "Changed: list anew");
  readonly #clear = html("button", { type: "button", class: "wf-small", hidden: true, "data-wf-action": "panel-clear" }, "All calls");
  readonly #rows: VirtualRows;
  readonly #pages = new Map<number, readonly CallRow[]>();
  #group: GraphGroup | null = null;
  #listed = "";
  #drawnFigures = "";
  #states = new Set<string>();
  #places: readonly [number, number] | null = null;
  #took: readonly [number, number] | null = null;
  #turn = 0;
  #wantsFocus = false;

  /** `open` hears of the row that a person wants to see; `closed` when they are done. */
  constructor(private readonly host: Host, private readonly open: (group: GraphGroup, row: CallRow) => void, private readonly closed: () => void) {
    const close = html("button", { type: "button", class: "wf-small", "data-wf-action": "panel-close" }, "Close");
    close.addEventListener("click", () => this.close());
    this.#anew.addEventListener("click", () => this.#list());
    this.#clear.addEventListener("click", () => this.#narrow(null, null, new Set()));
    this.#rows = new VirtualRows((place) => this.#row(place), (first, last) => this.#fetch(first, last));
    const heads = ["#", "State", "Attempts", "Took", "Error", "Input"].map((head) => html("span", { role: "columnheader" }, head));
    const table = html("div", { class: "wf-vtable", role: "grid", "aria-label": "Calls" }, html("div", { class: "wf-vrow wf-vhead", role: "row" }, ...heads), this.#rows.element);
    replace(this.element, html("div", { class: "wf-panelhead" }, this.#title, this.#chips, this.#clear, this.#anew, this.#note, html("span", { class: "wf-grow" }), close), this.#figures, table);
    table.addEventListener("click", (event) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-wf-row]") : null;
      if (row) this.#choose(Number(row.dataset["wfRow"]));
    });
    table.addEventListener("keydown", (event) => this.#key(event));
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  /** List a group's calls; `only`: those marked in its node, and no others whatever was chosen before. */
  show(group: GraphGroup, only?: Brushed): void {
    if (this.#group?.id !== group.id || only !== undefined) {
      this.#states = new Set();
      this.#places = this.#took = null;
    }
    if (only !== undefined && this.host.blocked !== null) this.host.say(this.host.blocked);
    else if (only !== undefined && "cells" in only) this.#places = placesOfCells(group, ...only.cells);
    else if (only !== undefined && "took" in only && group.durations) this.#took = [durationAt(group.durations, only.took[0]), durationAt(group.durations, only.took[1])];
    this.#group = group;
    this.element.hidden = false;
    this.#wantsFocus = true;
    this.#head(group);
    this.#list();
  }

  close(): boolean {
    if (!this.isOpen) return false;
    this.element.hidden = true;
    this.#group = null;
    this.#drawnFigures = "";
    this.closed();
    return true;
  }

  /** A new picture came: the head follows, the list only when a person wants it to. */
  follow(groups: ReadonlyMap<string, GraphGroup>): void {
    const group = this.#group === null ? undefined : groups.get(this.#group.id);
    if (group === undefined) return void this.close();
    this.#group = group;
    this.#head(group);
    this.#anew.hidden = this.host.blocked !== null || standingOf(group) === this.#listed;
  }

  #head(group: GraphGroup): void {
    const calls = group.count === 1 ? "1 call" : `${number(group.count)} calls`;
    text(this.#title, `${group.name} · ${calls}`);
    set(this.element, { "aria-label": `Calls of ${group.name}` });
    const drawn = JSON.stringify([group.cells, group.durations, group.counts, [...this.#states]]);
    if (drawn === this.#drawnFigures) return;
    this.#drawnFigures = drawn;
    const chips = Object.entries(group.counts).map(([state, count]) => {
      const chip = html("button", { type: "button", class: "wf-small", "aria-pressed": String(this.#states.has(state)), "data-wf-chip": state, title: `only ${state}` }, `${number(count)} ${stateLook(state).glyph}\uFE0E`);
      chip.addEventListener("click", () => {
        const states = new Set(this.#states);
        if (!states.delete(state)) states.add(state);
        this.#narrow(this.#places, this.#took, states);
      });
      return chip;
    });
    replace(this.#chips, ...(chips.length > 1 ? chips : []));
    const parts: HTMLElement[] = [];
    if (group.cells) parts.push(labelled("in the order asked for", brush(waffleOf(group.cells, true), (range) => this.#narrow(range && placesOf(group, range), this.#took, this.#states))));
    const found = group.durations;
    if (found && found.count > 1) {
      const told = `${spanText(found.low / 1000)} to ${spanText(found.high / 1000)}, median ${spanText(found.p50 / 1000)}`;
      parts.push(labelled(told, brush(histogramOf(found), (range) => this.#narrow(this.#places, range && [durationAt(found, range[0]), durationAt(found, range[1])], this.#states))));
    }
    replace(this.#figures, ...parts);
  }

  #narrow(places: readonly [number, number] | null, took: readonly [number, number] | null, states: ReadonlySet<string>): void {
    if (this.host.blocked !== null) return this.host.say(this.host.blocked);
    this.#places = places;
    this.#took = took;
    this.#states = new Set(states);
    for (const chip of this.#chips.querySelectorAll<HTMLElement>("[data-wf-chip]")) set(chip, { "aria-pressed": String(states.has(chip.dataset["wfChip"] ?? "")) });
    this.#list();
  }

  #list(): void {
    const group = this.#group;
    if (group === null) return;
    this.#turn += 1;
    this.#pages.clear();
    this.#listed = standingOf(group);
    this.#anew.hidden = true;
    this.#clear.hidden = this.#places === null && this.#took === null && this.#states.size === 0;
    if (this.host.blocked === null) {
      this.#ask(0);
      return;
    }
    this.#pages.set(0, group.worst);
    text(this.#note, group.count > group.worst.length ? `the ${group.worst.length} worst of ${number(group.count)}; for all: ${this.host.blocked}` : "");
    this.#rows.resize(group.worst.length);
    this.#land();
  }

  #fetch(first: number, last: number): void {
    if (this.host.blocked !== null) return;
    for (let page = Math.floor(first / PAGE); page * PAGE < last; page++) if (!this.#pages.has(page)) this.#ask(page);
  }

  #ask(page: number): void {
    const turn = this.#turn;
    const places = this.#places ?? undefined;
    const took = this.#took ?? undefined;
    this.#pages.set(page, []);
    this.host
      .ask("calls", { group: this.#group?.id, first: page * PAGE, count: PAGE, states: [...this.#states], ...(places && { places }), ...(took && { took }) })
      .then((data) => {
        if (turn !== this.#turn || !isCallPage(data)) return;
        this.#pages.set(page, data.rows);
        text(this.#note, data.total < (this.#group?.count ?? 0) ? `showing ${number(data.total)} of ${number(this.#group?.count ?? 0)}` : "");
        this.#rows.resize(data.total);
        this.#land();
      })
      .catch((reason: unknown) => {
        if (turn === this.#turn) text(this.#note, reason instanceof Error ? reason.message : String(reason));
      });
  }

  #land(): void {
    if (!this.#wantsFocus) return;
    this.#wantsFocus = false;
    this.#rows.turnTo(0);
    this.element.scrollIntoView({ block: "nearest" });
  }

  #at(place: number): CallRow | undefined {
    return this.#pages.get(Math.floor(place / PAGE))?.[place % PAGE];
  }

  #row(place: number): HTMLElement | null {
    const row = this.#at(place);
    if (row === undefined) return null;
    const cells = [`${row.index}`, "", `${row.attempts || ""}`, row.took_ms === null ? "" : spanText(row.took_ms / 1000), row.error, row.input];
    const made = cells.map((cell, column) => {
      const element = html("span", { role: "gridcell", dir: "auto", title: column > 3 && cell ? cell : undefined }, cell);
      if (column === 1) element.append(badge(row.state), ` ${row.state}`);
      return element;
    });
    return html("div", { class: "wf-vrow", "data-wf-state": row.state, "data-wf-span": row.span_id }, ...made);
  }

  #choose(place: number): void {
    const row = this.#at(place);
    if (row === undefined || this.#group === null) return;
    this.#rows.turnTo(place);
    this.open(this.#group, row);
  }

  #key(event: KeyboardEvent): void {
    const steps: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e9, End: 1e9 };
    const step = steps[event.key];
    if (step !== undefined) this.#rows.turnTo(this.#rows.current + step);
    else if (event.key === "Enter" && !event.shiftKey) this.#choose(this.#rows.current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function standingOf(group: GraphGroup): string {
  return JSON.stringify(group.counts);
}

/** The first and the last call in a part of the cells. */
function placesOf(group: GraphGroup, [from, to]: readonly [number, number]): readonly [number, number] {
  const cell = (share: number): number => Math.min(group.cells.length - 1, Math.floor(share * group.cells.length));
  return placesOfCells(group, cell(from), cell(to));
}

function placesOfCells(group: GraphGroup, first: number, last: number): readonly [number, number] {
  const size = Math.ceil(group.count / group.cells.length);
  return [first * size, (last + 1) * size - 1];
}

function labelled(label: string, figure: HTMLElement): HTMLElement {
  return html("div", { class: "wf-figure" }, figure, html("span", { class: "wf-muted" }, label));
}
