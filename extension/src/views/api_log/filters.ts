// The filter bar of the API log, and the filter in words, each part of it with a way to drop it.
import { html, replace, set } from "../../dom";
import type { ApiLogPicture, CallGroup } from "../../protocol";
import { type Change, count, LAB, NOTHING, said } from "./words";

const SPANS: readonly (readonly [value: string, label: string])[] = [["", "all time"], ["1m", "last minute"], ["15m", "last 15 min"], ["1h", "last hour"], ["24h", "last 24 h"]];
const OUTCOMES: readonly (readonly [value: string, label: string])[] = [["", "ok and failed"], ["ok", "ok"], ["failed", "failed"]];
/** The value of the option that is every app: an app may have any other name, and the lab's own has none. */
const EVERY = "\u0000";
const WAIT_MS = 350;

export class Filters {
  readonly tools: readonly HTMLElement[];
  readonly state = html("div", { class: "wf-filterstate", role: "group", "aria-label": "Filter" });
  readonly #span = select("Time range", "since");
  readonly #app = select("App", "app");
  readonly #api = select("API", "api");
  readonly #outcome = select("Outcome", "outcome");
  readonly #text = html("input", { type: "search", class: "wf-field wf-logtext", placeholder: "text (/)", "aria-label": "Text in methods, targets, callers, errors and traces", "data-wf-field": "text" });
  readonly #pause = html("button", { type: "button", class: "wf-small", "data-wf-action": "pause", "aria-pressed": "false", title: "let the table stand still (p)" }, "Pause");
  #timer = 0;
  #isPaused = false;

  constructor(private readonly change: (change: Change) => void, private readonly pause: (isPaused: boolean) => void) {
    this.#span.addEventListener("change", () => change({ since: this.#span.value, until: "" }));
    this.#app.addEventListener("change", () => change({ app: this.#app.value === EVERY ? null : this.#app.value }));
    this.#api.addEventListener("change", () => change({ api: this.#api.value }));
    this.#outcome.addEventListener("change", () => change({ outcome: this.#outcome.value as "" | "ok" | "failed" }));
    this.#text.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = window.setTimeout(() => change({ text: this.#text.value.trim() }), WAIT_MS);
    });
    this.#pause.addEventListener("click", () => this.turnPause());
    this.tools = [this.#span, this.#app, this.#api, this.#outcome, this.#text, this.#pause];
  }

  draw(picture: ApiLogPicture, blocked: string | null): void {
    const { filter } = picture;
    const spans = SPANS.some(([value]) => value === filter.since) ? SPANS : [...SPANS, [filter.since, "chosen"] as const];
    options(this.#span, spans, filter.since);
    options(this.#app, [[EVERY, "all apps"], ...grouped(picture.apps, filter.app, LAB)], filter.app ?? EVERY);
    options(this.#api, [["", "all APIs"], ...grouped(picture.apis, filter.api === "" ? null : filter.api, "")], filter.api);
    options(this.#outcome, OUTCOMES, filter.outcome);
    if (document.activeElement !== this.#text && this.#text.value !== filter.text) this.#text.value = filter.text;
    this.#isPaused = picture.is_paused;
    set(this.#pause, { "aria-pressed": String(picture.is_paused) });
    for (const field of [this.#span, this.#app, this.#api, this.#outcome, this.#text, this.#pause]) set(field, { disabled: blocked !== null, ...(blocked === null ? {} : { title: blocked }) });
    const given = said(filter);
    const chips = given.map(([words, drop]) => {
      const chip = html("button", { type: "button", class: "wf-chip wf-dropchip", disabled: blocked !== null, "aria-label": `drop ${words}`, title: blocked ?? "drop this part of the filter" }, words, html("span", { "aria-hidden": "true" }, " ×"));
      chip.addEventListener("click", () => this.change(drop));
      return chip;
    });
    const all = html("button", { type: "button", class: "wf-small", "data-wf-action": "clear-filter", disabled: blocked !== null }, "show all");
    all.addEventListener("click", () => this.change(NOTHING));
    replace(this.state, ...chips, given.length > 0 ? all : null, html("code", { class: "wf-muted" }, picture.code));
    set(this.state, { "data-wf-filter": given.map(([words]) => words).join(", ") });
  }

  turnPause(): void {
    this.pause(!this.#isPaused);
  }

  focus(): void {
    this.#text.focus();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}

function grouped(groups: readonly CallGroup[], chosen: string | null, unnamed: string): readonly (readonly [string, string])[] {
  const listed = groups.map(({ name, count: calls }) => [name, `${name || unnamed} (${count(calls)})`] as const);
  return chosen === null || groups.some(({ name }) => name === chosen) ? listed : [...listed, [chosen, chosen || unnamed]];
}

function select(label: string, field: string): HTMLSelectElement {
  return html("select", { class: "wf-field", "aria-label": label, "data-wf-field": field });
}

/** The list is left alone while it is open, or it would close under the pointer at every call. */
function options(field: HTMLSelectElement, wanted: readonly (readonly [value: string, label: string])[], chosen: string): void {
  const key = JSON.stringify(wanted);
  if (field.dataset["options"] !== key && document.activeElement !== field) {
    field.dataset["options"] = key;
    replace(field, ...wanted.map(([value, label]) => html("option", { value }, label)));
  }
  if (field.value !== chosen) field.value = chosen;
}
