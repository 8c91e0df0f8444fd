// The list of questions: as many as there are, with only the rows in sight in the page. The focus stays on the list; an active row moves.
import { html, replace, set, svg, text } from "../../dom";
import { tickingText } from "../../durations";
import type { InboxItem } from "../../protocol";

const ROW = 58;
const BEYOND = 6;
const TURN = 2 * Math.PI * 7;
let lists = 0;

export interface ListEvents {
  chosen(item: InboxItem): void;
  marked(): void;
}

export class List {
  readonly element: HTMLElement;
  readonly #rows = html("div", { class: "wf-rows", role: "presentation" });
  readonly #id = `wf-inbox-${++lists}-${Math.random().toString(36).slice(2, 8)}`;
  readonly #drawn = new Map<string, Row>();
  readonly marked = new Set<string>();
  #items: readonly InboxItem[] = [];
  #active: string | null = null;
  #now = 0;

  constructor(private readonly events: ListEvents) {
    this.element = html("div", { class: "wf-list", role: "listbox", tabindex: 0, "aria-label": "Questions, the nearest deadline first", "aria-multiselectable": "true" }, this.#rows);
    this.element.addEventListener("scroll", () => this.#paint());
    this.#rows.addEventListener("click", (event) => this.#clicked(event));
  }

  get items(): readonly InboxItem[] {
    return this.#items;
  }

  get active(): InboxItem | null {
    return this.#items.find((item) => item.id === this.#active) ?? null;
  }

  draw(items: readonly InboxItem[], now: number): void {
    this.#items = items;
    this.#now = now;
    const there = new Set(items.map((item) => item.id));
    for (const id of this.marked) if (!there.has(id)) this.marked.delete(id);
    this.#rows.style.height = `${items.length * ROW}px`;
    for (const [id, row] of this.#drawn) {
      if (there.has(id)) continue;
      row.element.remove();
      this.#drawn.delete(id);
    }
    this.#paint();
  }

  tick(now: number): void {
    this.#now = now;
    for (const row of this.#drawn.values()) row.tick(now);
  }

  /** Move the active row; `step` in rows. */
  move(step: number): void {
    if (this.#items.length === 0) return;
    const at = this.#items.findIndex((item) => item.id === this.#active);
    const last = this.#items.length - 1;
    const next = this.#items[at < 0 && step < 0 ? Math.max(0, last + 1 + step) : Math.min(last, Math.max(0, at + step))];
    if (next) this.choose(next);
  }

  choose(item: InboxItem): void {
    this.#active = item.id;
    const top = this.#items.indexOf(item) * ROW;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (clientHeight > 0 && top + ROW > scrollTop + clientHeight) this.element.scrollTop = top + ROW - clientHeight;
    this.#paint();
    this.events.chosen(item);
  }

  mark(item: InboxItem | null = this.active): void {
    if (item === null) return;
    if (!this.marked.delete(item.id)) this.marked.add(item.id);
    this.#paint();
    this.events.marked();
  }

  unmark(): void {
    this.marked.clear();
    this.#paint();
    this.events.marked();
  }

  #clicked(event: MouseEvent): void {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-wf-item]") : null;
    const item = this.#items.find((one) => one.id === element?.dataset["wfItem"]);
    if (item === undefined) return;
    if (event.target instanceof Element && event.target.closest(".wf-mark") !== null) this.mark(item);
    else this.choose(item);
  }

  #paint(): void {
    const height = this.element.clientHeight || 420;
    const first = Math.max(0, Math.floor(this.element.scrollTop / ROW) - BEYOND);
    const last = Math.min(this.#items.length, Math.ceil((this.element.scrollTop + height) / ROW) + BEYOND);
    const wanted = new Map(this.#items.slice(first, last).map((item, index) => [item.id, { item, place: first + index }]));
    for (const [id, row] of this.#drawn) {
      if (wanted.has(id)) continue;
      row.element.remove();
      this.#drawn.delete(id);
    }
    for (const [id, { item, place }] of wanted) {
      let row = this.#drawn.get(id);
      if (row === undefined) {
        row = new Row(item, `${this.#id}-${id}`);
        this.#drawn.set(id, row);
        this.#rows.append(row.element);
      }
      row.draw(item, place, this.#items.length, id === this.#active, this.marked.has(id));
      row.tick(this.#now);
    }
    set(this.element, { "aria-activedescendant": this.#active !== null && wanted.has(this.#active) ? `${this.#id}-${this.#active}` : undefined });
  }
}

class Row {
  readonly element: HTMLElement;
  readonly #ring = svg("circle", { cx: 9, cy: 9, r: 7, class: "wf-ring", transform: "rotate(-90 9 9)" });
  readonly #mark = html("span", { class: "wf-mark", title: "mark for answering many at once (x)" });
  readonly #left = html("span", { class: "wf-left" });
  readonly #title = html("span", { class: "wf-asked", dir: "auto" });
  readonly #of = html("span", { class: "wf-of", dir: "auto" });
  readonly #chips = html("span", { class: "wf-itemchips" });
  #item: InboxItem;

  constructor(item: InboxItem, id: string) {
    this.#item = item;
    const ring = svg("svg", { viewBox: "0 0 18 18", class: "wf-sla", "aria-hidden": "true" }, svg("circle", { cx: 9, cy: 9, r: 7, class: "wf-ring wf-ringback" }), this.#ring);
    this.element = html(
      "div",
      { class: "wf-item", role: "option", id, "data-wf-item": item.id, "data-wf-node": item.event },
      this.#mark,
      ring,
      html("span", { class: "wf-itemtext" }, html("span", { class: "wf-itemline" }, this.#title, this.#left), html("span", { class: "wf-itemline wf-muted" }, this.#of, this.#chips)),
    );
  }

  draw(item: InboxItem, place: number, total: number, isActive: boolean, isMarked: boolean): void {
    this.#item = item;
    this.element.style.transform = `translateY(${place * ROW}px)`;
    set(this.element, { "aria-selected": String(isMarked || isActive), "aria-posinset": place + 1, "aria-setsize": total, "data-wf-focus": isActive ? "true" : undefined, "data-wf-marked": isMarked ? "true" : undefined, "data-wf-risk": item.risk ?? undefined });
    text(this.#mark, isMarked ? "☑" : "☐");
    text(this.#title, item.title ?? item.event);
    text(this.#of, `${item.workflow} · ${item.event}`);
  }

  tick(now: number): void {
    const { until, since, snoozed, assignee, is_ignored } = this.#item;
    const share = until === null ? 0 : Math.min(1, Math.max(0, (until - now) / Math.max(1, until - since)));
    set(this.#ring, { "stroke-dasharray": `${(share * TURN).toFixed(1)} 99` });
    text(this.#left, leftText(this.#item, now));
    set(this.element, { "data-wf-urgent": until !== null && until - now < 60_000 ? "true" : undefined });
    const { risk, requester } = this.#item;
    const chips = [
      risk === null ? "" : `${risk} risk`,
      requester === null ? "" : `by ${requester}`,
      is_ignored ? "ignored" : "",
      assignee === "" ? "" : `for ${assignee}`,
      snoozed !== null && snoozed > now ? `snoozed until ${new Date(snoozed).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}` : "",
      `${tickingText(now - since)} old`,
    ].filter((chip) => chip !== "");
    if (this.#chips.textContent !== chips.join(" · ")) replace(this.#chips, chips.join(" · "));
  }
}

export function leftText(item: InboxItem, now: number): string {
  if (item.until === null) return "no deadline";
  return item.until > now ? `${tickingText(item.until - now)} left` : "time is up";
}
