// The rows in sight: elements that are kept while their row is, and the canvas behind them where there are too many marks for elements.
import { html, set } from "../../dom";
import { refocus } from "../../keys";
import { Canvas } from "./canvas";
import { type Mark, ROW } from "./marks";
import type { Colour } from "./paint";
import type { Row } from "./rows";
import { RowView } from "./rowview";

export const TALLEST = 520;
const MOST_SVG = 2_000;

/** How a row looks beside its own marks. */
export interface Looks {
  readonly marks: (row: Row) => readonly Mark[];
  readonly isCritical: (row: Row) => boolean;
  readonly ratio: (row: Row) => string;
  readonly colour: () => Colour;
}

export class RowList {
  readonly box = html("div", { class: "wf-rows", role: "treegrid", tabindex: -1, "aria-label": "Calls over time" });
  readonly scroller: HTMLElement;
  readonly #canvas = new Canvas();
  readonly #views = new Map<string, RowView>();
  #rows: readonly Row[] = [];
  #marks = new Map<string, readonly Mark[]>();

  /** `behind` lies below the rows, `above` over them. */
  constructor(behind: Element, above: Element) {
    this.scroller = html("div", { class: "wf-scroller", style: `max-height:${TALLEST}px` }, behind, this.#canvas.element, this.box, above);
  }

  /** Draws the rows in sight; gives how many marks they have, and what they were painted on. */
  draw(rows: readonly Row[], width: number, now: number, focus: number, chosen: string | null, looks: Looks): readonly [count: number, on: "svg" | "canvas"] {
    this.#rows = rows;
    const height = rows.length * ROW;
    set(this.box, { style: `height:${Math.max(height, ROW)}px`, "aria-rowcount": rows.length, "data-wf-empty": rows.length === 0 ? "no row fits the filter" : undefined });
    const top = this.scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW) - 2);
    const shown = rows.slice(first, Math.ceil((top + TALLEST) / ROW) + 2);
    this.#marks = new Map(shown.map((row) => [row.key, looks.marks(row)]));
    const count = [...this.#marks.values()].reduce((sum, marks) => sum + marks.length, 0);
    const onCanvas = count > MOST_SVG;
    this.#forget();
    for (const [at, row] of shown.entries()) {
      const view = this.#viewOf(row);
      view.draw(row, first + at, now, first + at === focus, looks.isCritical(row), looks.ratio(row));
      set(view.element, { "data-wf-focus": row.key === chosen ? "true" : undefined });
      view.chart(onCanvas ? [] : (this.#marks.get(row.key) ?? []), width);
    }
    this.#canvas.draw(onCanvas ? shown.map((row) => this.#marks.get(row.key) ?? []) : [], width, first * ROW, looks.colour());
    return [count, onCanvas ? "canvas" : "svg"];
  }

  /** The mark at a place, the uppermost first. */
  hit(x: number, screenY: number): Mark | undefined {
    const row = this.#rows[Math.floor((screenY - this.box.getBoundingClientRect().top) / ROW)];
    const marks = (row && this.#marks.get(row.key)) ?? [];
    return [...marks].reverse().find((mark) => (mark.span ?? mark.count) !== undefined && x >= mark.x - 2 && x <= mark.x + mark.width + 2);
  }

  /** Scroll so far that the row at this place can be seen. */
  reveal(place: number): void {
    const { scrollTop, clientHeight } = this.scroller;
    const y = place * ROW;
    if (y < scrollTop || y + ROW > scrollTop + clientHeight) this.scroller.scrollTop = Math.max(0, y - clientHeight / 2);
  }

  focus(key: string): void {
    this.#views.get(key)?.element.focus({ preventScroll: true });
  }

  #forget(): void {
    for (const [key, view] of this.#views) {
      if (this.#marks.has(key)) continue;
      if (view.element.contains(document.activeElement)) refocus(this.box);
      view.element.remove();
      this.#views.delete(key);
    }
  }

  #viewOf(row: Row): RowView {
    const known = this.#views.get(row.key);
    if (known) return known;
    const view = new RowView(row.kind);
    this.#views.set(row.key, view);
    this.box.append(view.element);
    return view;
  }
}
