// The inbox: questions on the left, the one that is open with its form on the right.
import style from "../../../style/inbox.css";
import { html, replace, set, text } from "../../dom";
import { type InboxGroup, type InboxItem, type InboxPage, type InboxPicture, isInboxPicture, isRecord } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { viewOf } from "../../shell/shell";
import { Bulk } from "./bulk";
import { Desk } from "./desk";
import { Drafts } from "./drafts";
import { Filters } from "./filters";
import { leftText, List } from "./list";
import { Order } from "./order";
import type { SavedFilter } from "./saved";

const KEYS: readonly KeyHelp[] = [
  { keys: "j k, arrows", what: "next and previous question" },
  { keys: "Enter, e", what: "go into the form" },
  { keys: "a r", what: "approve, reject" },
  { keys: "c", what: "comment" },
  { keys: "u", what: "take back what is not sent yet" },
  { keys: "x", what: "mark for answering many at once" },
  { keys: "Shift+A", what: "answer the marked ones, or all that are shown" },
  { keys: "/", what: "filter" },
];

class Inbox implements Content<InboxPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #list: List;
  readonly #bulk: Bulk;
  readonly #drafts: Drafts;
  readonly #order = new Order();
  readonly #side = html("div", { class: "wf-side" });
  readonly #empty = html("p", { class: "wf-empty" });
  readonly #pill = html("button", { type: "button", class: "wf-small wf-newpill", "data-wf-action": "sort", hidden: true });
  readonly #filters: Filters;
  readonly #groups = html("select", { class: "wf-field", "aria-label": "Group", "data-wf-field": "group", hidden: true });
  readonly #like = html("button", { type: "button", class: "wf-small", "data-wf-action": "bulk" });
  readonly #pager = html("div", { class: "wf-pager", hidden: true });
  readonly #identity = html("p", { class: "wf-muted wf-identity" });
  readonly #desks = new Map<string, Desk>();
  #shown: Desk | null = null;
  #picture: InboxPicture | null = null;
  #page: InboxPage | null = null;
  #now = 0;
  #blocked: string | null = null;

  constructor(private readonly host: Host) {
    this.#blocked = host.blocked;
    this.#drafts = new Drafts(() => this.#picture?.lab ?? "");
    this.#list = new List({ chosen: (item) => this.#open(item), marked: () => this.#count() });
    this.#bulk = new Bulk(host, () => this.#list.element.focus({ preventScroll: true }));
    const groupOf = (): SavedFilter["group"] => {
      const group = this.#group();
      return group === null ? null : [group.workflow, group.event];
    };
    this.#filters = new Filters(() => this.#picture?.lab ?? "", { changed: () => this.#redraw(), group: groupOf, turnTo: (group) => this.#turnTo(group) });
    this.#pill.addEventListener("click", () => this.#sort());
    this.#groups.addEventListener("change", () => void this.#turn(0));
    this.#like.addEventListener("click", () => this.#many());
    this.tools = [...this.#filters.tools, this.#groups, this.#like];
    const left = html("nav", { class: "wf-leftpane", "aria-label": "Questions" }, this.#list.element, this.#pill, this.#pager);
    this.element = html("div", { class: "wf-inbox" }, this.#empty, this.#bulk.element, html("div", { class: "wf-twopanes" }, left, this.#side), this.#identity);
  }

  fits(picture: unknown): picture is InboxPicture {
    return isInboxPicture(picture);
  }

  title(picture: InboxPicture): string {
    return `Inbox (${picture.total > 999 ? "999+" : picture.total})`;
  }

  draw(picture: InboxPicture, now: number): void {
    this.#picture = picture;
    this.#now = now;
    this.#drawGroups(picture);
    this.#filters.draw();
    const items = this.#visible(picture);
    const open = new Map(this.#all(picture).map((item) => [item.id, item]));
    this.#list.draw(items, now);
    for (const [id, desk] of this.#desks) {
      const item = open.get(id);
      if (item !== undefined) desk.update(item);
      else if (this.#page === null && picture.groups.length === 0) desk.gone();
      if (desk !== this.#shown && !desk.isBusy) this.#forget(id, desk);
    }
    text(this.#empty, picture.total > 0 ? (items.length > 0 ? "" : "None of the questions fits the filter, or all are snoozed or ignored.") : emptyText(picture));
    this.#empty.hidden = this.#empty.textContent === "";
    set(this.element, { "data-wf-count": picture.total });
    this.element.classList.toggle("wf-nothing", picture.total === 0 && this.#shown === null);
    const fresh = this.#order.fresh;
    this.#pill.hidden = fresh === 0;
    text(this.#pill, `${fresh} new below · sort by deadline`);
    text(this.#identity, `You answer as ${picture.user}: a label, not an authentication boundary.${picture.trouble === null ? "" : ` ${picture.trouble}`}`);
    this.#count();
    if (this.#shown === null) replace(this.#side, html("p", { class: "wf-muted wf-choose" }, items.length > 0 ? "Choose a question: j and k move, Enter opens its form." : ""));
    this.tick(now);
  }

  tick(now: number): void {
    this.#now = now;
    this.#list.tick(now);
    for (const desk of this.#desks.values()) desk.tick(now);
  }

  look(isSeen: boolean): void {
    if (isSeen) this.#redraw();
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") {
      if (this.#bulk.close()) return true;
      if (this.#shown?.element.contains(document.activeElement) !== true) return false;
      this.#list.element.focus({ preventScroll: true });
      return true;
    }
    const isInList = event.target === this.#list.element;
    switch (event.key) {
      case "j":
      case "k":
        this.#list.move(event.key === "j" ? 1 : -1);
        return true;
      case "ArrowDown":
      case "ArrowUp":
        if (!isInList) return false;
        this.#list.move(event.key === "ArrowDown" ? 1 : -1);
        return true;
      case "Home":
      case "End":
        if (!isInList) return false;
        this.#list.move(event.key === "Home" ? -this.#list.items.length : this.#list.items.length);
        return true;
      case "Enter":
        if (!isInList) return false;
        if (event.shiftKey) return true; // it would run the cell, and the view would be gone
        if (this.#list.active === null) this.#list.move(1);
        this.#shown?.focus();
        return true;
      case "a":
        this.#shown?.answer("approve");
        return true;
      case "r":
        this.#shown?.answer("reject");
        return true;
      case "e":
        this.#shown?.edit();
        return true;
      case "c":
        this.#shown?.comment();
        return true;
      case "u":
        this.#shown?.undo();
        return true;
      case "x":
        this.#list.mark();
        return true;
      case "A":
        this.#many();
        return true;
      case "/":
        this.#filters.focus();
        return true;
      default:
        return false;
    }
  }

  sentence(picture: InboxPicture): string {
    const { total } = picture;
    return total === 0 ? emptyText(picture) : `Inbox: ${total === 1 ? "1 question waits" : `${total.toLocaleString("en")} questions wait`} for an answer.`;
  }

  table(picture: InboxPicture): TableData {
    const rows = picture.items.map((item) => [item.title ?? item.event, item.workflow, item.event, item.instance_id, leftText(item, this.#now || picture.now), item.assignee]);
    return { caption: this.sentence(picture), heads: ["Question", "Workflow", "Event", "Run", "Time left", "Assignee"], rows, total: picture.total };
  }

  footnote(picture: InboxPicture): string {
    const shown = this.#list.items.length;
    return `${picture.total.toLocaleString("en")} waiting${shown === picture.total ? "" : ` · showing ${shown.toLocaleString("en")}`}`;
  }

  code(): string {
    return 'lab.sql("FROM waits ORDER BY deadline")';
  }

  block(reason: string | null): void {
    this.#blocked = reason;
    for (const desk of this.#desks.values()) desk.block(reason);
    this.#count();
  }

  heard(token: string | null, word: string, level: "info" | "error"): boolean {
    return [...this.#desks.values()].some((desk) => desk.heard(token, word, level));
  }

  dispose(): void {
    for (const desk of this.#desks.values()) desk.dispose();
  }

  #all(picture: InboxPicture): readonly InboxItem[] {
    return this.#page?.items ?? picture.items;
  }

  #visible(picture: InboxPicture): readonly InboxItem[] {
    return this.#order.follow(this.#all(picture)).filter((item) => this.#filters.fits(item, this.#now, this.#shown?.item.id));
  }

  #open(item: InboxItem): void {
    const before = this.#shown;
    if (before?.item.id === item.id) return;
    let desk = this.#desks.get(item.id);
    if (desk === undefined) {
      const schemas = this.#page?.schemas ?? this.#picture?.schemas ?? [];
      desk = new Desk(this.host, item, item.schema === null ? undefined : schemas[item.schema], this.#drafts, this.#now);
      desk.block(this.#blocked);
      this.#desks.set(item.id, desk);
    }
    this.#shown = desk;
    replace(this.#side, desk.element);
    if (before !== null && !before.isBusy) this.#forget(before.item.id, before);
  }

  #forget(id: string, desk: Desk): void {
    desk.dispose();
    this.#desks.delete(id);
  }

  #redraw(): void {
    if (this.#picture !== null) this.draw(this.#picture, this.#now || this.#picture.now);
  }

  #sort(): void {
    this.#order.sort();
    this.#redraw();
    this.#list.element.focus({ preventScroll: true });
  }

  #count(): void {
    const marked = this.#list.marked.size;
    const group = this.#group();
    const whole = group === null ? (this.#picture?.total ?? 0) : group.count;
    text(this.#like, marked > 0 ? `Answer ${marked} marked…` : group !== null ? `Answer all ${whole.toLocaleString("en")} like this…` : "Answer many…");
    set(this.#like, { disabled: this.#blocked !== null || whole === 0, title: this.#blocked ?? "answer many at once (Shift+A): first the list, then its count typed" });
  }

  #many(): void {
    const picture = this.#picture;
    if (picture === null || this.#blocked !== null) return;
    const group = this.#group();
    const marked = this.#list.items.filter((item) => this.#list.marked.has(item.id));
    const example = marked[0] ?? this.#list.active ?? this.#list.items[0];
    if (example === undefined) return;
    const schemas = this.#page?.schemas ?? picture.schemas;
    const ids = marked.length > 0 ? marked.map((item) => item.id) : group === null ? this.#list.items.map((item) => item.id) : null;
    this.#bulk.open({ ids, workflow: group?.workflow ?? null, of_event: group?.event ?? null, example, schema: example.schema === null ? undefined : schemas[example.schema] });
  }

  // Where there are too many for one picture: groups, and pages of each.

  #group(): InboxGroup | null {
    const place = this.#groups.hidden ? "" : this.#groups.value;
    return place === "" ? null : (this.#picture?.groups[Number(place)] ?? null);
  }

  #turnTo(group: SavedFilter["group"]): void {
    const place = group === null ? -1 : (this.#picture?.groups ?? []).findIndex((one) => one.workflow === group[0] && one.event === group[1]);
    const value = place === -1 ? "" : String(place);
    if (this.#groups.hidden || this.#groups.value === value) return;
    this.#groups.value = value;
    void this.#turn(0);
  }

  #drawGroups(picture: InboxPicture): void {
    const isMany = picture.groups.length > 0;
    if (!isMany && this.#page !== null) this.#page = null;
    this.#groups.hidden = !isMany;
    this.#pager.hidden = !isMany;
    if (!isMany) return;
    const chosen = this.#group();
    const labels = ["", ...picture.groups.keys()].map((key, index) => {
      const group = index === 0 ? null : picture.groups[index - 1];
      return html("option", { value: String(key) }, group ? `${group.workflow} · ${group.event} (${group.count.toLocaleString("en")})` : `all (${picture.total.toLocaleString("en")})`);
    });
    const place = chosen === null ? "" : String(picture.groups.findIndex((group) => group.workflow === chosen.workflow && group.event === chosen.event));
    replace(this.#groups, ...labels);
    this.#groups.value = place === "-1" ? "" : place;
    this.#drawPager(picture);
  }

  #drawPager(picture: InboxPicture): void {
    const first = this.#page?.first ?? 0;
    const total = this.#page?.total ?? picture.total;
    const count = this.#all(picture).length;
    const step = (label: string, to: number, isOff: boolean): HTMLButtonElement => {
      const button = html("button", { type: "button", class: "wf-small", disabled: isOff || this.#blocked !== null, "data-wf-action": label }, label);
      button.addEventListener("click", () => void this.#turn(to));
      return button;
    };
    replace(this.#pager, step("previous", Math.max(0, first - 200), first === 0), `${(first + 1).toLocaleString("en")}–${(first + count).toLocaleString("en")} of ${total.toLocaleString("en")}`, step("next", first + count, first + count >= total));
  }

  async #turn(first: number): Promise<void> {
    const group = this.#group();
    try {
      const page = await this.host.ask("page", { workflow: group?.workflow ?? null, of_event: group?.event ?? null, first });
      if (!isRecord(page) || !Array.isArray(page["items"])) return;
      this.#page = page as unknown as InboxPage;
      this.#order.sort();
      this.#list.element.scrollTop = 0;
      this.#redraw();
    } catch (error) {
      this.host.say(error instanceof Error ? error.message : String(error));
    }
  }
}

function emptyText(picture: InboxPicture): string {
  if (picture.others === 0) return "Nothing is waiting on you. A workflow asks with ctx.wait_for_external_event(name, title=..., schema=...).";
  return `Nothing is waiting on you. ${picture.others.toLocaleString("en")} ${picture.others === 1 ? "workflow waits" : "workflows wait"} on timers or systems.`;
}

export const INBOX = viewOf<InboxPicture>("inbox", style, (host) => new Inbox(host));
