// The scrubber: a mark per step, coloured by what it took up. With very many steps a column holds several, the worst on top, and a lens shows those around.
import { html, replace, set, svg } from "../../dom";
import { variableOf } from "../../palette";
import type { ReplayPicture } from "../../protocol";
import { BADNESS, STATES } from "./words";

const MOST_MARKS = 240;
const LENS = 30;
const EDGE = 16;
const HEIGHT = 48;

export class Scrubber {
  readonly element: HTMLElement;
  readonly #slider = html("div", { class: "wf-slider-track", role: "slider", tabindex: 0, "aria-label": "Step", "data-wf-slider": "" });
  readonly #lens = html("div", { class: "wf-lens", "aria-hidden": "true", hidden: true });
  #drawn = "";
  #total = 0;
  #width = 0;

  constructor(private readonly go: (position: number) => void) {
    this.element = html("div", { class: "wf-scrubber" }, this.#slider, this.#lens);
    const point = (event: PointerEvent): void => {
      const box = this.#slider.getBoundingClientRect();
      const share = (event.clientX - box.left - EDGE) / Math.max(1, box.width - 2 * EDGE);
      this.go(Math.max(1, Math.min(this.#total, 1 + Math.round(share * (this.#total - 1)))));
    };
    this.#slider.addEventListener("pointerdown", (event) => {
      if (this.#total === 0) return;
      this.#slider.setPointerCapture(event.pointerId);
      point(event);
    });
    this.#slider.addEventListener("pointermove", (event) => {
      if (this.#slider.hasPointerCapture(event.pointerId)) point(event);
    });
    this.#lens.addEventListener("click", (event) => {
      const at = event.target instanceof Element ? event.target.closest<SVGElement>("[data-wf-tick]")?.dataset["wfTick"] : undefined;
      if (at !== undefined) this.go(Number(at));
    });
  }

