// The table of instances: a page of them, sorted by the kernel, marked here. New ones wait behind a pill, so that nothing moves under the pointer.
import { badge, html, replace, set, text } from "../../dom";
import { spanText, tickingText } from "../../durations";
import type { DashboardPicture, RunRow } from "../../protocol";
import { count, when } from "./cells";

const HEADS: readonly (readonly [key: string, label: string])[] = [["name", "Workflow"], ["instance_id", "Run"], ["status", "State"], ["created", "Started"], ["took", "Took"]];
const PAGES: readonly number[] = [50, 200, 500];
const LARGEST_FIRST = new Set(["created", "took"]);

export interface Acts {
  turn(args: Readonly<Record<string, unknown>>): void;
  select(ids: readonly string[]): void;
  open(row: RunRow, view: string): void;
}

export class Instances {
  readonly element: HTMLElement;
  readonly #body = html("tbody", {});
  readonly #pill = html("button", { type: "button", class: "wf-small wf-newpill", "data-wf-action": "show-new", hidden: true });
  readonly #all = html("input", { type: "checkbox", "aria-label": "Mark all of this page" });
  readonly #pager = html("div", { class: "wf-pager" });
  readonly #heads = new Map<string, HTMLElement>();
  #picture: DashboardPicture | null = null;
  #shown: readonly RunRow[] = [];
  #rest: readonly RunRow[] = [];
  #isFree = true;
  #size = 50;
  #blocked: string | null = null;
  #asked = "";

