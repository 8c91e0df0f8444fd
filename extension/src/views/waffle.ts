// A thousand steps in the room of one node: proportions as a bar, places as a waffle. One path per state, whatever the number.
import { svg, tint } from "../dom";
import { letters } from "../palette";

const COLUMNS = 50;

export interface Segment {
  readonly state: string;
  readonly share: number;
}

/** Shares of the bar in percent, none of them smaller than what a person can see. */
export function segments(counts: Readonly<Record<string, number>>, smallest = 1.2): Segment[] {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  const room = 100 - smallest * entries.length;
  return entries.map(([state, count]) => ({ state, share: smallest + (room * count) / total }));
}

/** For each letter the path of its cells, in a grid of one by one cells. */
export function cellPaths(cells: string, most = COLUMNS): { columns: number; rows: number; paths: ReadonlyMap<string, string> } {
  const columns = Math.min(most, cells.length);
  const rows = columns === 0 ? 0 : Math.ceil(cells.length / columns);
  const paths = new Map<string, string>();
  for (let row = 0; row < rows; row++) {
    for (const run of cells.slice(row * columns, (row + 1) * columns).matchAll(/(.)\1*/g)) {
      const [cellsOfRun, letter = ""] = run;
      const width = cellsOfRun.length;
      paths.set(letter, `${paths.get(letter) ?? ""}M${run.index} ${row}h${width}v1h-${width}z`);
    }
  }
  return { columns, rows, paths };
}

export function waffle(cells: string): SVGElement {
  const { columns, rows, paths } = cellPaths(cells);
  const upright = Array.from({ length: Math.max(0, columns - 1) }, (_, column) => `M${column + 1} 0v${rows}`).join("");
  const level = Array.from({ length: Math.max(0, rows - 1) }, (_, row) => `M0 ${row + 1}h${columns}`).join("");
  const painted = [...paths].map(([letter, path]) => {
    const element = svg("path", { d: path, class: "wf-cell" });
    tint(element, letters.get(letter) ?? "UNKNOWN");
    return element;
  });
  const box = { viewBox: `0 0 ${columns} ${rows}`, preserveAspectRatio: "none", class: "wf-waffle", "aria-hidden": "true" };
  return svg("svg", box, ...painted, svg("path", { d: upright + level, class: "wf-grid" }));
}
