// A table whose columns sort, in place: the head that sorts says so, and rows without a value come last.
import { type Child, html, replace, set } from "../../dom";

export interface Column<T> {
  readonly name: string;
  readonly title?: string;
  readonly cell: (row: T) => Child;
  /** What to sort by; a column without it does not sort. */
  readonly by?: (row: T) => number | string | null;
  /** Whether the largest come first when it is first pressed. */
  readonly largest?: boolean;
}

export class Sheet<T> {
  readonly element: HTMLElement;
  readonly #body = html("tbody", {});
  readonly #heads: readonly HTMLElement[];
  #sorted: { readonly place: number; readonly isDown: boolean } | null = null;

  /** `sort` is called where the rows shall be drawn again. */
  constructor(caption: string, private readonly columns: readonly Column<T>[], private readonly sort: () => void, private readonly dress: (row: HTMLElement, item: T) => void = () => undefined) {
    this.#heads = columns.map((column, place) => {
      if (column.by === undefined) return html("th", { scope: "col", title: column.title }, column.name);
      const press = html("button", { type: "button", class: "wf-sort", title: column.title ?? `sort by ${column.name}` }, column.name);
      press.addEventListener("click", () => this.#turn(place));
      return html("th", { scope: "col", "aria-sort": "none" }, press);
    });
    const table = html("table", {}, html("caption", { class: "wf-heard" }, caption), html("thead", {}, html("tr", {}, ...this.#heads)), this.#body);
    this.element = html("div", { class: "wf-sheet", role: "group", tabindex: 0, "aria-label": caption }, table);
  }

  draw(rows: readonly T[]): void {
    const by = this.#sorted === null ? undefined : this.columns[this.#sorted.place]?.by;
    const shown = by === undefined ? rows : [...rows].sort((a, b) => order(by(a), by(b), this.#sorted?.isDown === true));
    replace(
      this.#body,
      ...shown.map((item) => {
        const row = html("tr", {}, ...this.columns.map((column, place) => html(place === 0 ? "th" : "td", place === 0 ? { scope: "row" } : {}, column.cell(item))));
        this.dress(row, item);
        return row;
      }),
    );
  }

  #turn(place: number): void {
    const first = this.columns[place]?.largest === true;
    this.#sorted = this.#sorted?.place === place ? (this.#sorted.isDown === first ? { place, isDown: !first } : null) : { place, isDown: first };
    for (const [index, head] of this.#heads.entries()) {
      if (this.columns[index]?.by !== undefined) set(head, { "aria-sort": this.#sorted?.place !== index ? "none" : this.#sorted.isDown ? "descending" : "ascending" });
    }
    this.sort();
  }
}

function order(a: number | string | null, b: number | string | null, isDown: boolean): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  const way = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  return isDown ? -way : way;
}
