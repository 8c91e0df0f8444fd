// The timeline as what leaves the page: an SVG that stands alone, and a table.
import { svg } from "../../dom";
import { spanText } from "../../durations";
import type { TableData } from "../../shell/content";
import { type Axis, BREAK, type Mode } from "./axis";
import { type Mark, ROW } from "./marks";
import { type Colour, standAlone } from "./paint";
import type { Row } from "./rows";
import { countsOf, titleOf, tookOf, word } from "./words";

const LEFT = 180;
const TOP = 20;
const MOST_DRAWN = 400;
const MOST_TABLED = 2_000;

export function svgOf(rows: readonly Row[], axis: Axis, mode: Mode, marksOf: (row: Row) => readonly Mark[], colour: Colour): string {
  const height = rows.length * ROW + TOP;
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: axis.width + LEFT + 10, height, "font-family": "system-ui, sans-serif", "font-size": 11 }, svg("rect", { width: "100%", height: "100%", fill: colour("--wf-surface") }));
  const label = (x: number, y: number, value: string): SVGElement => svg("text", { x, y, fill: colour("--wf-soft") }, value);
  whole.append(...axis.ticks(mode).map(([x, value]) => label(x + LEFT + 2, 12, value)));
  for (const [since, until] of axis.breaks) {
    const band = svg("rect", { x: axis.x(since) + LEFT, y: TOP - 2, width: BREAK, height, fill: colour("--wf-line"), opacity: 0.25 });
    whole.append(label(axis.x(since) + LEFT + 2, 12, spanText((until - since) / 1000)), band);
  }
  for (const [place, row] of rows.slice(0, MOST_DRAWN).entries()) {
    const marks = svg("g", { transform: `translate(${LEFT} ${place * ROW + TOP})` }, ...marksOf(row).map((mark) => standAlone(mark, colour)));
    whole.append(label(4 + row.depth * 12, place * ROW + 36, titleOf(row).slice(0, 26) + countOf(row)), marks);
  }
  return new XMLSerializer().serializeToString(whole);
}

export function tableOf(rows: readonly Row[], begin: number): TableData {
  const told = rows.slice(0, MOST_TABLED).map((row) => {
    const took = tookOf(row);
    const folded = row.density ?? row.minor;
    const states = folded ? countsOf(folded).join(", ") : row.spans.map((span) => word(span.state)).join(", ");
    const name = `${" ".repeat(row.depth * 2)}${titleOf(row)}${countOf(row)}`;
    return [name, row.kind.replace("_", " "), states, String(row.density?.attempts ?? row.spans.length), `+${spanText((row.since - begin) / 1000)}`, took === null ? "" : spanText(took / 1000)];
  });
  return { caption: "Calls over time", heads: ["Call", "Kind", "States", "Attempts", "After", "Took"], rows: told, total: rows.length };
}

function countOf(row: Row): string {
  return row.count > 1 && !row.minor ? ` ×${row.count.toLocaleString("en")}` : "";
}
