// Input, output and error: a native disclosure each, closed where it is long, and as the reader left it afterwards.
import { html, replace, set, text } from "../dom";
import type { Failure, Payload } from "../protocol";
import { pieces } from "./json";

const SHORT_LINES = 8;

export class PayloadPane {
  readonly element: HTMLDetailsElement;
  readonly #code = html("pre", { class: "wf-code", tabindex: 0 });
  readonly #note = html("span", { class: "wf-muted" });
  #shown: string | null = null;

  constructor(label: string, hook: string) {
    const summary = html("summary", {}, `${label} `, this.#note);
    this.element = html("details", { class: "wf-pane", "data-wf-pane": hook, hidden: true }, summary, this.#code);
    set(this.#code, { role: "group", "aria-label": label });
  }

  draw(payload: Payload | null): void {
    this.element.hidden = payload === null;
    if (payload === null || payload.text === this.#shown) return;
    if (this.#shown === null) this.element.open = payload.text.split("\n").length <= SHORT_LINES;
    this.#shown = payload.text;
    text(this.#note, payload.cut ? `first ${payload.text.length.toLocaleString("en")} characters of ${payload.size.toLocaleString("en")}` : "");
    replace(this.#code, ...pieces(payload.text).map(({ kind, text: piece }) => (kind === "plain" ? html("span", {}, piece) : html("span", { class: `wf-${kind}` }, piece))));
  }
}

export class FailurePane {
  readonly element: HTMLElement;
  readonly #kind = html("strong", {});
  readonly #message = html("span", { dir: "auto" });
  readonly #trace = html("pre", { class: "wf-code", tabindex: 0, role: "group", "aria-label": "Traceback" });
  readonly #details = html("details", {}, html("summary", {}, "Traceback"), this.#trace);

  constructor() {
    this.element = html("section", { class: "wf-failure", hidden: true, "data-wf-pane": "error" }, this.#kind, " ", this.#message, this.#details);
  }

  draw(failure: Failure | null): void {
    this.element.hidden = failure === null;
    if (failure === null) return;
    text(this.#kind, failure.error_type);
    text(this.#message, failure.message);
    text(this.#trace, failure.trace ?? "");
    this.#details.hidden = !failure.trace;
  }
}