  draw(picture: ReplayPicture, position: number, hits: readonly number[], noted: readonly number[], spoken: string): void {
    this.#total = picture.steps_total;
    const width = Math.max(240, Math.round(this.#slider.clientWidth || 640));
    const drawn = `${width} ${picture.outcomes} ${picture.marks} ${picture.sizes} ${hits.join()} ${noted.join()}`;
    if (drawn !== this.#drawn || width !== this.#width) {
      this.#drawn = drawn;
      this.#width = width;
      const isFew = this.#total <= Math.min(MOST_MARKS, Math.floor((width - 2 * EDGE) / 5));
      replace(this.#slider, isFew ? this.#marks(picture, hits, noted, width) : this.#columns(picture, hits, noted, width));
      this.#lens.hidden = isFew;
    }
    set(this.#slider, { "aria-valuemin": Math.min(1, this.#total), "aria-valuemax": this.#total, "aria-valuenow": position, "aria-valuetext": spoken });
    this.#point(position, width);
    if (!this.#lens.hidden) this.#drawLens(picture, position, noted, width);
  }

  #x(position: number, width: number): number {
    return this.#total < 2 ? width / 2 : EDGE + ((width - 2 * EDGE) * (position - 1)) / (this.#total - 1);
  }

  #marks(picture: ReplayPicture, hits: readonly number[], noted: readonly number[], width: number): SVGElement {
    const canvas = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    canvas.append(svg("path", { class: "wf-rail", d: `M${EDGE} 16H${width - EDGE}` }));
    const every = Math.max(1, Math.ceil((this.#total * 22) / (width - 2 * EDGE)));
    for (let at = 1; at <= this.#total; at += 1) canvas.append(...this.#mark(picture, at, this.#x(at, width), hits.includes(at), at % every === 0 || at === 1));
    canvas.append(...noteMarks(noted, (at) => this.#x(at, width)));
    canvas.append(svg("circle", { class: "wf-here", cx: 0, cy: 16, r: 10 }));
    return canvas;
  }

  #mark(picture: ReplayPicture, at: number, x: number, isHit: boolean, isNumbered: boolean): SVGElement[] {
    const letter = picture.outcomes[at - 1] ?? "C";
    const radius = 4 + Number(picture.sizes[at - 1] ?? 0) / 5;
    const mark = picture.marks[at - 1];
    const dot = svg("circle", { class: "wf-tickmark", cx: x, cy: 16, r: radius, "data-wf-tick": at, "data-wf-outcome": letter, style: `--c:var(${variableOf(STATES[letter] ?? "UNKNOWN")})` });
    const shape = mark === "E" && letter !== "X" ? svg("path", { class: "wf-tickmark", d: `M${x} ${16 - radius - 2}l${radius + 2} ${radius + 2}-${radius + 2} ${radius + 2}-${radius + 2}-${radius + 2}z`, "data-wf-tick": at, "data-wf-outcome": letter, style: `--c:var(${variableOf("SUSPENDED")})` }) : dot;
    return [
      shape,
      ...(letter === "F" || letter === "X" ? [svg("path", { class: "wf-tickcross", d: `M${x - 2} 14l4 4m0-4l-4 4` })] : []),
      ...(mark === "R" ? [svg("path", { class: "wf-tickring", d: `M${x - 3} 5a4 4 0 0 1 6 0` })] : []),
      ...(mark === "N" ? [svg("path", { class: "wf-tickring", d: `M${x + radius + 3} 8v16m3-16v16` })] : []),
      ...(isHit ? [svg("path", { class: "wf-tickhit", d: `M${x - 3} 1h6l-3 5z` })] : []),
      ...(isNumbered ? [svg("text", { class: "wf-ticknumber", x, y: 45 }, String(at))] : []),
    ];
  }

  #columns(picture: ReplayPicture, hits: readonly number[], noted: readonly number[], width: number): SVGElement {
    const canvas = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}`, "aria-hidden": "true" });
    const room = width - 2 * EDGE;
    const paths = new Map<string, string>();
    for (let column = 0; column < room; column += 1) {
      const begin = Math.floor((column * this.#total) / room);
      const part = picture.outcomes.slice(begin, Math.max(begin + 1, Math.floor(((column + 1) * this.#total) / room)));
      const worst = [...BADNESS].find((letter) => part.includes(letter)) ?? "C";
      paths.set(worst, `${paths.get(worst) ?? ""}M${EDGE + column + 0.5} ${worst === "F" || worst === "X" ? 6 : 10}V${worst === "F" || worst === "X" ? 26 : 22}`);
    }
    for (const [letter, d] of paths) canvas.append(svg("path", { class: "wf-column", d, style: `--c:var(${variableOf(STATES[letter] ?? "UNKNOWN")})`, "data-wf-outcome": letter }));
    for (const hit of hits.slice(0, 500)) canvas.append(svg("path", { class: "wf-tickhit", d: `M${this.#x(hit, width) - 3} 0h6l-3 5z` }));
    canvas.append(...noteMarks(noted, (at) => this.#x(at, width)), svg("circle", { class: "wf-here", cx: 0, cy: 16, r: 9 }));
    return canvas;
  }

  #point(position: number, width: number): void {
    const here = this.#slider.querySelector(".wf-here");
    if (here) set(here, { cx: this.#x(position, width), hidden: this.#total === 0 });
  }

  #drawLens(picture: ReplayPicture, position: number, noted: readonly number[], width: number): void {
    const first = Math.max(1, Math.min(position - LENS / 2, this.#total - LENS + 1));
    const canvas = svg("svg", { width, height: HEIGHT, viewBox: `0 0 ${width} ${HEIGHT}` });
    const place = (at: number): number => EDGE + ((width - 2 * EDGE) * (at - first)) / (LENS - 1);
    for (let at = first; at < Math.min(first + LENS, this.#total + 1); at += 1) {
      const x = place(at);
      canvas.append(...this.#mark(picture, at, x, false, at % 5 === 0 || at === position));
      if (at === position) canvas.append(svg("circle", { class: "wf-here", cx: x, cy: 16, r: 10 }));
    }
    canvas.append(...noteMarks(noted.filter((at) => at >= first && at < first + LENS), place));
    replace(this.#lens, canvas);
  }
}

/** A small leaf of paper below each step that somebody wrote a note about. */
function noteMarks(noted: readonly number[], x: (at: number) => number): SVGElement[] {
  return [...new Set(noted)].map((at) => svg("path", { class: "wf-ticknote", d: `M${x(at) - 3} 28h6v3.5l-2.5 2.5h-3.5z`, "data-wf-notemark": at }));
}
