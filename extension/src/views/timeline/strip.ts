// The strip on top: how many attempts ran and were queued at a time, where failures were, and which part of the whole is shown below.
// A drag over it zooms; a double click shows the whole.
import { html, replace, set, svg, tint } from "../../dom";
import type { Limit, TimelinePicture } from "../../protocol";
import type { Axis, Gap } from "./axis";
import { bytesOf } from "./spans";

export const STRIP = 32;
const MOST_TOLD = 3;

export class StripView {
  readonly element: HTMLElement;
  readonly #svg = svg("svg", { height: STRIP, "aria-hidden": "true" });
  readonly #dim = svg("path", { class: "wf-dim" });
  #axis: Axis | null = null;
  #drawn: readonly unknown[] = [];

  constructor(brushed: (window: Gap | null) => void) {
    this.element = html("div", { class: "wf-strip-top", "data-wf-strip": "", title: "drag to zoom; double click shows the whole" }, this.#svg);
    this.element.addEventListener("dblclick", () => brushed(null));
    this.element.addEventListener("pointerdown", (begin) => {
      const from = begin.offsetX;
      this.element.setPointerCapture(begin.pointerId);
      const brush = svg("rect", { class: "wf-brush", y: 0, height: STRIP });
      const move = (event: PointerEvent): void => {
        set(brush, { x: Math.min(from, event.offsetX), width: Math.abs(event.offsetX - from) });
        this.#svg.append(brush);
      };
      const end = (event: PointerEvent): void => {
        this.element.removeEventListener("pointermove", move);
        const axis = this.#axis;
        brush.remove();
        if (axis && Math.abs(event.offsetX - from) > 4) brushed([axis.time(Math.min(from, event.offsetX)), axis.time(Math.max(from, event.offsetX))]);
      };
      this.element.addEventListener("pointermove", move);
      this.element.addEventListener("pointerup", end, { once: true });
    });
  }

  /** `axis` is that of the whole, `shown` the part of it below. Only that changes while one pans. */
  draw(picture: TimelinePicture, axis: Axis, shown: Gap): void {
    const drawn = [picture.strip, axis.width, axis.window.join(), axis.breaks.join()];
    if (drawn.some((value, at) => value !== this.#drawn[at])) {
      this.#drawn = drawn;
      this.#axis = axis;
      set(this.#svg, { width: axis.width });
      replace(this.#svg, ...whole(picture, axis), this.#dim);
    }
    const [left, right] = [axis.x(shown[0]), axis.x(shown[1])];
    set(this.#dim, { d: `M0 0H${Math.max(0, left)}v${STRIP}H0zM${right} 0H${axis.width}v${STRIP}H${right}z` });
  }
}

function whole(picture: TimelinePicture, axis: Axis): SVGElement[] {
  const running = new Float32Array(bytesOf(picture.strip.running).buffer);
  const queued = new Float32Array(bytesOf(picture.strip.queued).buffer);
  const failed = new Uint32Array(bytesOf(picture.strip.failed).buffer);
  const peak = Math.max(1, ...running);
  // a limit far above all that ran would press it flat: it is then only told
  const near = picture.limits.filter((limit) => limit.most <= 4 * peak);
  const most = Math.max(peak, ...near.map((limit) => limit.most));
  const longest = Math.max(1, ...queued);
  const edges = edgesOf(picture.stretches);
  const top = near.length > 0 ? 15 : 6; // a line must not run through the words
  const y = (share: number): string => (STRIP - share * (STRIP - top)).toFixed(1);
  let [area, line, ticks] = ["", "", ""];
  let before = NaN;
  running.forEach((count, at) => {
    const [since = 0, until = 0] = edges.slice(2 * at, 2 * at + 2);
    const [from, to] = [axis.x(since).toFixed(1), axis.x(until).toFixed(1)];
    area += `M${from} ${STRIP}V${y(count / most)}H${to}V${STRIP}z`;
    line += `${since === before ? "L" : "M"}${from} ${y((queued[at] ?? 0) / longest)}H${to}`;
    if (failed[at]) ticks += `M${to} 0v6`;
    before = until;
  });
  const failures = svg("path", { d: ticks, class: "wf-fails", "data-wf-failures": failed.reduce((sum, count) => sum + count, 0) });
  tint(failures, "FAILED");
  return [
    svg("path", { d: area, class: "wf-area" }),
    svg("path", { d: line, class: "wf-queue" }),
    ...axis.breaks.map(([since]) => svg("rect", { x: axis.x(since), width: 26, y: 0, height: STRIP, class: "wf-break" })),
    ...near.map((limit) => {
      const line = svg("path", { d: `M0 ${y(limit.most / most)}H${axis.width.toFixed(1)}`, class: "wf-limit", "data-wf-limit": limit.most });
      line.append(svg("title", {}, limitSaid(limit)));
      return line;
    }),
    failures,
    svg("text", { x: 3, y: 11, class: "wf-m-text wf-peak" }, `${Math.ceil(peak).toLocaleString("en")} at once${longest > 1 ? ` · ${Math.ceil(longest).toLocaleString("en")} queued` : ""}${picture.limits.slice(0, MOST_TOLD).map((limit) => ` · ${limitSaid(limit)}`).join("")}`),
  ];
}

function limitSaid({ name, most }: Limit): string {
  return name ? `${name} at most ${most.toLocaleString("en")}` : `limit ${most.toLocaleString("en")}`;
}

/** Where each column of the bins begins and ends. */
export function edgesOf(stretches: TimelinePicture["stretches"]): number[] {
  return stretches.flatMap(([since, until, columns]) =>
    Array.from({ length: columns * 2 }, (_, side) => since + ((until - since) * Math.ceil(side / 2)) / columns),
  );
}
