// Two ways to paint the same marks: as SVG elements up to some thousands, on a canvas beyond. And a third, as text that stands alone.
import { set, svg, tint } from "../../dom";
import { variableOf } from "../../palette";
import type { Mark } from "./marks";

/** What a colour variable (`--wf-failed`) stands for now. */
export type Colour = (variable: string) => string;

export function svgMarks(marks: readonly Mark[]): SVGElement[] {
  return marks.map((mark) => {
    const element = svg(...shapeOf(mark));
    set(element, { class: `wf-m-${mark.look}${mark.isOn ? " wf-m-on" : ""}`, ...mark.hooks });
    if (mark.state) tint(element, mark.state);
    if (mark.text !== undefined) element.textContent = mark.text;
    return element;
  });
}

export function canvasMarks(context: CanvasRenderingContext2D, marks: readonly Mark[], top: number, colour: Colour): void {
  for (const mark of marks) {
    const own = colour(mark.state ? variableOf(mark.state) : mark.look === "text" ? "--wf-soft" : "--wf-line");
    context.fillStyle = mark.isOn ? colour(`${variableOf(mark.state)}-on`) : own;
    context.strokeStyle = own;
    if (mark.look === "solid" && mark.path === undefined) {
      context.fillRect(mark.x, top + mark.y, mark.width, mark.height);
      continue;
    }
    context.save();
    context.translate(0, top);
    context.lineWidth = strokeOf(mark);
    context.setLineDash((mark.dash ?? "").split(" ").filter(Boolean).map(Number));
    if (mark.text !== undefined) {
      context.textAlign = mark.isOn ? "center" : "left";
      context.font = "10.5px system-ui, sans-serif";
      context.fillText(mark.text, mark.x, 16);
    } else if (mark.path === undefined) context.strokeRect(mark.x, mark.y, mark.width, mark.height);
    else if (mark.look === "solid") context.fill(new Path2D(mark.path));
    else context.stroke(new Path2D(mark.path));
    context.restore();
  }
}

/** The attributes that make a mark stand alone, without our style sheet. */
export function standAlone(mark: Mark, colour: Colour): SVGElement {
  const own = colour(mark.state ? variableOf(mark.state) : mark.look === "text" ? "--wf-soft" : "--wf-line");
  const isFilled = mark.look === "solid" || mark.look === "text";
  const element = svg(...shapeOf(mark));
  set(element, isFilled ? { fill: mark.isOn ? colour(`${variableOf(mark.state)}-on`) : own } : { fill: "none", stroke: own, "stroke-width": strokeOf(mark) });
  if (mark.isOn) set(element, { "text-anchor": "middle" });
  if (mark.text !== undefined) element.textContent = mark.text;
  return element;
}

function shapeOf(mark: Mark): [tag: string, attributes: Record<string, string | number | undefined>] {
  const line = mark.hooks && "data-wf-comb" in mark.hooks ? { "stroke-width": 6 } : {};
  if (mark.text !== undefined) return ["text", { x: mark.x, y: 16 }];
  if (mark.path !== undefined) return ["path", { d: mark.path, "stroke-dasharray": mark.dash, ...line }];
  return ["rect", { x: mark.x, y: mark.y, width: mark.width, height: mark.height, "stroke-dasharray": mark.dash, rx: mark.look === "solid" && mark.width > 6 && mark.count === undefined ? 2 : 0 }];
}

function strokeOf(mark: Mark): number {
  return mark.hooks && "data-wf-comb" in mark.hooks ? 6 : mark.look === "hollow" ? 1.2 : 1.6;
}
