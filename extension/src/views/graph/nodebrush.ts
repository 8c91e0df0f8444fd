// Dragging over the cells or the histogram in a node: the part is marked while it is dragged, and whoever asked is told its ends.
import { set, svg } from "../../dom";

/** The first and the last cell, both included; or two shares of the histogram, from 0 to 1. */
export type Brushed = { readonly cells: readonly [number, number] } | { readonly took: readonly [number, number] };

const NEAR = 4;

interface Grid {
  readonly columns: number;
  readonly rows: number;
}

/** The cell under a place given in shares of the grid; beyond its edges the nearest. */
export function cellAt(grid: Grid, x: number, y: number, count: number): number {
  const column = Math.min(grid.columns - 1, Math.max(0, Math.floor(x * grid.columns)));
  const row = Math.min(grid.rows - 1, Math.max(0, Math.floor(y * grid.rows)));
  return Math.min(count - 1, row * grid.columns + column);
}

/** The path around cells in reading order, in a grid of one by one. */
export function cellsPath(grid: Grid, first: number, last: number): string {
  const rows: string[] = [];
  for (let row = Math.floor(first / grid.columns); row <= Math.floor(last / grid.columns); row++) {
    const from = Math.max(first, row * grid.columns) - row * grid.columns;
    const to = Math.min(last, (row + 1) * grid.columns - 1) - row * grid.columns;
    rows.push(`M${from} ${row}h${to - from + 1}v1h${from - to - 1}z`);
  }
  return rows.join("");
}

/** Listen on `plane` for drags that begin on a node's figure; `cellsOf` tells how many cells it has. A drag is no click. */
export function brushNodes(plane: HTMLElement, cellsOf: (figure: Element) => number, brushed: (figure: Element, what: Brushed) => void): void {
  let wasDragged = false;
  plane.addEventListener("pointerdown", (begin) => {
    wasDragged = false;
    const figure = begin.target instanceof Element ? begin.target.closest<SVGSVGElement>("svg.wf-cells, svg.wf-histogram") : null;
    if (figure === null || begin.button !== 0 || begin.pointerType === "touch" || begin.shiftKey) return; // a finger scrolls
    const drag = new Drag(figure, cellsOf(figure), begin);
    const move = (event: PointerEvent): void => {
      if (!wasDragged && Math.hypot(event.clientX - begin.clientX, event.clientY - begin.clientY) < NEAR) return;
      if (!wasDragged) plane.setPointerCapture(begin.pointerId);
      wasDragged = true;
      drag.mark(event);
    };
    const end = (event: PointerEvent): void => {
      plane.removeEventListener("pointermove", move);
      plane.removeEventListener("pointerup", end);
      plane.removeEventListener("pointercancel", end);
      drag.clear();
      if (wasDragged && event.type === "pointerup") brushed(figure, drag.chosen(event));
    };
    plane.addEventListener("pointermove", move);
    plane.addEventListener("pointerup", end);
    plane.addEventListener("pointercancel", end);
  });
  const swallow = (event: Event): void => {
    if (!wasDragged) return;
    wasDragged = false;
    event.stopImmediatePropagation();
  };
  plane.addEventListener("click", swallow, { capture: true });
}

class Drag {
  readonly #mark = svg("path", { class: "wf-brushedpart" });
  readonly #grid: Grid | null;
  readonly #from: readonly [number, number];

  constructor(private readonly figure: SVGSVGElement, private readonly count: number, begin: PointerEvent) {
    this.#grid = figure.classList.contains("wf-cells") ? { columns: Number(figure.dataset["columns"]), rows: Number(figure.dataset["rows"]) } : null;
    this.#from = this.#share(begin);
  }

  mark(event: PointerEvent): void {
    const { width, height } = this.figure.viewBox.baseVal;
    const chosen = this.chosen(event);
    if ("cells" in chosen && this.#grid !== null) {
      const scale = `scale(${width / this.#grid.columns} ${height / this.#grid.rows})`;
      set(this.#mark, { d: cellsPath(this.#grid, ...chosen.cells), transform: scale });
    } else if ("took" in chosen) {
      const [from, to] = chosen.took;
      set(this.#mark, { d: `M${from * width} 0h${(to - from) * width}v${height}h${(from - to) * width}z` });
    }
    if (!this.#mark.isConnected) this.figure.append(this.#mark);
  }

  clear(): void {
    this.#mark.remove();
  }

  chosen(event: PointerEvent): Brushed {
    const [x, y] = this.#share(event);
    if (this.#grid === null) return { took: [Math.min(this.#from[0], x), Math.max(this.#from[0], x)] };
    const one = cellAt(this.#grid, ...this.#from, this.count);
    const other = cellAt(this.#grid, x, y, this.count);
    return { cells: [Math.min(one, other), Math.max(one, other)] };
  }

  /** Where the pointer is in the figure's own box, whatever its zoom and its proportions. */
  #share(event: PointerEvent): readonly [number, number] {
    const matrix = this.figure.getScreenCTM();
    const { width, height } = this.figure.viewBox.baseVal;
    if (matrix === null) return [0, 0];
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    const within = (share: number): number => Math.min(1, Math.max(0, share));
    return [within(point.x / width), within(point.y / height)];
  }
}
