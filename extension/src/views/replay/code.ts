// The code, a line each: how often it ran, where it went on in this step, what ran then, and where it waits.
import { html, replace, set, text } from "../../dom";
import type { ReplayPicture, SourceText, StepDetail } from "../../protocol";
import type { Book } from "./book";

export class CodePane {
  readonly element: HTMLElement;
  readonly #tabs = html("nav", { class: "wf-tabs", "aria-label": "Functions", hidden: true });
  readonly #code = html("pre", { class: "wf-listing", tabindex: 0, role: "group", "aria-label": "Code" });
  #drawn = "";
  #chosen: number | null = null;
  #lines: HTMLElement[] = [];

  /** `choose` is called with a line that was clicked. */
  constructor(private readonly book: Book, private readonly redraw: () => void, choose: (line: number) => void) {
    this.element = html("section", { class: "wf-codepane", "aria-label": "Code" }, this.#tabs, this.#code);
    this.#code.addEventListener("dblclick", (event) => {
      const line = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-wf-line]")?.dataset["wfLine"] : undefined;
      if (line !== undefined && this.shown === 0) choose(Number(line));
    });
  }

  get shown(): number {
    return this.#chosen ?? 0;
  }

  draw(picture: ReplayPicture, step: StepDetail | null, position: number): void {
    const place = Math.min(this.shown, Math.max(0, picture.sources.length - 1));
    this.#drawTabs(picture, step);
    const source = picture.sources[place];
    if (!source?.text) {
      this.#drawn = "";
      this.#lines = [];
      replace(this.#code, html("span", { class: "wf-muted" }, "The source of this code was not recorded. Events, timers and results are shown all the same."));
      return;
    }
    this.#write(source, place);
    this.#mark(picture, source, place, step, position);
  }

  #drawTabs(picture: ReplayPicture, step: StepDetail | null): void {
    this.#tabs.hidden = picture.sources.filter((source) => source.text !== "").length < 2;
    if (this.#tabs.hidden) return;
    const waiting = new Set(step?.frames.map((frame) => frame.source));
    const tabs = picture.sources.flatMap((source, place) => {
      if (source.text === "") return [];
      const tab = html("button", { type: "button", class: "wf-small", "aria-pressed": String(place === this.shown), "data-wf-source": place }, waiting.has(place) ? `${source.name} ‖` : source.name);
      tab.addEventListener("click", () => {
        this.#chosen = place;
        this.redraw();
      });
      return [tab];
    });
    replace(this.#tabs, ...tabs);
  }

  #write(source: SourceText, place: number): void {
    const drawn = `${place} ${source.text}`;
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const lines = source.text.replace(/\n$/, "").split("\n");
    const width = String(lines.length).length;
    this.#lines = lines.map((line, index) =>
      html("span", { class: "wf-line", "data-wf-line": index + 1 }, html("span", { class: "wf-gutter", "aria-hidden": "true" }), html("span", { class: "wf-number" }, String(index + 1).padStart(width)), html("code", { dir: "ltr" }, line || " "), html("span", { class: "wf-hits" })),
    );
    replace(this.#code, ...this.#lines);
  }

  #mark(picture: ReplayPicture, source: SourceText, place: number, step: StepDetail | null, position: number): void {
    const hits = new Map(source.hits);
    const ran = new Set(step?.lines.filter(([own]) => own === place).map(([, line]) => line));
    const frame = step?.frames.find((one) => one.source === place);
    const current = place === 0 ? (step?.line ?? null) : ([...ran].slice(-1)[0] ?? null);
    const waits = place === 0 ? (step?.waits ?? null) : (frame?.line ?? null);
    const seen = this.#seen(position, place);
    const parted = picture.divergence?.step === position && place === 0 ? picture.divergence.line : null;
    for (const [index, element] of this.#lines.entries()) {
      const line = index + 1;
      const isCurrent = line === current;
      set(element, {
        "aria-current": isCurrent ? "step" : undefined,
        "data-wf-ran": ran.has(line),
        "data-wf-waits": line === waits,
        "data-wf-unrun": !(seen ? seen.has(line) : hits.has(line)) && !isCurrent,
        "data-wf-parted": line === parted,
      });
      const [gutter, , , count] = element.children;
      if (gutter) text(gutter, isCurrent ? "▶" : line === waits ? "‖" : "");
      if (count) text(count, hits.has(line) && (seen === null || seen.has(line)) ? `x${hits.get(line)?.toLocaleString("en") ?? ""}` : "");
    }
    if (current !== null) this.#show(this.#lines[current - 1]);
  }

  /** The lines that have run by this step; null where not all steps before are known. */
  #seen(position: number, place: number): Set<number> | null {
    if (position > 1000 || !this.book.isWholeUpTo(position)) return null;
    const seen = new Set<number>();
    for (let at = 1; at <= position; at += 1) for (const [own, line] of this.book.step(at)?.lines ?? []) if (own === place) seen.add(line);
    return seen;
  }

  /** Only the code scrolls, never the notebook. */
  #show(line: HTMLElement | undefined): void {
    if (line === undefined || this.#code.scrollHeight <= this.#code.clientHeight) return;
    const top = line.offsetTop - this.#code.offsetTop;
    if (top < this.#code.scrollTop || top + line.offsetHeight > this.#code.scrollTop + this.#code.clientHeight) this.#code.scrollTop = top - this.#code.clientHeight / 3;
  }
}
