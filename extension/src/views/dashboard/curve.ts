// How long runs took: what share of them was done by when, on a scale on which each step is ten times the last.
import { html, replace, svg } from "../../dom";
import { spanText } from "../../durations";
import { count } from "./cells";

const WIDTH = 520;
const HEIGHT = 130;
const LEFT = 34;
const BOTTOM = 108;
const TOP = 8;

export function curveOf(curve: readonly (readonly [seconds: number, share: number])[], runs: number): HTMLElement {
  const box = html("div", { class: "wf-curve" });
  if (curve.length < 2 || runs === 0) {
    replace(box, html("p", { class: "wf-muted" }, "No run has ended yet."));
    return box;
  }
  const least = Math.max(0.0005, curve[0]?.[0] ?? 0);
  const most = Math.max(least * 1.2, curve[curve.length - 1]?.[0] ?? least);
  const x = (seconds: number): number => LEFT + ((Math.log(Math.max(seconds, least)) - Math.log(least)) / (Math.log(most) - Math.log(least))) * (WIDTH - LEFT - 12);
  const y = (share: number): number => BOTTOM - share * (BOTTOM - TOP);
  const line = curve.map(([seconds, share], place) => `${place === 0 ? "M" : "L"}${x(seconds).toFixed(1)} ${y(share).toFixed(1)}`).join("");
  const at = (share: number): number => curve[Math.round(share * (curve.length - 1))]?.[0] ?? 0;
  const marks = ([["p50", 0.5], ["p95", 0.95]] as const).flatMap(([name, share]) => {
    const spot = x(at(share));
    const isRight = spot > WIDTH - 110;
    return [
      svg("path", { d: `M${spot} ${BOTTOM}V${y(share)}`, class: "wf-thin", "stroke-dasharray": "2 3" }),
      svg("circle", { cx: spot, cy: y(share), r: 3, class: "wf-dotmark" }),
      svg("text", { x: spot + (isRight ? -6 : 6), y: y(share) + 14, "text-anchor": isRight ? "end" : "start" }, `${name} ${spanText(at(share))}`),
    ];
  });
  const said = `${count(runs)} ended runs: half took at most ${spanText(at(0.5))}, 95 % at most ${spanText(at(0.95))}, the longest ${spanText(most)}`;
  replace(
    box,
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": said },
      ...[0, 0.5, 1].flatMap((share) => [svg("path", { d: `M${LEFT} ${y(share)}H${WIDTH - 12}`, class: "wf-grid" }), svg("text", { x: LEFT - 5, y: y(share) + 4, "text-anchor": "end", class: "wf-axis" }, `${share * 100}%`)]),
      svg("path", { d: line, class: "wf-curveline" }),
      ...marks,
      svg("text", { x: LEFT, y: HEIGHT - 6, class: "wf-axis" }, spanText(least)),
      svg("text", { x: WIDTH - 12, y: HEIGHT - 6, "text-anchor": "end", class: "wf-axis" }, spanText(most))),
  );
  return box;
}
