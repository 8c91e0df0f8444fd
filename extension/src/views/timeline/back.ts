// What lies behind the rows, through all of them: the grid, idle gaps, suspensions, stalls, seams between generations, and when the code ran.
import { replace, set, svg, tint } from "../../dom";
import type { Axis, Tick } from "./axis";
import { BREAK } from "./axis";
import { bandsOf } from "./rows";
import type { Span } from "./spans";

const LETTER = 6;
const SHORTEST_WORDS = 12;

export class Back {
  readonly element = svg("svg", { class: "wf-back", "aria-hidden": "true" });

  draw(axis: Axis, height: number, ticks: readonly Tick[], turns: readonly number[], spans: readonly Span[], now: number): void {
    const grid = ticks.map(([x]) => `M${x} 0V${height}`).join("");
    const rug = turns.map((time) => `M${axis.x(time).toFixed(1)} 0v4`).join("");
    const breaks = axis.breaks.map(([since]) => gap(axis.x(since), height));
    const bands = bandsOf(spans).map((span) => band(span, axis, height, now));
    set(this.element, { width: axis.width, height: Math.max(height, 1) });
    replace(this.element, svg("path", { d: grid, class: "wf-gridline" }), ...breaks, ...bands, svg("path", { d: rug, class: "wf-rug", "data-wf-turns": turns.length }));
  }
}

function gap(x: number, height: number): SVGElement {
  return svg("g", {}, svg("rect", { x, y: 0, width: BREAK, height, class: "wf-break" }), svg("path", { d: `M${x + 4} 3l5 5l-5 5M${x + 22} 3l-5 5l5 5`, class: "wf-thin" }));
}

/** A stall is crossed, a suspension hatched, a seam two lines; why it is there stands in it, as far as there is room. */
function band(span: Span, axis: Axis, height: number, now: number): SVGElement {
  const x = axis.x(span.queued);
  const width = axis.x(Number.isNaN(span.ended) ? now : span.ended) - x;
  const step = Math.max(6, width / 400);
  let path = "";
  if (span.kind === "can") path = `M${x - 1.5} 0V${height}M${x + 1.5} 0V${height}`;
  else for (let at = -height; at < width; at += step) path += hatch(x, width, height, at, span.kind === "stall");
  const drawn = svg("path", { d: path, class: "wf-band", "data-wf-band": span.kind }, svg("title", {}, [span.name, span.note, span.error].filter(Boolean).join(" · ")));
  tint(drawn, span.kind === "suspend" ? "SUSPENDED" : span.state);
  const said = [span.kind === "can" ? "" : span.name, span.note, span.error].filter(Boolean).join(": ");
  const room = Math.floor((width - 8) / LETTER);
  const words = said.length <= room ? said : room < SHORTEST_WORDS ? "" : `${said.slice(0, room - 1)}…`;
  return svg("g", {}, drawn, words ? svg("text", { x: x + 4, y: height - 6, class: "wf-m-text wf-peak" }, words) : null);
}

function hatch(x: number, width: number, height: number, at: number, isCrossed: boolean): string {
  const [from, to] = [Math.max(at, 0), Math.min(at + height, width)];
  if (to <= from) return "";
  const one = `M${x + from} ${from - at}L${x + to} ${to - at}`;
  return isCrossed ? `${one}M${x + from} ${height - (from - at)}L${x + to} ${height - (to - at)}` : one;
}
