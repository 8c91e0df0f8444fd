// The canvas behind the rows, for more marks than elements are good for. It covers only the rows in sight.
import { html, set } from "../../dom";
import { type Mark, ROW } from "./marks";
import { canvasMarks, type Colour } from "./paint";

export class Canvas {
  readonly element = html("canvas", { class: "wf-canvas-marks", hidden: true, "aria-hidden": "true" });

  draw(rows: readonly (readonly Mark[])[], width: number, top: number, colour: Colour): void {
    const { element } = this;
    element.hidden = rows.length === 0;
    const context = rows.length === 0 ? null : element.getContext("2d");
    if (!context) return;
    const scale = window.devicePixelRatio || 1;
    const height = rows.length * ROW;
    set(element, { width: Math.round(width * scale), height: Math.round(height * scale), style: `top:${top}px;width:${width}px;height:${height}px` });
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    for (const [place, marks] of rows.entries()) canvasMarks(context, marks, place * ROW, colour);
  }
}
