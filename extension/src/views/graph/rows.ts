// A table of any length of which only the rows in sight are elements. Rows are as high as they are; where they come from is somebody else's business.
import { html, replace, set } from "../../dom";
import { refocus } from "../../keys";

export const ROW_HEIGHT = 24;
const BEYOND = 4;

export class VirtualRows {
  readonly element = html("div", { class: "wf-vrows", role: "rowgroup" });
  readonly #space = html("div", { class: "wf-vspace" });
  #total = 0;
  #current = 0;
  #first = -1;
  #last = -1;

  /** `make` gives the row at a place, or null where it is not known yet; `wanted` hears which are in sight. */
  constructor(
    private readonly make: (place: number) => HTMLElement | null,
    private readonly wanted: (first: number, last: number) => void,
  ) {
    this.element.append(this.#space);
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
  }

  get current(): number {
    return this.#current;
  }

  resize(total: number): void {
    this.#total = total;
    this.#current = Math.min(this.#current, Math.max(0, total - 1));
    set(this.#space, { style: `height:${total * ROW_HEIGHT}px` });
    this.redraw();
  }

  /** Draw all rows in sight anew. */
  redraw(): void {
    this.#first = -1;
    this.draw();
  }

  draw(): void {
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW_HEIGHT) - BEYOND);
    const last = Math.min(this.#total, first + Math.ceil((this.element.clientHeight || 200) / ROW_HEIGHT) + 2 * BEYOND);
    if (first === this.#first && last === this.#last) return;
    this.#first = first;
    this.#last = last;
    const hadFocus = this.element.contains(document.activeElement);
    const rows: HTMLElement[] = [];
    for (let place = first; place < last; place++) {
      const row = this.make(place) ?? html("div", { class: "wf-vrow wf-muted" }, "…");
      set(row, { style: `top:${place * ROW_HEIGHT}px`, role: "row", "aria-rowindex": place + 1, tabindex: place === this.#current ? 0 : -1, "data-wf-row": place });
      rows.push(row);
    }
    replace(this.#space, ...rows);
    if (hadFocus) refocus(this.#rowOf(this.#current));
    this.wanted(first, last);
  }

  /** Turn to a row, in sight. */
  turnTo(place: number): void {
    this.#current = Math.min(Math.max(0, place), Math.max(0, this.#total - 1));
    const top = this.#current * ROW_HEIGHT;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + ROW_HEIGHT > this.element.scrollTop + this.element.clientHeight) this.element.scrollTop = top + ROW_HEIGHT - this.element.clientHeight;
    this.redraw();
    this.#rowOf(this.#current)?.focus({ preventScroll: true });
  }

  #rowOf(place: number): HTMLElement | null {
    return this.#space.querySelector<HTMLElement>(`[data-wf-row="${place}"]`);
  }
}
