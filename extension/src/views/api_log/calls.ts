// The table of calls: one page, sorted and cut by the kernel, so that a hundred thousand calls are as quick as fifty.
import { html, replace, set } from "../../dom";
import { refocus } from "../../keys";
import type { ApiCallRow, ApiLogPicture } from "../../protocol";
import { count, LAB, timeText, tookText } from "./words";

const HEADS: readonly (readonly [key: string, label: string])[] = [["at", "Time"], ["app", "App"], ["api", "API"], ["method", "Method"], ["target", "Target"], ["status", "Status"], ["took", "Took"]];
const LARGEST_FIRST: ReadonlySet<string> = new Set(["at", "took"]);
const PAGES: readonly number[] = [50, 100, 200, 500];

export interface Acts {
  turn(args: Readonly<Record<string, unknown>>): void;
  open(row: ApiCallRow): void;
}

export class Calls {
  readonly element: HTMLElement;
  readonly #body = html("tbody", {});
  readonly #table: HTMLElement;
  readonly #heads = new Map<string, HTMLElement>();
  readonly #newer = html("button", { type: "button", class: "wf-small wf-newpill", "data-wf-action": "show-new", hidden: true });
  readonly #pager = html("div", { class: "wf-pager" });
  readonly #rows = new Map<string, HTMLElement>();
  #picture: ApiLogPicture | null = null;
  #chosen = "";

