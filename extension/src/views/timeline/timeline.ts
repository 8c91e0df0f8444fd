// The timeline: rows of calls over one axis of time. Knows what is shown and why; how it is drawn is in the files beside it, one idea each.
import { applyDelta, readColumns, type Spans as Wire } from "../../columns";
import { html, replace, set, text } from "../../dom";
import { type Baseline, type Focus, isTimelinePicture, type ShowChange, type TimelinePicture } from "../../protocol";
import type { Content, Host, TableData } from "../../shell/content";
import { Area } from "./area";
import type { Axis, Gap } from "./axis";
import { Back } from "./back";
import { Bins } from "./bins";
import { ratioOf, usualOf } from "./comparing";
import { tabsOf } from "./details";
import { svgOf, tableOf } from "./export";
import { failuresIn, nextFailure } from "./failures";
import { doesOf, KEYS } from "./keys";
import { blamed, labelsOf } from "./labels";
import { type Mark, marksOf, ROW } from "./marks";
import type { Colour } from "./paint";
import { pointing } from "./pointing";
import { RowList, TALLEST } from "./rowlist";
import { type Row, RowTree } from "./rows";
import { Scope } from "./scope";
import { packed, type Span, spansOf } from "./spans";
import { StripView } from "./strip";
import { Tip } from "./tip";
import { Tools } from "./tools";
import { titleOf, tookOf, word } from "./words";

const ZOOM = 1.5;
const NARROW = 560;

