// The timeline: rows of calls over one axis of time. Knows what is shown and why; what a row looks like is in marks.ts, how it is painted in paint.ts.
import { applyDelta, readColumns, type Spans as Wire } from "../../columns";
import { html, replace, set, svg, text, tint } from "../../dom";
import { spanText } from "../../durations";
import { type Baseline, type Focus, isRecord, isTimelinePicture, type ShowChange, type TimelinePicture } from "../../protocol";
import type { Content, Host, TableData } from "../../shell/content";
import { Axis, type Gap, type Mode, roomFor, type Tick } from "./axis";
import { Bins } from "./bins";
import { KEYS } from "./keys";
import { Canvas } from "./canvas";
import { type Mark, marksOf, ROW } from "./marks";
import { standAlone, type Colour } from "./paint";
import { pointing } from "./pointing";
import { bandsOf, type Row, RowTree } from "./rows";
import { RowView } from "./rowview";
import { packed, type Span, spansOf } from "./spans";
import { statsCard } from "./stats";
import { StripView } from "./strip";
import { tabsOf } from "./details";
import { countsOf, titleOf, tookOf, word } from "./words";

const MOST_SVG = 2_000;
const TALLEST = 520;
const MODES: readonly Mode[] = ["relative", "local", "UTC"];
const ZOOM = 1.5;