  constructor(private readonly acts: Acts) {
    const heads = HEADS.map(([key, label]) => {
      const press = html("button", { type: "button", class: "wf-sort", title: `sort by ${label.toLowerCase()}` }, label);
      press.addEventListener("click", () => this.#sort(key));
      const head = html("th", { scope: "col", "aria-sort": "none" }, press);
      this.#heads.set(key, head);
      return head;
    });
    this.#table = html("table", { "data-wf-calls": "" }, html("caption", { class: "wf-heard" }, "Calls"), html("thead", {}, html("tr", {}, ...heads, html("th", { scope: "col" }, "Error"))), this.#body);
    this.#newer.addEventListener("click", () => this.acts.turn({ first: 0 }));
    this.#body.addEventListener("click", (event) => this.#press(event));
    this.element = html("div", {}, this.#newer, html("div", { class: "wf-sheet wf-long", role: "group", tabindex: 0, "aria-label": "Calls" }, this.#table), this.#pager);
  }

  draw(picture: ApiLogPicture, blocked: string | null): void {
    this.#picture = picture;
    const keys = picture.calls.map(keyOf);
    const wanted = new Set(keys);
    for (const key of [...this.#rows.keys()]) if (!wanted.has(key)) this.#rows.delete(key);
    const focused = document.activeElement instanceof HTMLElement && this.#body.contains(document.activeElement) ? document.activeElement.closest("tr") : null;
    const rows = picture.calls.map((call, place) => this.#row(keys[place] ?? "", call, picture.now));
    if (rows.length !== this.#body.children.length || rows.some((row, place) => this.#body.children[place] !== row)) {
      const active = document.activeElement as HTMLElement | null;
      replace(this.#body, ...rows);
      if (focused?.isConnected) refocus(active);
    }
    for (const [key, row] of this.#rows) set(row, { "aria-selected": key === this.#chosen ? "true" : undefined });
    const column = picture.order.replace(/^-/, "");
    for (const [key, head] of this.#heads) {
      set(head, { "aria-sort": key !== column ? "none" : picture.order.startsWith("-") ? "descending" : "ascending" });
      set(head.firstElementChild ?? head, { disabled: blocked !== null });
    }
    set(this.#table, { "data-wf-count": picture.total });
    this.#newer.hidden = picture.newer === 0;
    this.#newer.textContent = `${count(picture.newer)} new${picture.is_paused ? "" : " · show"}`;
    set(this.#newer, { disabled: blocked !== null || picture.is_paused });
    this.#drawPager(picture, blocked);
  }

  /** Mark the one whose details are shown. */
  choose(row: ApiCallRow | null): void {
    this.#chosen = row === null ? "" : keyOf(row);
    for (const [key, line] of this.#rows) set(line, { "aria-selected": key === this.#chosen ? "true" : undefined });
  }

  #press(event: MouseEvent): void {
    const key = (event.target as HTMLElement).closest("tr")?.dataset["wfCall"];
    const call = this.#picture?.calls.find((one) => keyOf(one) === key);
    if (call !== undefined && getSelection()?.isCollapsed !== false) this.acts.open(call);
  }

  #row(key: string, call: ApiCallRow, now: number): HTMLElement {
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const row = lineOf(call, now);
    set(row, { "data-wf-call": key });
    this.#rows.set(key, row);
    return row;
  }

  #sort(key: string): void {
    const order = this.#picture?.order ?? "";
    const first = LARGEST_FIRST.has(key) ? `-${key}` : key;
    this.acts.turn({ order: order === first ? (first.startsWith("-") ? key : `-${key}`) : first, first: 0 });
  }

  #drawPager(picture: ApiLogPicture, blocked: string | null): void {
    const step = (label: string, first: number, isOff: boolean): HTMLButtonElement => {
      const button = html("button", { type: "button", class: "wf-small", disabled: isOff || blocked !== null, title: blocked ?? undefined, "data-wf-action": label }, label);
      button.addEventListener("click", () => this.acts.turn({ first }));
      return button;
    };
    const shown = picture.calls.length;
    const sizes = PAGES.includes(picture.page) ? PAGES : [...PAGES, picture.page];
    const size = html("select", { class: "wf-field", "aria-label": "Rows on a page", disabled: blocked !== null }, ...sizes.map((rows) => html("option", { value: rows }, `${rows} rows`)));
    size.value = String(picture.page);
    size.addEventListener("change", () => this.acts.turn({ first: 0, page: Number(size.value) }));
    const words = picture.total === 0 ? "none" : `${count(picture.first + 1)}–${count(picture.first + shown)} of ${count(picture.total)}`;
    const key = JSON.stringify([picture.first, shown, picture.total, picture.page, blocked]);
    if (this.#pager.dataset["shown"] === key) return; // it may have the focus
    this.#pager.dataset["shown"] = key;
    const action = this.#pager.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["wfAction"] : undefined;
    replace(this.#pager, step("newest", 0, picture.first === 0), step("previous", Math.max(0, picture.first - picture.page), picture.first === 0), words, step("next", picture.first + shown, picture.first + shown >= picture.total), size);
    if (action !== undefined) refocus(this.#pager.querySelector<HTMLElement>(`[data-wf-action="${action}"]`));
  }
}

/** A line of the table; also of a trace. */
export function lineOf(call: ApiCallRow, now: number): HTMLElement {
  const open = html("button", { type: "button", class: "wf-link", "data-wf-action": "open-call", title: new Date(call.at).toISOString() }, timeText(call.at, now));
  const status = html("span", { class: call.is_failed ? "wf-callbad" : "wf-callok" }, call.is_failed ? `✕ ${call.status || "failed"}` : call.status);
  return html("tr", { "data-wf-failed": String(call.is_failed) },
    html("th", { scope: "row" }, open),
    html("td", { dir: "auto" }, call.app === "" ? html("span", { class: "wf-muted" }, LAB) : call.app),
    html("td", {}, call.api),
    clipped("wf-callmethod", call.method),
    clipped("wf-calltarget", call.target),
    html("td", {}, status),
    html("td", { class: "wf-calltook" }, tookText(call.took_ms)),
    clipped("wf-callerror", call.error));
}

export function keyOf(call: ApiCallRow): string {
  return `${call.place}.${call.at}`;
}

function clipped(name: string, words: string): HTMLElement {
  return html("td", { class: `wf-callclip ${name}`, dir: "auto", title: words || undefined }, words);
}