export class Timeline implements Content<TimelinePicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly fits = isTimelinePicture;
  readonly #strip = new StripView((window) => this.#show(window));
  readonly #labels = html("div", { class: "wf-labels" });
  readonly #blame = html("p", { class: "wf-muted", "data-wf-blame": "" });
  readonly #back = new Back();
  readonly #tip = new Tip();
  readonly #area: Area;
  readonly #list: RowList;
  readonly #tools: Tools;
  readonly #bins: Bins;
  readonly #scope = new Scope();
  readonly #resized: ResizeObserver;
  #picture: TimelinePicture | null = null;
  #wire: Wire | null = null;
  #spans: readonly Span[] = [];
  #tree: RowTree | null = null;
  #rows: readonly Row[] = [];
  #now = 0;
  #turned = new Set<string>();
  #hides = false;
  #isCritical = false;
  #baseline: Baseline | null = null;
  #chosen: string | null = null;
  #frame = 0;
  #isSeen = true;

  constructor(private readonly host: Host) {
    this.#bins = new Bins(host, () => this.#later());
    this.#area = new Area(host);
    this.#list = new RowList(this.#back.element, this.#area.element);
    this.#tools = new Tools({
      hides: () => this.#turnHides(),
      breaks: () => this.#turnBreaks(),
      mode: () => this.#turnMode(),
      critical: () => this.#turnCritical(),
      compare: () => void this.#compare(),
      before: () => this.#failure(-1),
      after: () => this.#failure(1),
      closer: () => this.#zoom(1 / ZOOM),
      wider: () => this.#zoom(ZOOM),
      whole: () => this.#show(null),
    });
    this.tools = this.#tools.elements;
    const { scroller, box } = this.#list;
    this.element = html("div", { class: "wf-timeline" }, this.#blame, html("div", { class: "wf-axis" }, this.#strip.element, this.#labels), scroller, this.#tip.element, this.#area.card);
    this.#tools.filter.addEventListener("input", () => this.#lay());
    scroller.addEventListener("scroll", () => this.#later());
    box.addEventListener("click", (event) => this.#clicked(event));
    box.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement && target.dataset["wfKey"] !== undefined) this.#chosen = target.dataset["wfKey"];
    });
    pointing(scroller, {
      left: () => this.#chartLeft(),
      pan: (pixels) => this.#moved(() => this.#scope.pan(pixels)),
      zoom: (factor, x) => this.#zoom(factor, x),
      select: (from, to, isDone) => this.#scope.axis && this.#area.draw(from, to, isDone, this.#scope.axis, this.#rows, this.#now),
      hover: (event) => (event ? this.#tip.show(this.#hit(event), event, this.element.getBoundingClientRect(), this.#now) : this.#tip.hide()),
    });
    this.#resized = new ResizeObserver(() => this.#later());
    this.#resized.observe(this.element);
  }

  // What the shell asks.

  draw(picture: TimelinePicture, now: number): void {
    this.#now = now;
    if (picture !== this.#picture) {
      const wire = merged.get(picture) ?? readColumns(picture.spans);
      if (wire === null) throw new Error("These spans cannot be read: they may be from a newer release.");
      this.#wire = wire;
      this.#spans = spansOf(wire, picture.parents);
      this.#tree = new RowTree(this.#spans, picture.groups, picture.minor);
      this.#picture = picture;
      this.#bins.follow(picture);
    }
    this.#scope.follow(picture, now);
    this.#lay();
  }

  merge(older: TimelinePicture, { picture, delta }: ShowChange): TimelinePicture | null {
    const wire = this.#wire && older === this.#picture ? applyDelta(this.#wire, delta) : null;
    if (wire === null || !isTimelinePicture(picture)) return null;
    const whole = { ...picture, spans: { toJSON: () => packed(wire) } };
    merged.set(whole, wire);
    return whole;
  }

  tick(now: number): void {
    this.#now = now;
    this.#scope.follow(this.#picture, now);
    this.#later();
  }

  look(isSeen: boolean): void {
    this.#isSeen = isSeen;
    if (isSeen) this.#later();
  }

  paint(): void {
    this.#later();
  }

  block(reason: string | null): void {
    this.#tools.block(reason, this.#baseline !== null);
  }

  focus(focus: Focus | null): void {
    if (!focus || focus.instance_id !== this.#picture?.instance_id) return;
    const call = this.#spans.find((span) => span.id === focus.span_id || span.callId === focus.span_id)?.callId;
    const keys = call === undefined ? [focus.group] : [call, ...(this.#tree?.foldsOf(call) ?? [])]; // what is folded away is where its fold is
    const found = keys.map((key) => this.#rows.findIndex((row) => row.key === key)).find((place) => place >= 0);
    if (found !== undefined) this.#choose(found, false);
  }

  sentence(picture: TimelinePicture): string {
    const calls = this.#rows.filter((row) => row.kind !== "workflow").reduce((sum, row) => sum + row.count, 0);
    const failed = failuresIn(this.#rows).length;
    return `Timeline of ${picture.name} ${picture.instance_id.slice(0, 8)}, ${word(picture.status)}, ${calls.toLocaleString("en")} calls${failed ? `, ${failed} rows with failures` : ""}`;
  }

  table(picture: TimelinePicture): TableData {
    return tableOf(this.#rows, picture.begin);
  }

  footnote(picture: TimelinePicture): string {
    const parts = [`${picture.spans_total.toLocaleString("en")} spans in ${this.#rows.length.toLocaleString("en")} rows`];
    if (picture.groups.length > 0) parts.push("showing grouped");
    if (this.#rows.some((row) => row.minor && !row.isOpen)) parts.push("minor calls are folded");
    if (this.#tools.filter.value || this.#hides) parts.push("filtered");
    return [...parts, ...picture.left_out].join(" · ");
  }

  code(picture: TimelinePicture): string {
    return `lab.get(${JSON.stringify(picture.instance_id)}).spans()`;
  }

  svg(): string | null {
    const { axis, mode } = this.#scope;
    return axis && svgOf(this.#rows, axis, mode, (row) => this.#marksOf(row, axis), this.#colour());
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#area.close();
    const isOnRow = event.target === this.host.drawer.element.parentElement || (event.target instanceof Node && this.#list.scroller.contains(event.target));
    if (event.ctrlKey || event.metaKey || (event.key.length > 1 && !isOnRow)) return false; // buttons and tables have their own use for Enter and arrows
    const does = this.#does()[event.key];
    does?.();
    return does !== undefined;
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  #does(): Readonly<Record<string, () => unknown>> {
    const place = this.#place();
    const row = this.#rows[place];
    const axis = this.#scope.axis;
    return doesOf({
      zoom: (isNear) => this.#zoom(isNear ? 1 / ZOOM : ZOOM),
      pan: (share) => axis && this.#show(axis.panned(axis.width * share, this.#scope.end)),
      whole: () => this.#show(null),
      fit: () => row && this.#show([row.since, row.since + (tookOf(row) ?? this.#now - row.since) + 1]),
      critical: () => this.#turnCritical(),
      compare: () => void this.#compare(),
      hide: () => this.#turnHides(),
      gaps: () => this.#turnBreaks(),
      clock: () => this.#turnMode(),
      failure: (step) => this.#failure(step),
      filter: () => this.#tools.filter.focus(),
      go: (by) => this.#choose(Math.max(0, Math.min(place + by, this.#rows.length - 1))),
      turn: (isOpen) => row && row.isOpen === !isOpen && this.#turn(row),
      open: () => row && this.#open(row),
    });
  }

  // What is shown.

  #lay(): void {
    this.#rows = this.#tree?.rows({ turned: this.#turned, filter: this.#tools.filter.value, hidesCompleted: this.#hides }) ?? [];
    this.#paint();
  }

  #later(): void {
    if (this.#frame || !this.#isSeen) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #paint(): void {
    const picture = this.#picture;
    const width = this.element.clientWidth;
    if (!picture || width === 0) return;
    const [left, right] = width < NARROW ? [124, 0] : [180, 84];
    for (const [name, value] of [["--wf-left", left], ["--wf-right", right]] as const) this.element.style.setProperty(name, `${value}px`);
    const height = this.#rows.length * ROW;
    const [axis, whole] = this.#scope.lay(picture, Math.max(60, width - left - right - (height > TALLEST ? 12 : 0)));
    const ticks = axis.ticks(this.#scope.mode);
    this.#strip.draw(picture, whole, axis.window);
    replace(this.#labels, ...labelsOf(picture, axis, ticks, this.#now, (since) => this.#moved(() => this.#scope.turnGap(since))));
    text(this.#blame, blamed(picture));
    this.#back.draw(axis, height, ticks, picture.turns, this.#spans, this.#now);
    this.#paintRows(picture, axis);
    const { mode, isCollapsed } = this.#scope;
    this.#tools.draw(picture, { hides: this.#hides, isCollapsed, mode, isCritical: this.#isCritical, baseline: this.#baseline?.label ?? null, failures: failuresIn(this.#rows).length });
  }

  #paintRows(picture: TimelinePicture, axis: Axis): void {
    const critical = new Set(this.#isCritical ? picture.critical.flatMap((call) => [call, ...(this.#tree?.foldsOf(call) ?? [])]) : []);
    const [count, on] = this.#list.draw(this.#rows, axis.width, this.#now, this.#place(), this.#chosen, {
      marks: (row) => this.#marksOf(row, axis),
      isCritical: (row) => critical.has(row.key),
      ratio: (row) => ratioOf(row, this.#baseline),
      colour: () => this.#colour(),
    });
    set(this.element, { "data-wf-marks": count, "data-wf-paint": on });
  }

  #marksOf(row: Row, axis: Axis): readonly Mark[] {
    return row.density ? this.#bins.marks(row.density, axis, this.#scope.end) : marksOf(row, axis, this.#now, usualOf(row, this.#baseline));
  }

  // What a person does.

  /** After a change of what part of the time is shown. */
  #moved(change: () => void): void {
    change();
    this.#later();
  }

  #show(window: Gap | null): void {
    this.#moved(() => this.#scope.show(window));
  }

  #zoom(factor: number, x?: number): void {
    this.#moved(() => this.#scope.zoom(factor, x));
  }

  #turnMode(): void {
    this.#moved(() => this.#scope.turnMode());
  }

  #turnBreaks(): void {
    this.#scope.turnBreaks();
    this.host.redraw();
  }

  #turnHides(): void {
    this.#hides = !this.#hides;
    this.host.redraw();
  }

  #turnCritical(): void {
    this.#isCritical = !this.#isCritical;
    this.#later();
  }

  async #compare(): Promise<void> {
    if (this.#baseline) this.#baseline = null;
    else {
      try {
        this.#baseline = (await this.host.ask("baseline")) as Baseline;
        this.host.say(`compared with ${this.#baseline.label}`);
      } catch (reason) {
        this.host.say(String(reason));
      }
    }
    this.#later();
  }

  #turn(row: Row): void {
    if (!this.#turned.delete(row.key)) this.#turned.add(row.key);
    this.host.redraw();
  }

  #place(): number {
    return Math.max(0, this.#rows.findIndex((row) => row.key === this.#chosen));
  }

  /** Turn to a row; `isOwn` says that the person did so here. */
  #choose(place: number, isOwn = true): void {
    const row = this.#rows[place];
    if (!row || !this.#picture) return;
    this.#chosen = row.key;
    this.#list.reveal(place);
    this.#paint();
    if (!isOwn) return;
    this.#list.focus(row.key);
    const [first] = row.spans;
    const [group, call] = row.minor ? [null, null] : row.density ? [row.density.key, null] : [first?.group ?? null, first?.callId ?? null];
    this.host.focusOn({ instance_id: this.#picture.instance_id, group, span_id: call, attempt: null });
    if (this.host.drawer.isOpen) this.#open(row);
  }

  #open(row: Row, attempt?: number): void {
    const span = row.spans.find((one) => one.attempt === attempt) ?? row.spans[row.spans.length - 1];
    if (this.#picture) this.host.drawer.show(titleOf(row), tabsOf(row, span, this.#picture.begin, this.host));
  }

  #failure(step: 1 | -1): void {
    const next = nextFailure(this.#rows, this.#chosen === null ? -1 : this.#place(), step);
    if (next !== undefined) this.#choose(next);
  }

  #clicked(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const key = target?.closest<HTMLElement>("[data-wf-key]")?.dataset["wfKey"];
    const place = this.#rows.findIndex((row) => row.key === key);
    const row = this.#rows[place];
    if (!row) return;
    this.#choose(place);
    if (target?.closest("[data-wf-turn]") && row.isOpen !== null) this.#turn(row);
    else this.#open(row, this.#hit(event)?.span?.attempt);
  }

  #chartLeft(): number {
    return this.#back.element.getBoundingClientRect().left;
  }

  #hit(event: MouseEvent): Mark | undefined {
    return this.#list.hit(event.clientX - this.#chartLeft(), event.clientY);
  }

  #colour(): Colour {
    const style = getComputedStyle(this.element);
    const known = new Map<string, string>();
    return (name) => {
      const value = known.get(name) ?? style.getPropertyValue(name).trim();
      known.set(name, value);
      return value;
    };
  }
}

/** The spans of pictures that came as changes. */
const merged = new WeakMap<TimelinePicture, Wire>();
