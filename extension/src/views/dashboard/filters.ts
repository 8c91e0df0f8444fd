// The filter bar, and the filter in words: what is looked at, each part of it with a way to drop it, and the Python that gives the same.
import { html, replace, set } from "../../dom";
import type { DashboardFilter, DashboardPicture } from "../../protocol";
import { STATES } from "./cells";

export type Change = Partial<DashboardFilter>;
const SPANS: readonly (readonly [value: string, label: string])[] = [["", "all time"], ["1h", "last hour"], ["6h", "last 6 h"], ["24h", "last 24 h"], ["7d", "last 7 days"], ["30d", "last 30 days"]];
const NOTHING: DashboardFilter = { since: "", until: "", name: "", version: null, tag: "", text: "", children: false, canceled: false, status: "", error: "", reached: "", reached_state: "" };
const WAIT_MS = 350;

export class Filters {
  readonly tools: readonly HTMLElement[];
  readonly state = html("div", { class: "wf-filterstate", role: "group", "aria-label": "Filter" });
  readonly #span = select("Time range", "since");
  readonly #name = select("Workflow", "name");
  readonly #status = select("State", "status");
  readonly #version = select("Version", "version");
  readonly #tag = html("input", { type: "text", class: "wf-field", placeholder: "tag=value", "aria-label": "Tag, or tag=value", "data-wf-field": "tag" });
  readonly #text = html("input", { type: "search", class: "wf-field", placeholder: "text (/)", "aria-label": "Text in ids, names, tags and errors", "data-wf-field": "text" });
  readonly #children = html("input", { type: "checkbox", "data-wf-field": "children" });
  #timer = 0;

  constructor(private readonly change: (change: Change) => void) {
    for (const [field, key] of [[this.#span, "since"], [this.#name, "name"], [this.#status, "status"]] as const) {
      field.addEventListener("change", () => change(key === "since" ? { since: field.value, until: "" } : { [key]: field.value }));
    }
    this.#version.addEventListener("change", () => change({ version: this.#version.value === "" ? null : this.#version.value }));
    this.#children.addEventListener("change", () => change({ children: this.#children.checked }));
    for (const [field, key] of [[this.#tag, "tag"], [this.#text, "text"]] as const) {
      field.addEventListener("input", () => {
        clearTimeout(this.#timer);
        this.#timer = window.setTimeout(() => change({ [key]: field.value.trim() }), WAIT_MS);
      });
    }
    this.tools = [this.#span, this.#name, this.#status, this.#version, this.#tag, this.#text, html("label", { class: "wf-toggle" }, this.#children, "children")];
  }

  draw(picture: DashboardPicture, blocked: string | null): void {
    const { filter } = picture;
    const spans = SPANS.some(([value]) => value === filter.since) ? SPANS : [...SPANS, [filter.since, "chosen"] as const];
    options(this.#span, spans, filter.since);
    options(this.#name, listed("all workflows", picture.names, filter.name), filter.name);
    options(this.#status, listed("all states", STATES, filter.status), filter.status);
    options(this.#version, listed("all versions", picture.versions, filter.version ?? ""), filter.version ?? "");
    this.#version.hidden = picture.versions.length === 0 && filter.version === null;
    this.#tag.hidden = picture.tags.length === 0 && filter.tag === "";
    set(this.#tag, { title: picture.tags.length > 0 ? `tags: ${picture.tags.join(", ")}` : undefined });
    for (const [field, value] of [[this.#tag, filter.tag], [this.#text, filter.text]] as const) if (document.activeElement !== field && field.value !== value) field.value = value;
    this.#children.checked = filter.children;
    for (const field of [this.#span, this.#name, this.#status, this.#version, this.#tag, this.#text, this.#children]) set(field, { disabled: blocked !== null, ...(blocked === null ? {} : { title: blocked }) });
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

  focus(): void {
    this.#text.focus();
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }
}

/** The filter's parts in words, each with the change that drops it. */
export function said(filter: DashboardFilter): readonly (readonly [words: string, drop: Change])[] {
  const parts: (readonly [string, Change])[] = [];
  if (filter.status !== "") parts.push([`state=${filter.status}`, { status: "" }]);
  if (filter.name !== "") parts.push([`name=${filter.name}`, { name: "" }]);
  if (filter.version !== null) parts.push([`version=${filter.version}`, { version: null }]);
  if (filter.error !== "") parts.push([`failure=${filter.error}`, { error: "" }]);
  if (filter.reached !== "") parts.push([`reached ${filter.reached}${filter.reached_state === "" ? "" : ` ${filter.reached_state}`}`, { reached: "", reached_state: "" }]);
  if (filter.tag !== "") parts.push([`tag ${filter.tag}`, { tag: "" }]);
  if (filter.text !== "") parts.push([`text=${filter.text}`, { text: "" }]);
  if (filter.since !== "" || filter.until !== "") parts.push([`ended ${moment(filter.since)}${filter.until === "" ? "" : ` to ${moment(filter.until)}`}`, { since: "", until: "" }]);
  if (filter.children) parts.push(["with children", { children: false }]);
  if (filter.canceled) parts.push(["CANCELED counted", { canceled: false }]);
  return parts;
}

function moment(value: string): string {
  const at = value.includes("-") ? new Date(value) : null;
  return at === null ? (value === "" ? "any time" : `since ${value}`) : at.toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
}

function select(label: string, field: string): HTMLSelectElement {
  return html("select", { class: "wf-field", "aria-label": label, "data-wf-field": field });
}

function listed(all: string, values: readonly string[], chosen: string): readonly (readonly [string, string])[] {
  const rest = chosen === "" || values.includes(chosen) ? values : [...values, chosen];
  return [["", all], ...rest.map((value) => [value, value] as const)];
}

function options(field: HTMLSelectElement, wanted: readonly (readonly [value: string, label: string])[], chosen: string): void {
  const key = JSON.stringify(wanted);
  if (field.dataset["options"] !== key) {
    field.dataset["options"] = key;
    replace(field, ...wanted.map(([value, label]) => html("option", { value }, label)));
  }
  if (field.value !== chosen) field.value = chosen;
}
