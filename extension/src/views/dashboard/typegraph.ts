// What many runs of one workflow asked for: a column for each place in the usual order. A node, or a part of its bar, chooses the runs that reached it.
import { html, kindIcon, svg } from "../../dom";
import type { TypeGraph } from "../../protocol";
import { count, outcomeBar } from "./cells";

const WIDTH = 176;
const HEIGHT = 58;
const ACROSS = 214;
const DOWN = 74;

export function typeGraph(graph: TypeGraph, chosen: string, choose: ((name: string, state: string) => void) | null): HTMLElement {
  const place = (index: number): readonly [number, number] => [(graph.nodes[index]?.column ?? 0) * ACROSS, (graph.nodes[index]?.row ?? 0) * DOWN];
  const width = Math.max(...graph.nodes.map((node) => node.column)) * ACROSS + WIDTH + 4;
  const height = Math.max(...graph.nodes.map((node) => node.row)) * DOWN + HEIGHT + 4;
  const lines = graph.edges.map(([from, to, runs]) => {
    const [[x1, y1], [x2, y2]] = [place(from), place(to)];
    const isBack = x2 <= x1;
    const begin = `${x1 + (isBack ? WIDTH / 2 : WIDTH)} ${y1 + (isBack ? HEIGHT : HEIGHT / 2)}`;
    const end = `${x2 + (isBack ? WIDTH / 2 : 0)} ${y2 + (isBack ? HEIGHT : HEIGHT / 2)}`;
    const bend = isBack ? `C${x1 + WIDTH / 2} ${y1 + HEIGHT + 26} ${x2 + WIDTH / 2} ${y2 + HEIGHT + 26}` : `C${x1 + WIDTH + 20} ${y1 + HEIGHT / 2} ${x2 - 20} ${y2 + HEIGHT / 2}`;
    return svg("path", { d: `M${begin}${bend} ${end}`, class: "wf-thin", "stroke-width": (1 + 3 * (runs / Math.max(1, graph.runs))).toFixed(1) }, svg("title", {}, `${count(runs)} runs`));
  });
  const nodes = graph.nodes.map((node) => {
    const total = Object.values(node.counts).reduce((sum, number) => sum + number, 0);
    const press = html("button", { type: "button", class: "wf-nodename", disabled: choose === null, "aria-pressed": String(chosen === node.name), title: `show the runs that reached ${node.name}` }, kindIcon(node.kind), html("span", { dir: "auto" }, node.name), html("small", { class: "wf-muted" }, count(total)));
    press.addEventListener("click", () => choose?.(node.name, ""));
    const box = html("div", { class: "wf-typenode", "data-wf-node": node.name, "data-wf-count": total }, press, outcomeBar(node.counts, node.name, choose === null ? null : (state) => choose(node.name, state)));
    box.style.cssText = `left:${node.column * ACROSS}px;top:${node.row * DOWN}px;width:${WIDTH}px;height:${HEIGHT}px`;
    return box;
  });
  const canvas = html("div", { class: "wf-typecanvas" }, svg("svg", { width, height: height + 24, "aria-hidden": "true" }, ...lines), ...nodes);
  canvas.style.cssText = `width:${width}px;height:${height + 20}px`;
  return html("div", { class: "wf-typegraph", tabindex: 0, role: "group", "aria-label": "What these runs asked for, in their usual order" }, canvas);
}