  constructor(private readonly acts: Acts) {
    const heads = HEADS.map(([key, label]) => {
      const press = html("button", { type: "button", class: "wf-sort", title: `sort by ${label.toLowerCase()}` }, label);
      press.addEventListener("click", () => this.#sort(key));
      const head = html("th", { scope: "col", "aria-sort": "none" }, press);
      this.#heads.set(key, head);
      return head;
    });
    this.#all.addEventListener("change", () => this.acts.select(this.#all.checked ? this.#shown.map((row) => row.instance_id) : []));
    this.#pill.addEventListener("click", () => {
      this.free();
      this.#fill();
    });
    const head = html("tr", {}, html("th", { scope: "col" }, this.#all), ...heads, html("th", { scope: "col" }, "Note"), html("th", { scope: "col" }, "Open"));
    const table = html("table", { "data-wf-instances": "" }, html("caption", { class: "wf-heard" }, "Instances"), html("thead", {}, head), this.#body);
    this.element = html("div", {}, this.#pill, html("div", { class: "wf-sheet wf-long", role: "group", tabindex: 0, "aria-label": "Instances" }, table), this.#pager);
  }

  /** Let the next rows come as they are: a person asked for them. */
  free(): void {
    this.#isFree = true;
  }

  draw(picture: DashboardPicture, now: number, blocked: string | null): void {
    const asked = JSON.stringify([picture.filter, picture.first, picture.order]);
    if (asked !== this.#asked) this.free();
    this.#asked = asked;
    this.#picture = picture;
    this.#blocked = blocked;
    this.#fill();
    for (const [key, head] of this.#heads) {
      const column = picture.order.replace(/^-/, "");
      set(head, { "aria-sort": key !== column ? "none" : picture.order.startsWith("-") ? "descending" : "ascending" });
      set(head.firstElementChild ?? head, { disabled: blocked !== null });
    }
    set(this.#all, { disabled: blocked !== null });
    this.#drawPager(picture);
    this.tick(now);
  }

  tick(now: number): void {
    for (const cell of this.#body.querySelectorAll<HTMLElement>("[data-begun]")) text(cell, tickingText(now - Number(cell.dataset["begun"])));
  }

  #fill(): void {
    const picture = this.#picture;
    if (picture === null) return;
    const found = new Map(picture.instances.map((row) => [row.instance_id, row]));
    if (this.#isFree || this.#shown.length === 0) {
      this.#shown = picture.instances;
      this.#isFree = false;
      this.#rest = [];
    } else {
      const known = new Set(this.#shown.map((row) => row.instance_id));
      this.#shown = this.#shown.map((row) => found.get(row.instance_id) ?? row);
      this.#rest = picture.instances.filter((row) => !known.has(row.instance_id));
    }
    this.#pill.hidden = this.#rest.length === 0;
    text(this.#pill, `${this.#rest.length} new · show`);
    const marked = new Set(picture.chosen);
    replace(this.#body, ...this.#shown.map((row) => this.#row(row, marked.has(row.instance_id))));
    set(this.#body.parentElement ?? this.#body, { "data-wf-count": picture.total });
    this.#all.checked = this.#shown.length > 0 && this.#shown.every((row) => marked.has(row.instance_id));
  }

  #row(row: RunRow, isMarked: boolean): HTMLElement {
    const mark = html("input", { type: "checkbox", "aria-label": `Mark ${row.instance_id}`, disabled: this.#blocked !== null });
    mark.checked = isMarked;
    mark.addEventListener("change", () => {
      const chosen = new Set(this.#picture?.chosen ?? []);
      if (mark.checked) chosen.add(row.instance_id);
      else chosen.delete(row.instance_id);
      this.acts.select([...chosen]);
    });
    const open = ([["run", "Run"], ["graph", "Graph"], ["timeline", "Timeline"]] as const).map(([view, label]) => {
      const press = html("button", { type: "button", class: "wf-link", "aria-label": `${label} of ${row.instance_id}`, "data-wf-open": view }, label);
      press.addEventListener("click", () => this.acts.open(row, view));
      return press;
    });
    const took = row.ended === null ? html("span", { "data-begun": row.created }) : spanText((row.ended - row.created) / 1000);
    const title = row.version === "" ? row.name : `${row.name}@${row.version}`;
    return html("tr", { "data-wf-instance": row.instance_id, "data-wf-state": row.status },
      html("td", {}, mark), html("th", { scope: "row", dir: "auto" }, title), html("td", { dir: "auto" }, html("code", {}, row.instance_id)), html("td", {}, badge(row.status), ` ${row.status}`), html("td", {}, when(row.created)), html("td", {}, took), html("td", { class: "wf-note", dir: "auto", title: row.note }, row.note), html("td", {}, html("span", { class: "wf-opens" }, ...open)));
  }

  #sort(key: string): void {
    const order = this.#picture?.order ?? "";
    const first = LARGEST_FIRST.has(key) ? `-${key}` : key;
    this.free();
    this.acts.turn({ order: order === first ? (first.startsWith("-") ? key : `-${key}`) : first, first: 0 });
  }

  #drawPager(picture: DashboardPicture): void {
    const shown = this.#shown.length;
    const step = (label: string, first: number, isOff: boolean): HTMLButtonElement => {
      const button = html("button", { type: "button", class: "wf-small", disabled: isOff || this.#blocked !== null, title: this.#blocked ?? undefined, "data-wf-action": label }, label);
      button.addEventListener("click", () => {
        this.free();
        this.acts.turn({ first });
      });
      return button;
    };
    const size = html("select", { class: "wf-field", "aria-label": "Rows on a page", disabled: this.#blocked !== null }, ...PAGES.map((rows) => html("option", { value: rows }, `${rows} rows`)));
    size.value = String(this.#size);
    size.addEventListener("change", () => {
      this.#size = Number(size.value);
      this.free();
      this.acts.turn({ first: 0, page: this.#size });
    });
    const words = picture.total === 0 ? "none" : `${count(picture.first + 1)}–${count(picture.first + shown)} of ${count(picture.total)}`;
    replace(this.#pager, step("previous", Math.max(0, picture.first - this.#size), picture.first === 0), words, step("next", picture.first + shown, picture.first + shown >= picture.total), size);
  }
}