export class Timeline implements Content<TimelinePicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly fits = isTimelinePicture;
  readonly #strip: StripView;
  readonly #labels = html("div", { class: "wf-labels" });
  readonly #blame = html("p", { class: "wf-muted", "data-wf-blame": "" });
  readonly #back = svg("svg", { class: "wf-back", "aria-hidden": "true" });
  readonly #rowsBox = html("div", { class: "wf-rows", role: "treegrid", tabindex: -1, "aria-label": "Calls over time" });
  readonly #scroller: HTMLElement;
  readonly #canvas = new Canvas();
  readonly #tip = html("div", { class: "wf-tip", hidden: true });
  readonly #area = html("div", { class: "wf-select", hidden: true });
  readonly #card = html("div", { class: "wf-card", hidden: true, role: "status" });
  readonly #views = new Map<string, RowView>();
  readonly #filter = html("input", { class: "wf-field", type: "search", placeholder: "filter: name, state, kind, error", "aria-label": "Filter rows" });
  readonly #buttons: Readonly<Record<string, HTMLButtonElement>>;
  readonly #bins: Bins;
  readonly #resized: ResizeObserver;
  #picture: TimelinePicture | null = null;
  #wire: Wire | null = null;
  #spans: readonly Span[] = [];
  #tree: RowTree | null = null;
  #rows: readonly Row[] = [];
  #marks = new Map<string, readonly Mark[]>();
  #axis: Axis | null = null;
  #now = 0;
  /** What is shown; null is the whole, also as it grows. */
  #window: Gap | null = null;
  /** Whether idle gaps are broken out: null until a person has said so. */
  #breaks: boolean | null = null;
  #turnedGaps = new Set<number>();
  #turned = new Set<string>();
  #mode: Mode = "relative";
  #hides = false;
  #isCritical = false;
  #baseline: Baseline | null = null;
  #chosen: string | null = null;
  #frame = 0;
  #isSeen = true;

  constructor(private readonly host: Host) {
    this.#bins = new Bins(host, () => this.#later());
    this.#strip = new StripView((window) => this.#show(window));
    this.#scroller = html("div", { class: "wf-scroller", style: `max-height:${TALLEST}px` }, this.#back, this.#canvas.element, this.#rowsBox, this.#area);
    const axis = html("div", { class: "wf-axis" }, this.#strip.element, this.#labels);
    this.element = html("div", { class: "wf-timeline" }, this.#blame, axis, this.#scroller, this.#tip, this.#card);
    const button = (label: string, title: string, action: string, press: () => void): HTMLButtonElement => {
      const made = html("button", { type: "button", class: "wf-small", title, "aria-label": title, "data-wf-action": action }, label);
      made.addEventListener("click", press);
      return made;
    };
    this.#buttons = {
      hides: button("Hide done", "hide completed calls (h)", "hide-completed", () => this.#turnHides()),
      breaks: button("Idle gaps", "break out idle gaps, or show all time on one scale (i)", "idle", () => this.#turnBreaks()),
      mode: button("relative", "times since the start, local, or UTC (l)", "axis", () => this.#turnMode()),
      critical: button("Critical", "the chain of calls that determines the end (c)", "critical", () => this.#turnCritical()),
      compare: button("Compare", "with what these calls usually take (b)", "baseline", () => void this.#compare()),
      before: button("▲", "previous failure ([)", "previous-failure", () => this.#failure(-1)),
      after: button("▼", "next failure (])", "next-failure", () => this.#failure(1)),
      closer: button("+", "closer (+, w)", "zoom-in", () => this.#zoom(1 / ZOOM)),
      wider: button("−", "more time (-, s)", "zoom-out", () => this.#zoom(ZOOM)),
      whole: button("Fit", "the whole (0)", "fit", () => this.#show(null)),
    };
    this.tools = [this.#filter, ...Object.values(this.#buttons)];
    this.#filter.addEventListener("input", () => this.#lay());
    this.#scroller.addEventListener("scroll", () => this.#later());
    this.#rowsBox.addEventListener("click", (event) => this.#clicked(event));
    this.#rowsBox.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement && target.dataset["wfKey"] !== undefined) this.#chosen = target.dataset["wfKey"];
    });
    pointing(this.#scroller, {
      left: () => this.#chartLeft(),
      pan: (pixels) => this.#axis && this.#picture && this.#window && this.#show(this.#axis.panned(pixels, this.#end(this.#picture))),
      zoom: (factor, x) => this.#zoom(factor, x),
      select: (from, to, isDone) => this.#select(from, to, isDone),
      hover: (at) => this.#hover(at),
    });
    this.#resized = new ResizeObserver(() => this.#later());
    this.#resized.observe(this.element);
  }

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
    const { compare } = this.#buttons;
    if (compare) set(compare, { disabled: reason !== null && this.#baseline === null, title: reason ?? "compare with what these calls usually take (b)" });
  }

  focus(focus: Focus | null): void {
    const picture = this.#picture;
    if (!focus || !picture || focus.instance_id !== picture.instance_id) return;
    const call = this.#spans.find((span) => span.id === focus.span_id || span.callId === focus.span_id)?.callId;
    const keys = call === undefined ? [focus.group] : [call, ...(this.#tree?.foldsOf(call) ?? [])]; // what is folded away is where its fold is
    const found = keys.map((key) => this.#rows.findIndex((row) => row.key === key)).find((place) => place >= 0) ?? -1;
    if (found >= 0) this.#choose(found, false);
  }

  sentence(picture: TimelinePicture): string {
    const calls = this.#rows.filter((row) => row.kind !== "workflow").reduce((sum, row) => sum + row.count, 0);
    const failed = this.#failures().length;
    return `Timeline of ${picture.name} ${picture.instance_id.slice(0, 8)}, ${word(picture.status)}, ${calls.toLocaleString("en")} calls${failed ? `, ${failed} rows with failures` : ""}`;
  }

  table(picture: TimelinePicture): TableData {
    const rows = this.#rows.map((row) => {
      const took = tookOf(row);
      const folded = row.density ?? row.minor;
      const states = folded ? countsOf(folded).join(", ") : row.spans.map((span) => word(span.state)).join(", ");
      return [`${" ".repeat(row.depth * 2)}${titleOf(row)}${row.count > 1 && !row.minor ? ` ×${row.count.toLocaleString("en")}` : ""}`, row.kind.replace("_", " "), states, String(row.density?.attempts ?? row.spans.length), `+${spanText((row.since - picture.begin) / 1000)}`, took === null ? "" : spanText(took / 1000)];
    });
    return { caption: "Calls over time", heads: ["Call", "Kind", "States", "Attempts", "After", "Took"], rows: rows.slice(0, 2000), total: rows.length };
  }

  footnote(picture: TimelinePicture): string {
    const parts = [`${picture.spans_total.toLocaleString("en")} spans in ${this.#rows.length.toLocaleString("en")} rows`];
    if (picture.groups.length > 0) parts.push("showing grouped");
    if (this.#rows.some((row) => row.minor && !row.isOpen)) parts.push("minor calls are folded");
    if (this.#filter.value || this.#hides) parts.push("filtered");
    return [...parts, ...picture.left_out].join(" · ");
  }

  code(picture: TimelinePicture): string {
    return `lab.get(${JSON.stringify(picture.instance_id)}).spans()`;
  }

  svg(picture: TimelinePicture): string | null {
    const axis = this.#axis;
    if (!axis) return null;
    const height = this.#rows.length * ROW + 20;
    const colour = this.#colour();
    const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: axis.width + 190, height, "font-family": "system-ui, sans-serif", "font-size": 11 }, svg("rect", { width: "100%", height: "100%", fill: colour("--wf-surface") }));
    const label = (x: number, y: number, value: string): SVGElement => svg("text", { x, y, fill: colour("--wf-soft") }, value);
    whole.append(...axis.ticks(this.#mode).map(([x, value]) => label(x + 182, 12, value)));
    for (const [since, until] of axis.breaks) whole.append(label(axis.x(since) + 182, 12, spanText((until - since) / 1000)), svg("rect", { x: axis.x(since) + 180, y: 18, width: 26, height, fill: colour("--wf-line"), opacity: 0.25 }));
    for (const [place, row] of this.#rows.slice(0, 400).entries()) {
      const marks = svg("g", { transform: `translate(180 ${place * ROW + 20})` }, ...this.#marksOf(row, axis, picture).map((mark) => standAlone(mark, colour)));
      whole.append(label(4 + row.depth * 12, place * ROW + 36, titleOf(row).slice(0, 26) + (row.count > 1 && !row.minor ? ` ×${row.count}` : "")), marks);
    }
    return new XMLSerializer().serializeToString(whole);
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#closeCard();
    const isOnRow = event.target === this.host.drawer.element.parentElement || (event.target instanceof Node && this.#scroller.contains(event.target));
    if (event.ctrlKey || event.metaKey || (event.key.length > 1 && !isOnRow)) return false; // buttons and tables have their own use for Enter and arrows
    const does = this.#does()[event.key];
    does?.();
    return does !== undefined;
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#resized.disconnect();
  }

  #does(): Readonly<Record<string, () => void>> {
    const place = this.#place();
    const row = this.#rows[place];
    const window = this.#axis?.window;
    const pan = (share: number): void => void (this.#axis && this.#picture && window && this.#show(this.#axis.panned(this.#axis.width * share, this.#end(this.#picture))));
    const turn = (isOpen: boolean): void => void (row && row.isOpen === !isOpen && this.#turn(row));
    const near = (): void => this.#zoom(1 / ZOOM);
    const far = (): void => this.#zoom(ZOOM);
    return {
      w: near, "+": near, "=": near, s: far, "-": far, a: () => pan(-0.2), d: () => pan(0.2), "0": () => this.#show(null), F: () => this.#show(null),
      f: () => row && this.#show([row.since, row.since + (tookOf(row) ?? this.#now - row.since) + 1]),
      c: () => this.#turnCritical(), b: () => void this.#compare(), h: () => this.#turnHides(), i: () => this.#turnBreaks(), l: () => this.#turnMode(),
      "[": () => this.#failure(-1), "]": () => this.#failure(1), "/": () => this.#filter.focus(),
      ArrowDown: () => this.#choose(Math.min(place + 1, this.#rows.length - 1)), ArrowUp: () => this.#choose(Math.max(place - 1, 0)),
      Home: () => this.#choose(0), End: () => this.#choose(this.#rows.length - 1),
      ".": () => this.#choose(Math.min(place + 1, this.#rows.length - 1)), ",": () => this.#choose(Math.max(place - 1, 0)),
      ArrowRight: () => turn(true), ArrowLeft: () => turn(false), Enter: () => row && this.#open(row),
    };
  }

  // What is shown.

  #lay(): void {
    this.#rows = this.#tree?.rows({ turned: this.#turned, filter: this.#filter.value, hidesCompleted: this.#hides }) ?? [];
    this.#paint();
  }

  #later(): void {
    if (this.#frame || !this.#isSeen) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#paint();
    });
  }

  #isCollapsed(picture: TimelinePicture): boolean {
    return this.#breaks ?? (picture.is_over || picture.status === "SUSPENDED");
  }

  #gaps(picture: TimelinePicture): Gap[] {
    const all = this.#isCollapsed(picture);
    const grown = picture.gaps.map(([since, until]): Gap => [since, until === picture.end && !picture.is_over ? Math.max(until, this.#now) : until]);
    return grown.filter(([since]) => all !== this.#turnedGaps.has(since));
  }

  /** Where the whole ends: for what goes on there is room left. */
  #end(picture: TimelinePicture): number {
    if (picture.is_over) return Math.max(picture.end, picture.begin + 1);
    const now = Math.max(picture.end, this.#now);
    return this.#gaps(picture).length > 0 ? now + 200 : picture.begin + roomFor(Math.max(now, picture.scheduled ?? now) - picture.begin);
  }

  #paint(): void {
    const picture = this.#picture;
    const whole = this.element.clientWidth;
    if (!picture || whole === 0) return;
    const isNarrow = whole < 560;
    const [left, right] = isNarrow ? [124, 0] : [180, 84];
    for (const [name, value] of [["--wf-left", left], ["--wf-right", right]] as const) this.element.style.setProperty(name, `${value}px`);
    const height = this.#rows.length * ROW;
    const width = Math.max(60, whole - left - right - (height > TALLEST ? 12 : 0));
    const gaps = this.#gaps(picture);
    const all: Gap = [picture.begin, this.#end(picture)];
    const axis = new Axis(picture.begin, this.#window ?? all, gaps, width);
    this.#axis = axis;
    this.#strip.draw(picture, this.#window ? new Axis(picture.begin, all, gaps, width) : axis, axis.window);
    const ticks = axis.ticks(this.#mode);
    this.#drawLabels(picture, axis, ticks);
    this.#drawBack(axis, height, ticks, picture.turns);
    set(this.#rowsBox, { style: `height:${Math.max(height, ROW)}px`, "aria-rowcount": this.#rows.length });
    this.#drawRows(picture, axis);
    this.#drawTools(picture);
  }

  #drawRows(picture: TimelinePicture, axis: Axis): void {
    const top = this.#scroller.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW) - 2);
    const shown = this.#rows.slice(first, Math.ceil((top + TALLEST) / ROW) + 2);
    const critical = new Set(this.#isCritical ? picture.critical : []);
    const focus = this.#place();
    this.#marks = new Map(shown.map((row) => [row.key, this.#marksOf(row, axis, picture)]));
    const count = [...this.#marks.values()].reduce((sum, marks) => sum + marks.length, 0);
    const onCanvas = count > MOST_SVG;
    set(this.element, { "data-wf-marks": count, "data-wf-paint": onCanvas ? "canvas" : "svg" });
    for (const [key, view] of this.#views) {
      if (this.#marks.has(key)) continue;
      if (view.element.contains(document.activeElement)) this.#rowsBox.focus();
      view.element.remove();
      this.#views.delete(key);
    }
    for (const [at, row] of shown.entries()) {
      let view = this.#views.get(row.key);
      if (!view) {
        view = new RowView(row.kind);
        this.#views.set(row.key, view);
        this.#rowsBox.append(view.element);
      }
      const isCritical = critical.has(row.key) || (this.#isCritical && (row.density !== null || row.minor !== null) && picture.critical.some((call) => this.#tree?.foldsOf(call).includes(row.key)));
      view.draw(row, first + at, this.#now, first + at === focus, isCritical, this.#ratio(row));
      set(view.element, { "data-wf-focus": row.key === this.#chosen ? "true" : undefined });
      view.chart(onCanvas ? [] : (this.#marks.get(row.key) ?? []), axis.width);
    }
    this.#canvas.draw(onCanvas ? shown.map((row) => this.#marks.get(row.key) ?? []) : [], axis.width, first * ROW, this.#colour());
    const isEmpty = this.#rows.length === 0;
    set(this.#rowsBox, { "data-wf-empty": isEmpty ? "no row fits the filter" : undefined });
  }

  #marksOf(row: Row, axis: Axis, picture: TimelinePicture): readonly Mark[] {
    return row.density ? this.#bins.marks(row.density, axis, this.#end(picture)) : marksOf(row, axis, this.#now, this.#baseline?.usual[`${row.kind} ${row.name}`]);
  }

  #ratio(row: Row): string {
    const usual = this.#baseline?.usual[`${row.kind} ${row.name}`];
    const took = row.density?.median_ms ?? tookOf(row);
    if (!usual || took === null || usual[0] <= 0) return "";
    const ratio = took / usual[0];
    return ratio >= 1 ? `${ratio.toFixed(1)}× p50` : `${(1 / ratio).toFixed(1)}× faster`;
  }

  #drawLabels(picture: TimelinePicture, axis: Axis, marked: readonly Tick[]): void {
    const ticks = marked.map(([x, label]) => html("span", { class: "wf-tick", style: `left:${x}px` }, label));
    const breaks = axis.breaks.map(([since, until]) => {
      const length = spanText((until - since) / 1000);
      const button = html("button", { type: "button", class: "wf-gap", style: `left:${axis.x(since)}px`, "data-wf-break": until - since, title: `${length} in which nothing happened; click to show it`, "aria-label": `show the idle ${length}` }, html("span", {}, length));
      button.addEventListener("click", () => this.#turnGap(since));
      return button;
    });
    const { scheduled } = picture;
    const waits = scheduled === null ? [] : [html("span", { class: "wf-tick", "data-wf-scheduled": scheduled, style: `left:${Math.min(axis.x(scheduled), axis.width - 170)}px` }, `scheduled for ${new Date(scheduled).toISOString().slice(11, 16)} UTC (in ${spanText((scheduled - this.#now) / 1000)})`)];
    replace(this.#labels, ...(waits.length ? waits : ticks), ...breaks);
    const total = Object.values(picture.blame).reduce((sum, share) => sum + share, 0);
    const shares = Object.entries(picture.blame).filter(([, spent]) => spent / total >= 0.005);
    text(this.#blame, total > 0 ? shares.map(([what, spent]) => `${what} ${Math.round((100 * spent) / total)}%`).join(" · ") : picture.why);
  }

  #drawBack(axis: Axis, height: number, ticks: readonly Tick[], turns: readonly number[]): void {
    const parts = ticks.map(([x]) => `M${x} 0V${height}`).join("");
    const bands = bandsOf(this.#spans);
    const drawn = bands.map((span) => {
      const x = axis.x(span.queued);
      const width = axis.x(Number.isNaN(span.ended) ? this.#now : span.ended) - x;
      const step = Math.max(6, width / 400);
      let path = "";
      if (span.kind === "can") path = `M${x - 1.5} 0V${height}M${x + 1.5} 0V${height}`;
      else for (let at = -height; at < width; at += step) path += hatch(x, width, height, at, span.kind === "stall");
      const band = svg("path", { d: path, class: "wf-band", "data-wf-band": span.kind }, svg("title", {}, [span.name, span.note, span.error].filter(Boolean).join(" · ")));
      tint(band, span.kind === "suspend" ? "SUSPENDED" : span.state);
      const said = [span.kind === "can" ? "" : span.name, span.note, span.error].filter(Boolean).join(": ");
      return svg("g", {}, band, width > said.length * 6 ? svg("text", { x: x + 4, y: height - 6, class: "wf-m-text wf-peak" }, said) : null);
    });
    const breaks = axis.breaks.map(([since]) => {
      const x = axis.x(since);
      return svg("g", {}, svg("rect", { x, y: 0, width: 26, height, class: "wf-break" }), svg("path", { d: `M${x + 4} 3l5 5l-5 5M${x + 22} 3l-5 5l5 5`, class: "wf-thin" }));
    });
    set(this.#back, { width: axis.width, height: Math.max(height, 1) });
    const rug = turns.map((time) => `M${axis.x(time).toFixed(1)} 0v4`).join("");
    replace(this.#back, svg("path", { d: parts, class: "wf-gridline" }), ...breaks, ...drawn, svg("path", { d: rug, class: "wf-rug", "data-wf-turns": turns.length }));
  }

  #drawTools(picture: TimelinePicture): void {
    const { hides, breaks, mode, critical, compare, before, after } = this.#buttons;
    if (hides && breaks && mode && critical && compare && before && after) {
      set(hides, { "aria-pressed": String(this.#hides) });
      set(breaks, { "aria-pressed": String(this.#isCollapsed(picture)), disabled: picture.gaps.length === 0 });
      text(mode, this.#mode);
      set(critical, { "aria-pressed": String(this.#isCritical) });
      set(compare, { "aria-pressed": String(this.#baseline !== null) });
      text(compare, this.#baseline ? `vs ${this.#baseline.label}` : "Compare");
      const failures = this.#failures().length;
      text(before, failures ? `${failures} failed ▲` : "▲");
      before.disabled = after.disabled = failures === 0;
    }
  }

  // What a person does.

  #show(window: Gap | null): void {
    this.#window = window;
    this.#later();
  }

  #zoom(factor: number, x?: number): void {
    const [axis, picture] = [this.#axis, this.#picture];
    if (!axis || !picture) return;
    const end = this.#end(picture);
    const next = axis.zoomed(factor, x ?? axis.width / 2, end);
    this.#show(next[0] <= picture.begin && next[1] >= end ? null : next);
  }

  #turnBreaks(): void {
    if (!this.#picture) return;
    this.#breaks = !this.#isCollapsed(this.#picture);
    this.#turnedGaps.clear();
    this.#window = null;
    this.host.redraw();
  }

  #turnGap(since: number): void {
    if (!this.#turnedGaps.delete(since)) this.#turnedGaps.add(since);
    if (this.#breaks === null && this.#picture) this.#breaks = this.#isCollapsed(this.#picture); // what a person chose stays
    this.#window = null;
    this.#later();
  }

  #turnMode(): void {
    this.#mode = MODES[(MODES.indexOf(this.#mode) + 1) % MODES.length] ?? "relative";
    this.#later();
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
    const { scrollTop, clientHeight } = this.#scroller;
    const y = place * ROW;
    if (y < scrollTop || y + ROW > scrollTop + clientHeight) this.#scroller.scrollTop = Math.max(0, y - clientHeight / 2);
    this.#paint();
    if (!isOwn) return;
    this.#views.get(row.key)?.element.focus({ preventScroll: true });
    this.host.focusOn({ instance_id: this.#picture.instance_id, group: row.minor ? null : (row.density?.key ?? row.spans[0]?.group ?? null), span_id: row.density || row.minor ? null : (row.spans[0]?.callId ?? null), attempt: null });
    if (this.host.drawer.isOpen) this.#open(row);
  }

  #open(row: Row, attempt?: number): void {
    const span = row.spans.find((one) => one.attempt === attempt) ?? row.spans[row.spans.length - 1];
    if (this.#picture) this.host.drawer.show(titleOf(row), tabsOf(row, span, this.#picture.begin, this.host));
  }

  #failures(): number[] {
    const isBad = (row: Row): boolean => row.kind !== "workflow" && (row.state === "FAILED" || row.state === "STALLED" || row.spans.some((span) => span.state === "FAILED"));
    return this.#rows.flatMap((row, place) => (isBad(row) ? [place] : []));
  }

  #failure(step: 1 | -1): void {
    const failures = this.#failures();
    const here = this.#chosen === null ? -1 : this.#place();
    const next = step > 0 ? failures.find((place) => place > here) ?? failures[0] : failures.filter((place) => place < here).pop() ?? failures[failures.length - 1];
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
    return this.#back.getBoundingClientRect().left;
  }

  #hit(event: MouseEvent): Mark | undefined {
    const x = event.clientX - this.#chartLeft();
    const row = this.#rows[Math.floor((event.clientY - this.#rowsBox.getBoundingClientRect().top) / ROW)];
    const marks = (row && this.#marks.get(row.key)) ?? [];
    return [...marks].reverse().find((mark) => (mark.span ?? mark.count) !== undefined && x >= mark.x - 2 && x <= mark.x + mark.width + 2);
  }

  #hover(event: MouseEvent | null): void {
    const mark = event && this.#hit(event);
    this.#tip.hidden = !mark;
    if (!mark || !event) return;
    const { span } = mark;
    const phase = String(mark.hooks?.["data-wf-phase"] ?? "");
    const until = span && (phase === "backoff" ? span.fire - span.ended : phase === "queued" ? (span.started || this.#now) - span.queued : (span.ended || this.#now) - (span.started || span.queued));
    text(this.#tip, span ? `${span.name} ${phase || word(span.state)}${until ? ` ${spanText(until / 1000)}` : ""}${span.attempt > 1 ? ` · attempt ${span.attempt}` : ""}${(mark.count ?? 1) > 1 ? ` · ${mark.count} together` : ""}${phase === "executing" && span.error ? ` · ${span.error}` : ""}` : `${(mark.count ?? 0).toLocaleString("en")} at once, worst ${word(mark.state)}`);
    const box = this.element.getBoundingClientRect();
    this.#tip.style.transform = `translate(${Math.min(event.clientX - box.left + 12, box.width - 180)}px, ${event.clientY - box.top + 14}px)`;
  }

  /** An area drawn with Shift: figures here, and the spans as a DataFrame in Python. */
  #select(from: readonly [number, number], to: readonly [number, number], isDone: boolean): void {
    const axis = this.#axis;
    if (!axis || !this.#picture) return;
    const [x0, x1] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
    const [y0, y1] = [Math.min(from[1], to[1]), Math.max(from[1], to[1])];
    this.#area.hidden = isDone;
    set(this.#area, { style: `left:calc(${x0}px + var(--wf-left));top:${y0}px;width:${x1 - x0}px;height:${y1 - y0}px` });
    if (!isDone) return;
    const rows = this.#rows.slice(Math.max(0, Math.floor(y0 / ROW)), Math.floor(y1 / ROW) + 1);
    const window: Gap = [axis.time(x0), axis.time(x1)];
    const card = statsCard(rows, window, this.#now, () => this.#closeCard());
    replace(this.#card, ...card);
    this.#card.hidden = false;
    if (this.host.blocked !== null) return;
    const said = html("p", { class: "wf-muted" }, "…");
    this.#card.append(said);
    const asked = { since: window[0], until: window[1], calls: rows.flatMap((row) => row.minor?.calls ?? (row.density ? [] : row.key)), groups: rows.flatMap((row) => row.minor?.groups ?? row.density?.key ?? []) };
    this.host.ask("select", asked).then((answer) => text(said, `${isRecord(answer) ? Number(answer["count"]).toLocaleString("en") : 0} spans in \`.selection\` of this timeline`), (reason: Error) => text(said, reason.message));
  }

  #closeCard(): boolean {
    const wasOpen = !this.#card.hidden;
    this.#card.hidden = true;
    return wasOpen;
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

function hatch(x: number, width: number, height: number, at: number, isCrossed: boolean): string {
  const [from, to] = [Math.max(at, 0), Math.min(at + height, width)];
  if (to <= from) return "";
  const one = `M${x + from} ${from - at}L${x + to} ${to - at}`;
  return isCrossed ? `${one}M${x + from} ${height - (from - at)}L${x + to} ${height - (to - at)}` : one;
}

