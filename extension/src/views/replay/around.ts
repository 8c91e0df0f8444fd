// What stands around a step beside its variables: what is in flight, what was asked for, what was logged.
import { html, replace } from "../../dom";
import type { StepDetail } from "../../protocol";
import { number, openText } from "./words";

export class Around {
  readonly panes: readonly HTMLElement[];
  readonly #open = html("div", { "data-wf-inflight": "" });
  readonly #asked = html("div", { "data-wf-asked": "" });
  readonly #heard = html("div", { "data-wf-logs": "" });
  readonly #logs = pane("Logs", this.#heard);

  constructor() {
    this.panes = [pane("In flight", this.#open), pane("Asked for", this.#asked), this.#logs];
  }

  draw(step: StepDetail | null): void {
    const open = step?.open ?? [];
    const hidden = (step?.open_total ?? 0) - open.length;
    const lines = open.map((one) => html("li", { dir: "auto", "data-wf-open": one.name }, openText(one, step?.at ?? 0)));
    if (hidden > 0) lines.push(html("li", {}, `and ${number(hidden)} more`));
    replace(this.#open, listed(lines, step?.ends ? "nothing; the code has ended" : "nothing in flight"));
    const asked = step?.asked ?? [];
    replace(this.#asked, listed(asked.map((one) => html("li", { dir: "auto" }, html("code", {}, one.text), one.line === null ? null : html("span", { class: "wf-muted" }, ` line ${one.line}`))), "nothing"));
    const heard = step?.heard ?? [];
    this.#logs.hidden = heard.length === 0;
    replace(this.#heard, ...heard.map((one) => html("div", { class: "wf-log", dir: "auto" }, html("span", { class: "wf-muted" }, `${one.level} `), one.text)));
  }
}

function listed(lines: readonly HTMLElement[], otherwise: string): HTMLElement {
  return lines.length > 0 ? html("ul", {}, ...lines) : html("p", { class: "wf-muted" }, otherwise);
}

function pane(title: string, body: HTMLElement): HTMLElement {
  return html("section", { class: "wf-pane", "aria-label": title }, html("h4", { class: "wf-panetitle" }, title), body);
}
