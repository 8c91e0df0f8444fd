// The execution graph. Places come with the picture and elements are kept by id, so a change of state moves nothing.
import { badge, html, kindIcon, paintBadge, replace, set, svg, text, tint } from "../dom";
import type { Graph, Node } from "../protocol";
import { caption, countsText, spoken } from "./captions";
import { segments, waffle } from "./waffle";

const PIPS_FROM = 2;

export class GraphView {
  readonly element: HTMLElement;
  readonly #canvas: HTMLElement;
  readonly #edges: SVGElement;
  readonly #hidden: HTMLElement;
  readonly #nodes = new Map<string, NodeView>();
  #drawnEdges = "";
  #isByHand = false;

  constructor() {
    this.#edges = svg("svg", { class: "wf-edges", "aria-hidden": "true" });
    this.#canvas = html("div", { class: "wf-canvas", role: "list" }, this.#edges);
    const scroller = html("div", { class: "wf-scroll", tabindex: 0, role: "group", "aria-label": "Execution graph" }, this.#canvas);
    this.#hidden = html("p", { class: "wf-muted" });
    this.element = html("div", { class: "wf-graph" }, scroller, this.#hidden);
    const byHand = (): void => void (this.#isByHand = true);
    for (const event of ["wheel", "pointerdown", "keydown"]) scroller.addEventListener(event, byHand, { passive: true });
  }

  draw(graph: Graph, now: number): void {
    set(this.#canvas, { style: `width:${graph.width}px;height:${graph.height}px` });
    this.#drawEdges(graph);
    const present = new Set(graph.nodes.map((node) => node.id));
    for (const [id, view] of this.#nodes) {
      if (present.has(id)) continue;
      view.element.remove();
      this.#nodes.delete(id);
    }
    for (const node of graph.nodes) {
      let view = this.#nodes.get(node.id);
      if (view === undefined) {
        view = new NodeView(node);
        this.#nodes.set(node.id, view);
        this.#canvas.append(view.element);
      }
      view.draw(node, now);
    }
    text(this.#hidden, graph.hidden > 0 ? `${graph.hidden.toLocaleString("en")} steps in the middle are folded away.` : "");
    this.#follow(graph);
  }

  tick(now: number): void {
    for (const view of this.#nodes.values()) view.tick(now);
  }

  #drawEdges(graph: Graph): void {
    const drawn = JSON.stringify(graph.edges);
    if (drawn === this.#drawnEdges) return;
    this.#drawnEdges = drawn;
    set(this.#edges, { width: graph.width, height: graph.height });
    replace(this.#edges, ...graph.edges.map((edge) => svg("path", { d: edge.path, class: `wf-edge wf-${edge.kind}` })));
  }

  /** Keep the newest node in sight, until a person has scrolled. */
  #follow(graph: Graph): void {
    const scroller = this.#canvas.parentElement;
    if (scroller === null || this.#isByHand || scroller.matches(":hover")) return;
    const active = graph.nodes.filter((node) => node.since !== null);
    if (active.length === 0) return;
    const right = Math.max(...active.map((node) => node.x + node.width));
    scroller.scrollLeft = Math.max(0, right + 24 - scroller.clientWidth);
  }
}

class NodeView {
  readonly element: HTMLElement;
  readonly #badge = badge("UNKNOWN");
  readonly #name = html("span", { class: "wf-name", dir: "auto" });
  readonly #count = html("span", { class: "wf-count" });
  readonly #group = html("span", { class: "wf-group" });
  readonly #pips = html("span", { class: "wf-pips", "aria-hidden": "true" });
  readonly #caption = html("span", { class: "wf-caption", dir: "auto" });
  #node: Node;
  #drawn: Node | null = null;

  constructor(node: Node) {
    this.#node = node;
    const title = html("span", { class: "wf-title" }, this.#badge, this.#name, this.#count);
    const foot = html("span", { class: "wf-foot" }, this.#caption, this.#pips, node.kind === "end" ? null : kindIcon(node.kind));
    const body = node.kind === "start" ? [] : node.kind === "end" ? [title] : [title, this.#group, foot];
    this.element = html("div", { class: `wf-node wf-is-${/^[a-z]+$/.test(node.kind) ? node.kind : "unknown"}`, role: "listitem" }, ...body);
  }

  draw(node: Node, now: number): void {
    this.#node = node;
    const before = this.#drawn;
    this.#drawn = node;
    if (before !== null && JSON.stringify(before) === JSON.stringify(node)) return;
    const place = `left:${node.x}px;top:${node.y}px;width:${node.width}px;height:${node.height}px`;
    if (before === null || before.x !== node.x || before.y !== node.y || before.width !== node.width || before.height !== node.height) {
      set(this.element, { style: place });
    }
    tint(this.element, node.state);
    set(this.element, {
      "data-wf-node": node.name,
      "data-wf-id": node.id,
      "data-wf-state": node.state,
      "data-wf-count": node.count,
      "data-wf-kind": node.kind,
      "aria-label": spoken(node),
      title: node.error ? `${node.name}\n${node.error}` : node.name,
    });
    paintBadge(this.#badge, node.state);
    text(this.#name, node.name);
    const isGroup = node.cells !== "";
    text(this.#count, node.count > 1 && node.kind !== "more" ? `×${node.count.toLocaleString("en")}` : "");
    this.element.classList.toggle("wf-stack", isGroup);
    this.element.classList.toggle("wf-error", node.error !== "");
    if (isGroup) this.#drawGroup(node);
    else replace(this.#group);
    replace(this.#pips, ...(node.attempts.length >= PIPS_FROM ? node.attempts.map(pip) : []));
    this.tick(now);
  }

  tick(now: number): void {
    text(this.#caption, this.#node.error || caption(this.#node, now));
  }

  #drawGroup(node: Node): void {
    const bar = segments(node.counts).map(({ state, share }) => {
      const part = html("span", { class: "wf-part", "data-wf-state": state, style: `width:${share}%` });
      tint(part, state);
      return part;
    });
    const counts = html("span", { class: "wf-counts" });
    text(counts, countsText(node.counts));
    replace(this.#group, html("span", { class: "wf-bar", "aria-hidden": "true" }, ...bar), waffle(node.cells), counts);
  }
}

function pip(state: string): HTMLElement {
  const element = html("span", { class: "wf-pip", "data-state": state });
  tint(element, state);
  return element;
}
