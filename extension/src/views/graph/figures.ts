// A group's waffle and its histogram, in the node and, larger, over the list of its calls. One path for each state, whatever the number.
import { html, set, svg, tint } from "../../dom";
import { letters } from "../../palette";
import type { Durations } from "../../protocol";
import { cellPaths } from "../waffle";

export const LABELLED = 24;

/** Up to 24 calls have a labelled cell each; beyond that a grid of 50 by 5. `isStrip`: all of them in one row. */
export function waffleOf(cells: string, isStrip = false): SVGElement {
  const isLabelled = cells.length <= LABELLED;
  const columns = isStrip ? cells.length : isLabelled ? Math.max(1, Math.min(12, cells.length)) : 50;
  const pure = cells.toUpperCase();
  const { rows, paths } = cellPaths(pure, columns);
  const [unit, high] = isLabelled ? [20, 11] : [1, 1];
  const scale = `scale(${unit} ${high})`;
  const painted = [...paths].map(([letter, path]) => {
    const element = svg("path", { d: path, class: "wf-cell", transform: scale });
    tint(element, letters.get(letter) ?? "UNKNOWN");
    return element;
  });
  let notches = "";
  for (let place = 0; place < cells.length; place++) {
    if (cells[place] !== pure[place]) notches += `M${(place % columns) + 1} ${Math.floor(place / columns)}v.5l-.5-.5z`;
  }
  const upright = Array.from({ length: columns - 1 }, (_, column) => `M${column + 1} 0v${rows}`).join("");
  const level = Array.from({ length: Math.max(0, rows - 1) }, (_, row) => `M0 ${row + 1}h${columns}`).join("");
  const labels = isLabelled
    ? Array.from(cells, (letter, place) => {
        const element = svg("text", { x: ((place % columns) + 0.5) * unit, y: (Math.floor(place / columns) + 0.77) * high, class: "wf-celltext" }, String(place));
        tint(element, letters.get(letter.toUpperCase()) ?? "UNKNOWN");
        return element;
      })
    : [];
  const box = { viewBox: `0 0 ${columns * unit} ${Math.max(1, rows) * high}`, preserveAspectRatio: isLabelled && !isStrip ? "xMinYMid" : "none", class: "wf-cells", "aria-hidden": "true", "data-columns": columns, "data-rows": Math.max(1, rows) };
  return svg(
    "svg",
    box,
    ...painted,
    notches ? svg("path", { d: notches, class: "wf-notch", transform: scale }) : null,
    svg("path", { d: upright + level, class: "wf-grid", transform: scale }),
    ...labels,
  );
}

export function histogramOf(found: Durations): SVGElement {
  const most = Math.max(1, ...found.bins);
  const bars = found.bins.map((count, place) => (count > 0 ? `M${place} 20v-${Math.max(1.5, (20 * count) / most)}h.9v${Math.max(1.5, (20 * count) / most)}z` : "")).join("");
  const tick = found.bins.length * medianPlace(found);
  const box = { viewBox: `0 0 ${found.bins.length} 20`, preserveAspectRatio: "none", class: "wf-histogram", "aria-hidden": "true" };
  return svg("svg", box, svg("path", { d: bars, class: "wf-bins" }), svg("path", { d: `M${tick} 0v20`, class: "wf-median" }));
}

/** Where the median stands between the ends, from 0 to 1. */
export function medianPlace(found: Durations): number {
  const spread = Math.log(found.high / found.low);
  return spread > 0 ? Math.min(1, Math.max(0, Math.log(Math.max(found.p50, found.low) / found.low) / spread)) : 0.5;
}

/** The duration at a place of the histogram, from 0 to 1. */
export function durationAt(found: Durations, place: number): number {
  return found.low * (found.high / found.low) ** Math.min(1, Math.max(0, place));
}

/** Let a part of `target` be marked by dragging; `chosen` gets its ends as shares from 0 to 1, and null for a mere click. */
export function brush(target: SVGElement, chosen: (range: readonly [number, number] | null) => void): HTMLElement {
  const mark = html("span", { class: "wf-brushed", hidden: true });
  const box = html("span", { class: "wf-brush" }, target, mark);
  const share = (event: PointerEvent): number => {
    const { left, width } = box.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / Math.max(1, width)));
  };
  box.addEventListener("pointerdown", (begin) => {
    const from = share(begin);
    box.setPointerCapture(begin.pointerId);
    const move = (event: PointerEvent): void => {
      const to = share(event);
      set(mark, { hidden: false, style: `left:${100 * Math.min(from, to)}%;width:${100 * Math.abs(to - from)}%` });
    };
    const end = (event: PointerEvent): void => {
      box.removeEventListener("pointermove", move);
      box.removeEventListener("pointerup", end);
      const to = share(event);
      const isClick = Math.abs(to - from) < 0.01;
      if (isClick) mark.hidden = true;
      chosen(isClick ? null : [Math.min(from, to), Math.max(from, to)]);
    };
    box.addEventListener("pointermove", move);
    box.addEventListener("pointerup", end);
  });
  return box;
}
