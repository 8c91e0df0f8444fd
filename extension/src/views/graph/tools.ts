// The graph's own tools in the toolbar: level of detail, search, failures, order, zoom.
import { html, set, text } from "../../dom";
import { number } from "./words";

const DETAILS = ["workflow only", "activities", "with children", "waits, timers, system"];

export interface ToolActs {
  redraw(): void;
  find(words: string): void;
  nextFailure(): void;
  tidy(): void;
  zoom(factor: number): void;
  fit(): void;
}

export class Tools {
  readonly elements: readonly HTMLElement[];
  readonly #slider = html("input", { type: "range", min: 0, max: 3, step: 1, value: 3, "aria-label": "Detail", "data-wf-action": "detail" });
  readonly #sliderText = html("span", { class: "wf-slidertext" }, DETAILS[3] ?? "");
  readonly #find = html("input", { type: "search", class: "wf-field", placeholder: "find", "aria-label": "Find groups by name", "data-wf-action": "find" });
  readonly #failures = html("button", { type: "button", class: "wf-small", hidden: true, "data-wf-action": "next-failure", title: "next failure ( ] )" });
  readonly #tidy = html("button", { type: "button", class: "wf-small", "aria-label": "Tidy: lay all out anew", "data-wf-action": "tidy" }, "Tidy");
  #level = 3;

  constructor(private readonly acts: ToolActs) {
    const zoom = (label: string, title: string, press: () => void): HTMLElement => {
      const button = html("button", { type: "button", class: "wf-small", title, "aria-label": title }, label);
      button.addEventListener("click", press);
      return button;
    };
    this.elements = [
      html("label", { class: "wf-slider" }, "Detail", this.#slider, this.#sliderText),
      this.#find,
      this.#failures,
      this.#tidy,
      zoom("−", "smaller ( - )", () => acts.zoom(1 / 1.2)),
      zoom("+", "larger ( + )", () => acts.zoom(1.2)),
      zoom("Fit", "all in sight ( F )", () => acts.fit()),
    ];
    this.#slider.addEventListener("input", () => this.#turnTo(Number(this.#slider.value)));
    this.#find.addEventListener("input", () => acts.find(this.words));
    this.#failures.addEventListener("click", () => acts.nextFailure());
    this.#tidy.addEventListener("click", () => acts.tidy());
  }

  get level(): number {
    return this.#level;
  }

  get words(): string {
    return this.#find.value;
  }

  showLevel(level: number): void {
    set(this.#slider, { value: level });
    this.#turnTo(level);
  }

  search(): void {
    this.#find.focus();
  }

  /** `failures` are calls; `isShown`: a group of them is in sight. `blocked` says why nothing can be asked of a kernel. */
  draw(failures: number, isShown: boolean, blocked: string | null): void {
    this.#failures.hidden = !isShown;
    text(this.#failures, `${number(failures)} failure${failures === 1 ? "" : "s"} ▼`);
    set(this.#tidy, { disabled: blocked !== null, title: blocked ?? "lay all out anew with what is known by now ( l )" });
  }

  #turnTo(level: number): void {
    this.#level = level;
    text(this.#sliderText, DETAILS[level] ?? "");
    set(this.#slider, { "aria-valuetext": DETAILS[level] });
    this.acts.redraw();
  }
}
