// The saga trace: what the shell frames. It puts together ladder, verdict and drawer, and hears keys for them.
import { html, replace, set, text } from "../../dom";
import { type Focus, isSagaPicture, isSagaStory, type SagaLadder, type SagaPicture, type SagaRow, type SagaStory } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { Aside } from "./aside";
import { tabsOf } from "./detail";
import { Ladder } from "./ladder";
import { svgOf } from "./svg";
import { footnoteOf, number, sentenceOf, tableDataOf } from "./words";

const FOCUSABLE = "button:enabled, select:enabled, input:enabled, [tabindex='0']";
const ASIDE = 254;
const SIDE_BY_SIDE_FROM = 880;

const KEYS: readonly KeyHelp[] = [
  { keys: "Tab", what: "in the order of execution: down the steps, then from undo to undo" },
  { keys: "← → ↑ ↓", what: "to the other side of a pair, and along a column" },
  { keys: "Enter", what: "both sides of the pair, with their payloads" },
  { keys: "[ ]", what: "previous and next step that needs attention" },
  { keys: "m", what: "time mode: both columns on one axis of time" },
  { keys: "u", what: "unfold clean pairs" },
];

export class SagaContent implements Content<SagaPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly fits = isSagaPicture;
  readonly #ladder: Ladder;
  readonly #aside: Aside;
  readonly #why = html("p", { class: "wf-muted wf-why", dir: "auto" });
  readonly #empty = html("div", { class: "wf-sagaempty", hidden: true, "data-wf-empty": "" });
  readonly #body: HTMLElement;
  readonly #failing = html("select", { class: "wf-field", "aria-label": "Actual, or a dry run of what if a step had failed", "data-wf-action": "failing" });
  readonly #timed: HTMLButtonElement;
  readonly #unfolded: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  readonly #resized: ResizeObserver;
  #picture: SagaPicture | null = null;
  #dry: { readonly story: SagaStory; readonly name: string } | null = null;
  #isTimed = false;
  #isUnfolded = false;
  #options = "";
  #now = 0;
  #focused: string | null = null;

  constructor(private readonly host: Host) {
    this.#ladder = new Ladder({ choose: (row, isBack) => this.#choose(row, isBack), unfold: () => this.#turnUnfolded() });
    this.#aside = new Aside(host, (pair) => this.#look(pair));
    this.#body = html("div", { class: "wf-sagabody" }, this.#ladder.element, this.#aside.element);
    this.element = html("div", { class: "wf-saga" }, this.#why, this.#empty, this.#body);
    const button = (label: string, title: string, action: string, press: () => void): HTMLButtonElement => {
      const made = html("button", { type: "button", class: "wf-small", title, "aria-label": title, "data-wf-action": action }, label);
      made.addEventListener("click", press);
      return made;
    };
    this.#timed = button("Time", "both columns on one axis of time (m)", "time-mode", () => this.#turnTimed());
    this.#unfolded = button("Unfold", "show clean pairs one by one (u)", "unfold-all", () => this.#turnUnfolded());
    this.#next = button("", "next step that needs attention (])", "next-failure", () => this.#attention(1));
    this.tools = [html("label", { class: "wf-slider" }, "Show", this.#failing), this.#timed, this.#unfolded, this.#next];
    this.#failing.addEventListener("change", () => void this.#rehearse());
    this.#resized = new ResizeObserver(() => this.#draw());
    this.#resized.observe(this.element);
  }

  draw(picture: SagaPicture, now: number): void {
    this.#picture = picture;
    this.#now = now;
    text(this.#why, picture.is_over ? "" : picture.why);
    this.#drawTools(picture);
    this.#draw();
  }

  tick(now: number): void {
    this.#now = now;
    this.#ladder.tick(now);
  }

  key(event: KeyboardEvent): boolean {
    const id = event.target instanceof HTMLElement ? event.target.dataset["wfId"] : undefined;
    if (event.key === "Tab") return id !== undefined && this.#tab(event.target as HTMLElement, event.shiftKey);
    if (id !== undefined && event.key.startsWith("Arrow")) {
      const next = this.#ladder.neighbour(id, event.key);
      if (next !== null) this.#ladder.turnTo(next);
      return true;
    }
    const keys: Readonly<Record<string, () => void>> = { m: () => this.#turnTimed(), u: () => this.#turnUnfolded(), "]": () => this.#attention(1), "[": () => this.#attention(-1) };
    const act = keys[event.key];
    act?.();
    return act !== undefined;
  }

  sentence(picture: SagaPicture): string {
    return sentenceOf(picture);
  }

  table(picture: SagaPicture): TableData {
    return tableDataOf(this.#dry?.story ?? picture.story);
  }

  footnote(picture: SagaPicture): string {
    return picture.story.is_saga ? footnoteOf(this.#dry?.story ?? picture.story) : "";
  }

  code(picture: SagaPicture): string {
    return `lab.get(${JSON.stringify(picture.instance_id)}).saga().df()`;
  }

  svg(picture: SagaPicture): string | null {
    return picture.story.is_saga ? svgOf(this.#dry?.story.ladder ?? picture.story.ladder) : null;
  }

  focus(focus: Focus | null): void {
    const picture = this.#picture;
    const isOurs = focus !== null && picture !== null && focus.instance_id === picture.instance_id && focus.span_id !== null;
    this.#focused = isOurs ? (focus.span_id?.split(":")[1] ?? null) : null;
    this.#ladder.mark(this.#focused);
  }

  block(): void {
    if (this.#picture !== null) this.#drawTools(this.#picture);
    this.#aside.block();
  }

  dispose(): void {
    this.#resized.disconnect();
  }

  #draw(): void {
    const picture = this.#picture;
    if (picture === null) return;
    const story = this.#dry?.story ?? picture.story;
    this.#empty.hidden = story.is_saga;
    this.#body.hidden = !story.is_saga;
    if (!story.is_saga) {
      replace(this.#empty, html("p", {}, "No compensations registered: this run has no saga. A step that knows its undo is written so:"), html("pre", { class: "wf-code", tabindex: 0 }, picture.example));
      return;
    }
    const width = this.element.clientWidth || SIDE_BY_SIDE_FROM;
    const isBeside = width >= SIDE_BY_SIDE_FROM;
    this.#body.classList.toggle("wf-beside", isBeside);
    this.#aside.draw(story, this.#dry?.name ?? null);
    this.#ladder.draw(this.#shown(story), `${story.word}: ${story.sentence}`, this.#isTimed, isBeside ? width - ASIDE : width, this.#now);
    this.#ladder.mark(this.#focused);
  }

  #shown(story: SagaStory): SagaLadder {
    if (this.#isTimed) return story.timed;
    return this.#isUnfolded && story.whole !== null ? story.whole : story.ladder;
  }

  #drawTools(picture: SagaPicture): void {
    const { story } = picture;
    for (const tool of this.tools) tool.hidden = !story.is_saga;
    const options = JSON.stringify(picture.failing);
    if (options !== this.#options) {
      this.#options = options;
      const names = new Map<string, number>();
      const made = picture.failing.map(([place, name]) => {
        const nth = (names.get(name) ?? 0) + 1;
        names.set(name, nth);
        return html("option", { value: place }, `if ${name}${nth > 1 ? ` #${nth}` : ""} had failed`);
      });
      replace(this.#failing, html("option", { value: "" }, "what happened"), ...made);
    }
    set(this.#failing, { disabled: this.host.blocked !== null, title: this.host.blocked ?? "a dry run plays the workflow in memory; no activity runs" });
    this.#unfolded.hidden = story.whole === null;
    set(this.#unfolded, { "aria-pressed": String(this.#isUnfolded) });
    set(this.#timed, { "aria-pressed": String(this.#isTimed) });
    this.#next.hidden = story.attention === 0;
    text(this.#next, `${number(story.attention)} ▼`);
  }

  async #rehearse(): Promise<void> {
    const option = this.#failing.selectedOptions[0];
    const place = this.#failing.value;
    if (place === "" || option === undefined) return this.#show(null);
    try {
      const story = await this.host.ask("rehearsal", { place: Number(place) });
      if (this.#failing.value !== place) return;
      if (!isSagaStory(story)) throw new Error("The dry run cannot be shown.");
      this.#show({ story, name: (option.textContent ?? "").replace(/^if | had failed$/g, "") });
    } catch (error) {
      this.#failing.value = "";
      this.#show(null);
      this.host.drawer.show("Dry run", [{ name: "Why not", body: () => html("p", { role: "alert" }, error instanceof Error ? error.message : String(error)) }]);
    }
  }

  #show(dry: { readonly story: SagaStory; readonly name: string } | null): void {
    this.#dry = dry;
    set(this.element, { "data-wf-rehearsed": dry?.name ?? undefined });
    this.host.redraw();
    if (dry !== null) this.host.say(`Dry run: ${dry.story.word}. ${dry.story.sentence}`);
  }

  #turnTimed(): void {
    this.#isTimed = !this.#isTimed;
    this.host.redraw();
  }

  #turnUnfolded(): void {
    if (this.#picture?.story.whole == null) return;
    this.#isUnfolded = !this.#isUnfolded;
    this.host.redraw();
  }

  #choose(row: SagaRow, isBack: boolean): void {
    const picture = this.#picture;
    if (picture === null) return;
    const span = (isBack ? row.back : row.forward)?.span_id ?? row.forward?.span_id;
    if (this.#dry === null && span) this.host.focusOn({ instance_id: picture.instance_id, group: null, span_id: `${picture.key}:${span}`, attempt: null });
    if (this.#dry === null) this.#open(row, row.id.replace(/<$/, ""));
  }

  #open(row: SagaRow, pair: string): void {
    const names = [row.forward?.name ?? "", row.back?.name ?? ""].filter((name) => name !== "");
    this.host.drawer.show(names.join(" ⇄ "), tabsOf(row, pair, this.host, (member) => this.#open({ ...row, kind: "pair" }, member)));
  }

  #look(pair: string): void {
    const rows = this.#picture === null ? [] : this.#shown(this.#picture.story).rows;
    const row = rows.find((one) => one.id === pair) ?? rows.find((one) => one.kind === "group" && one.residual !== "");
    if (row === undefined) return;
    if (!this.#ladder.turnTo(`${row.id} b`)) this.#ladder.turnTo(`${row.id} f`);
    this.#open({ ...row, kind: row.id === pair ? row.kind : "pair" }, pair);
  }

  #attention(direction: number): void {
    const ids = (this.#picture?.story.residuals ?? []).filter((one) => one.needs_attention).map((one) => one.pair);
    const rows = this.#picture === null ? [] : this.#shown(this.#picture.story).rows;
    const able = rows.filter((row) => ids.includes(row.id) || (row.kind === "group" && row.residual !== ""));
    const current = document.activeElement instanceof HTMLElement ? (document.activeElement.dataset["wfId"] ?? "").slice(0, -2) : "";
    const place = able.findIndex((row) => row.id === current);
    const next = able[place < 0 ? (direction > 0 ? 0 : able.length - 1) : (place + direction + able.length) % able.length];
    if (next !== undefined && !this.#ladder.turnTo(`${next.id} b`)) this.#ladder.turnTo(`${next.id} f`);
  }

  /** Tab goes in the order of execution; from the last node it leaves the table, forwards. */
  #tab(from: HTMLElement, isBack: boolean): boolean {
    const nodes = this.#ladder.inOrder();
    const next = nodes[nodes.indexOf(from) + (isBack ? -1 : 1)];
    if (next !== undefined) {
      next.focus();
      return true;
    }
    if (isBack) return false;
    const root = from.closest("[data-wf-view]");
    const beyond = [...(root?.querySelectorAll<HTMLElement>(FOCUSABLE) ?? [])].find(
      (one) => !this.#ladder.element.contains(one) && one.checkVisibility?.() !== false && (this.#ladder.element.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0,
    );
    beyond?.focus();
    return beyond !== undefined;
  }
}
