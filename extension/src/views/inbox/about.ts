// What stands around a question: how its run stands, what may come next, who did what so far.
import { badge, html, replace } from "../../dom";
import { type InboxDetail, isRecord } from "../../protocol";
import { miniGraph } from "./mini";

type Part = "Context" | "What happens next" | "History";
const PARTS: readonly Part[] = ["Context", "What happens next", "History"];

export class About {
  readonly element: HTMLElement;
  readonly #body = html("div", { class: "wf-about", role: "tabpanel", tabindex: 0, "aria-label": "Context" });
  readonly #tabs = new Map<Part, HTMLButtonElement>();
  #part: Part = "Context";
  #detail: InboxDetail | null = null;
  #reason = "loading…";

  constructor(private readonly event: string, private readonly until: number | null) {
    const bar = html("div", { class: "wf-tabs", role: "tablist", "aria-label": "About this question" });
    for (const part of PARTS) {
      const tab = html("button", { type: "button", class: "wf-small", role: "tab", "data-wf-tab": part }, part);
      tab.addEventListener("click", () => this.#turn(part));
      this.#tabs.set(part, tab);
      bar.append(tab);
    }
    this.element = html("div", {}, bar, this.#body);
    this.#turn("Context");
  }

  show(detail: unknown): void {
    this.#detail = isRecord(detail) && Array.isArray(detail["steps"]) ? (detail as unknown as InboxDetail) : null;
    this.#turn(this.#part);
  }

  say(reason: string): void {
    this.#reason = reason;
    this.#turn(this.#part);
  }

  #turn(part: Part): void {
    this.#part = part;
    for (const [name, tab] of this.#tabs) tab.setAttribute("aria-selected", String(name === part));
    this.#body.setAttribute("aria-label", part);
    const detail = this.#detail;
    if (detail === null) replace(this.#body, html("p", { class: "wf-muted" }, this.#reason));
    else if (part === "Context") replace(this.#body, ...this.#context(detail));
    else if (part === "History") replace(this.#body, history(detail));
    else replace(this.#body, ...this.#next(detail));
  }

  #context(detail: InboxDetail): HTMLElement[] {
    const mini = miniGraph(detail.graph ?? null, detail.here ?? "");
    const hidden = detail.steps_total - detail.steps.length;
    const steps = detail.steps.map(([name, , state]) =>
      html("span", { class: "wf-stepchip", "data-wf-node": name, "data-wf-state": state }, badge(state), html("span", { dir: "auto" }, name), name === this.event && state === "SUSPENDED" ? html("em", {}, " you are here") : null),
    );
    const recent = detail.recent.map(([id, state, took]) => html("li", {}, badge(state), ` ${state} in ${took} `, html("code", { title: id }, id.slice(0, 8))));
    return [
      html("p", {}, `The run is ${detail.status}, started ${new Date(detail.started).toLocaleString("en-GB")}.`),
      ...(detail.input === "" ? [] : [html("p", { class: "wf-inputline", dir: "auto" }, "Input: ", html("code", {}, detail.input))]),
      ...(detail.outputs ?? []).map(([step, output]) => html("p", { class: "wf-inputline", dir: "auto" }, `${step} gave: `, html("code", {}, output))),
      ...(mini === null ? [] : [mini]),
      html("div", { class: "wf-path" }, hidden > 0 ? `… ${hidden} before ` : null, ...steps),
      html("p", { class: "wf-muted" }, recent.length > 0 ? "The last outcomes of this workflow:" : "No run of this workflow has ended yet."),
      html("ul", { class: "wf-recent" }, ...recent),
    ];
  }

  #next(detail: InboxDetail): HTMLElement[] {
    const lines = detail.next.map(([condition, what]) => html("li", {}, condition === "" ? null : html("code", {}, condition), condition === "" ? null : " → ", html("strong", { dir: "auto" }, what)));
    const late = this.until === null ? "It has no deadline." : `If nobody answers by ${new Date(this.until).toLocaleString("en-GB")}: ${detail.on_timeout === "" ? "the wait ends with a TimeoutError." : `a TimeoutError, then ${detail.on_timeout}.`}`;
    return [
      lines.length > 0 ? html("ul", { class: "wf-recent" }, ...lines) : html("p", { class: "wf-muted" }, "The recorded source does not tell."),
      html("p", {}, late),
    ];
  }
}

function history(detail: InboxDetail): HTMLElement {
  if (detail.history.length === 0) return html("p", { class: "wf-muted" }, "Nobody has done anything with this run yet.");
  const rows = detail.history.map(([at, ...cells]) => html("tr", {}, html("td", {}, new Date(at).toLocaleString("en-GB")), ...cells.map((cell) => html("td", { dir: "auto" }, cell))));
  const heads = ["When", "Who", "What", "Where", "Why"].map((head) => html("th", { scope: "col" }, head));
  return html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
}
