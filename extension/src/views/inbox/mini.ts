// The run of a question as a small graph, with the place where it stands. The picture is for the eye: the list of steps beside it says the same in words.
import { html, svg, tint } from "../../dom";
import { stateLook } from "../../palette";
import type { Graph, Node } from "../../protocol";

const SCALE = 0.62;
const AROUND = 10;
const LETTER = 8.8;
const HERE = "you are here";

/** Null where there is nothing but the beginning. */
export function miniGraph(graph: Graph | null, here: string): HTMLElement | null {
  if (graph === null || graph.nodes.length < 2) return null;
  const place = graph.nodes.find((node) => node.id === here);
  const [width, height] = [graph.width + 2 * AROUND, graph.height + 2 * AROUND];
  const picture = svg(
    "svg",
    { viewBox: `${-AROUND} ${-AROUND} ${width} ${height}`, width: Math.ceil(width * SCALE), height: Math.ceil(height * SCALE), role: "img", "aria-label": spoken(graph, place) },
    ...graph.edges.map((edge) => svg("path", { d: edge.path, class: `wf-miniedge wf-${edge.kind}` })),
    ...graph.nodes.map((node) => drawn(node, node === place)),
  );
  const box = html("div", { class: "wf-mini", tabindex: 0, role: "group", "aria-label": "Where the question stands" }, picture);
  if (place !== undefined) requestAnimationFrame(() => (box.scrollLeft = (place.x + place.width / 2) * SCALE - box.clientWidth / 2));
  return box;
}

function spoken(graph: Graph, place: Node | undefined): string {
  const steps = graph.nodes.filter((node) => node.kind !== "start" && node.kind !== "end");
  const before = steps.filter((node) => node.id !== place?.id).map((node) => `${node.name} ${node.state}`);
  return `${place === undefined ? "" : `${HERE}: ${place.name}. `}The run so far: ${before.length === 0 ? "nothing else" : before.slice(-12).join(", ")}.`;
}

function drawn(node: Node, isHere: boolean): SVGElement {
  const { x, y, width, height, state, name, kind } = node;
  if (kind === "start") return svg("circle", { cx: x + 7, cy: y + height / 2, r: 6, class: "wf-ministart" });
  const look = stateLook(state);
  const most = Math.max(3, Math.floor((width - 44) / LETTER));
  const word = svg("text", { x: x + 32, y: y + height / 2 + (isHere ? -3 : 5), class: "wf-miniword" });
  word.textContent = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  const title = svg("title");
  title.textContent = `${name}: ${state}`;
  const glyph = svg("path", { d: look.path, class: look.solid ? "wf-miniglyph wf-minisolid" : "wf-miniglyph", transform: `translate(${x + 8} ${y + height / 2 - 9}) scale(1.1)` });
  const frame = svg("rect", { x, y, width, height, rx: 5, class: "wf-miniframe" });
  const group = svg("g", { class: isHere ? "wf-mininode wf-here" : "wf-mininode", "data-wf-mini": node.id, "data-wf-state": state }, title, frame, glyph, word);
  tint(group, state);
  if (isHere) {
    const label = svg("text", { x: x + 32, y: y + height / 2 + 15, class: "wf-herelabel" });
    label.textContent = HERE;
    group.append(label);
  }
  return group;
}
