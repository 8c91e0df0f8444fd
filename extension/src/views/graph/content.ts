// The execution graph: what the shell frames. It puts together canvas, panel and drawer, and hears keys and clicks for them.
import style from "../../../style/graph.css";
import nodes from "../../../style/nodes.css";
import { html, replace, set, text } from "../../dom";
import { spanText } from "../../durations";
import { type CallRow, type Focus, type GraphGroup, type GraphPicture, isCallDetail, isGraphPicture, type Level } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { copy } from "../../shell/exports";
import { viewOf } from "../../shell/shell";
import type { MakeView } from "../../view";
import { Canvas } from "./canvas";
import { tabsOfCall, tabsOfGroup } from "./detail";
import { Matrix } from "./matrix";
import { Panel } from "./panel";
import { criticalPath } from "./paths";
import { svgOf } from "./svg";
import { hoverText, number, pythonText, reachedCode, sentenceOf, stateText } from "./words";

const DETAILS = ["workflow only", "activities", "with children", "waits, timers, system"];
const MOST_ROWS = 200;

const KEYS: readonly KeyHelp[] = [
  { keys: "← → ↑ ↓", what: "along the lines, and up and down a column" },
  { keys: ", .", what: "previous and next group" },
  { keys: "[ ]", what: "previous and next failure" },
  { keys: "Enter", what: "details of the group" },
  { keys: "e", what: "its calls, the worst first" },
  { keys: "o", what: "open a child workflow or folded groups in place" },
  { keys: "p", what: "from here, then again to there: the critical path" },
  { keys: "c", what: "the code that finds all runs that reached it" },
  { keys: "/", what: "find by name" },
  { keys: "f F + - 0", what: "into sight, all in sight, zoom" },
];

class GraphContent implements Content<GraphPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #canvas: Canvas;
  readonly #panel: Panel;
  readonly #matrix: Matrix;
  readonly #why = html("p", { class: "wf-muted wf-why", dir: "auto" });
  readonly #strips = html("div", { class: "wf-strips" });
  readonly #crumbs = html("nav", { class: "wf-crumbs", "aria-label": "Folded groups", hidden: true });
  readonly #ribbon = html("div", { class: "wf-ribbon", role: "list", "aria-label": "Generations", hidden: true });
  readonly #acts = html("div", { class: "wf-acts", role: "toolbar", "aria-label": "What can be done with the group", hidden: true });
  readonly #actsFor = html("strong", { dir: "auto" });
  readonly #expand = this.#act("Expand", "o", "expand", () => this.#turnExpanded());
  readonly #said = html("code", { class: "wf-said", "data-wf-said": "" });
  readonly #tip = html("div", { class: "wf-tip", role: "tooltip", hidden: true });
  readonly #slider = html("input", { type: "range", min: 0, max: 3, step: 1, value: 3, "aria-label": "Detail", "data-wf-action": "detail" });
  readonly #sliderText = html("span", { class: "wf-slidertext" }, DETAILS[3] ?? "");
  readonly #find = html("input", { type: "search", class: "wf-field", placeholder: "find", "aria-label": "Find groups by name", "data-wf-action": "find" });
  readonly #failures = html("button", { type: "button", class: "wf-small", hidden: true, "data-wf-action": "next-failure", title: "next failure ( ] )" });
  #picture: GraphPicture | null = null;
  #groups: ReadonlyMap<string, GraphGroup> = new Map();
  #level = 3;
  #from: string | null = null;
  #focused: string | null = null;
  #now = 0;

  constructor(private readonly host: Host) {
    this.#canvas = new Canvas({
      choose: (group, isMore) => (isMore ? this.#way(group) : this.#choose(group)),
      open: (group) => this.#open(group),
      reached: (group) => this.#reached(group),
      hover: (group, box) => this.#hover(group, box),
    });
    this.#panel = new Panel(host, (group, row) => void this.#openCall(group, row), () => this.#focusCanvas());
    this.#matrix = new Matrix((group) => this.#choose(group));
    replace(
      this.#acts,
      this.#actsFor,
      this.#act("Details", "Enter", "details", () => this.#details()),
      this.#act("Calls", "e", "calls", () => this.#open(this.#canvas.current)),
      this.#expand,
      this.#act("Path", "p", "path", () => this.#way(this.#canvas.current)),
      this.#act("Runs that reached it", "c", "reached", () => this.#reached(this.#canvas.current)),
      this.#said,
    );
    this.element = html(
      "div",
      { class: "wf-graphbody" },
      this.#why,
      this.#strips,
      this.#ribbon,
      this.#crumbs,
      html("div", { class: "wf-stagebox" }, this.#canvas.element, this.#tip),
      this.#matrix.element,
      this.#acts,
      this.#panel.element,
    );
    const zoom = (label: string, title: string, act: () => void): HTMLElement => {
      const button = html("button", { type: "button", class: "wf-small", title, "aria-label": title }, label);
      button.addEventListener("click", act);
      return button;
    };
    this.tools = [
      html("label", { class: "wf-slider" }, "Detail", this.#slider, this.#sliderText),
      this.#find,
      this.#failures,
      zoom("−", "smaller ( - )", () => this.#canvas.zoom(1 / 1.2)),
      zoom("+", "larger ( + )", () => this.#canvas.zoom(1.2)),
      zoom("Fit", "all in sight ( F )", () => this.#canvas.fit()),
    ];
    this.#slider.addEventListener("input", () => this.#detail(Number(this.#slider.value)));
    this.#find.addEventListener("input", () => this.#canvas.filter(this.#find.value));
    this.#failures.addEventListener("click", () => this.#nextFailure(1));
    this.element.addEventListener("focusin", (event) => this.#focusIn(event));
  }

  fits(picture: unknown): picture is GraphPicture {
    return isGraphPicture(picture);
  }

  draw(picture: GraphPicture, now: number): void {
    this.#picture = picture;
    this.#now = now;
    this.#groups = new Map(picture.groups.map((group) => [group.id, group]));
    text(this.#why, picture.is_over ? "" : picture.why);
    const strips = JSON.stringify(picture.strips);
    if (this.#strips.dataset["drawn"] !== strips) {
      this.#strips.dataset["drawn"] = strips;
      replace(this.#strips, ...picture.strips.map((strip) => html("p", { class: "wf-strip", "data-wf-strip": "" }, strip)));
    }
    this.#drawCrumbs(picture);
    this.#drawRibbon(picture);
    const level = this.#shownLevel(picture);
    this.#canvas.element.hidden = level === null;
    this.#matrix.element.hidden = picture.mode !== "matrix";
    if (level) this.#canvas.draw(picture, level, now);
    else this.#matrix.draw(picture);
    const failures = picture.groups.reduce((sum, group) => sum + (group.kind === "workflow" ? 0 : (group.counts["FAILED"] ?? 0)), 0);
    this.#failures.hidden = this.#failed().length === 0;
    text(this.#failures, `${number(failures)} failure${failures === 1 ? "" : "s"} ▼`);
    if (this.#find.value) this.#canvas.filter(this.#find.value);
    if (this.#panel.isOpen) this.#panel.follow(this.#groups);
    this.#canvas.mark(this.#focused);
    this.#drawActs();
  }

  tick(now: number): void {
    this.#now = now;
    this.#canvas.tick(now);
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#panel.close();
    if (event.shiftKey && event.key === "Enter") return false;
    const isOnButton = event.target instanceof HTMLElement && event.target.closest("button, input, summary, [role=tabpanel], .wf-panel, .wf-matrix") !== null;
    const keys: Readonly<Record<string, () => unknown>> = {
      e: () => this.#open(this.#canvas.current),
      p: () => this.#way(this.#canvas.current),
      o: () => this.#turnExpanded(),
      c: () => this.#reached(this.#canvas.current),
      "/": () => this.#find.focus(),
      f: () => this.#focusCanvas(),
      F: () => this.#canvas.fit(),
      "+": () => this.#canvas.zoom(1.2),
      "-": () => this.#canvas.zoom(1 / 1.2),
      "0": () => this.#canvas.unzoom(),
      "[": () => this.#nextFailure(-1),
      "]": () => this.#nextFailure(1),
      ",": () => this.#sibling(-1),
      ".": () => this.#sibling(1),
    };
    const act = keys[event.key];
    if (act) {
      act();
      return true;
    }
    if (isOnButton) return false;
    if (event.key.startsWith("Arrow")) return this.#canvas.move(event.key) || true;
    if (event.key === "Enter") this.#details();
    else if (event.key === " ") this.#turnExpanded(); // JupyterLab takes it where the notebook has it, hence `o`
    else return false;
    return true;
  }

  sentence(picture: GraphPicture): string {
    return sentenceOf(picture);
  }

  table(picture: GraphPicture): TableData {
    const groups = picture.groups.filter((group) => group.kind !== "workflow");
    const span = (ms: number | undefined): string => (ms === undefined ? "" : spanText(ms / 1000));
    const rows = groups.slice(0, MOST_ROWS).map((group) => [
      group.name || group.kind,
      group.kind.replaceAll("_", " "),
      group.line === null ? "" : String(group.line),
      stateText(group),
      group.count ? number(group.count) : "",
      group.attempts_total ? number(group.attempts_total) : "",
      span(group.durations?.p50),
      span(group.durations?.p95),
      group.errors[0] ? `${number(group.errors[0].count)}× ${group.errors[0].message}` : "",
    ]);
    return { caption: `Groups of ${picture.name}`, heads: ["Group", "Kind", "Line", "State", "Calls", "Attempts", "p50", "p95", "Error"], rows, total: groups.length };
  }

  footnote(picture: GraphPicture): string {
    const level = this.#shownLevel(picture);
    const shown = level ? Object.keys(level.places).length : picture.groups.length - 1;
    const groups = `${number(picture.groups_total)} group${picture.groups_total === 1 ? "" : "s"}`;
    return `${number(picture.calls_total)} calls, timers and waits in ${groups} · showing ${number(shown)} · ${number(picture.events_total)} events`;
  }

  code(picture: GraphPicture): string {
    return `lab.get(${pythonText(picture.instance_id)}).graph().df()`;
  }

  svg(picture: GraphPicture): string | null {
    const level = this.#shownLevel(picture);
    return level ? svgOf(picture, level) : null;
  }

  focus(focus: Focus | null): void {
    this.#focused = focus === null ? null : this.#groupOf(focus);
    this.#canvas.mark(this.#focused);
    this.#drawActs();
  }

  block(): void {
    this.#drawActs();
  }

  // What is shown.

  #shownLevel(picture: GraphPicture): Level | null {
    return picture.levels[Math.min(this.#level, picture.levels.length - 1)] ?? null;
  }

  #detail(level: number): void {
    this.#level = level;
    text(this.#sliderText, DETAILS[level] ?? "");
    set(this.#slider, { "aria-valuetext": DETAILS[level] });
    this.host.redraw();
  }

  #drawCrumbs(picture: GraphPicture): void {
    this.#crumbs.hidden = picture.path.length === 0;
    const drawn = JSON.stringify([picture.path, this.host.blocked]);
    if (this.#crumbs.dataset["drawn"] === drawn) return;
    this.#crumbs.dataset["drawn"] = drawn;
    const parts = picture.path.map((crumb, place) => {
      const isLast = place === picture.path.length - 1;
      const button = html("button", { type: "button", class: "wf-small", disabled: isLast || this.host.blocked !== null, title: this.host.blocked ?? undefined, "data-wf-crumb": crumb.id }, crumb.label);
      button.addEventListener("click", () => this.#ask("scope", { path: picture.path.slice(1, place + 1).map((one) => one.id) }));
      return button;
    });
    replace(this.#crumbs, ...parts.flatMap((part, place) => (place === 0 ? [part] : [html("span", { "aria-hidden": "true" }, "/"), part])));
  }

  #drawRibbon(picture: GraphPicture): void {
    this.#ribbon.hidden = picture.generations.length === 0;
    const drawn = JSON.stringify(picture.generations);
    if (this.#ribbon.dataset["drawn"] === drawn) return;
    this.#ribbon.dataset["drawn"] = drawn;
    const hidden = picture.generations_total - picture.generations.length;
    const chips = picture.generations.map((one) => {
      const took = one.ended === null ? "" : `, ${spanText((one.ended - one.began) / 1000)}`;
      const chip = html("span", { class: "wf-generation", role: "listitem", title: `generation ${one.number + 1}: ${one.state}${took}`, "data-wf-generation": one.number, "data-wf-state": one.state }, String(one.number + 1));
      chip.style.setProperty("--c", `var(--wf-${one.state.toLowerCase().replaceAll("_", "-")})`);
      return chip;
    });
    replace(this.#ribbon, html("span", { class: "wf-muted" }, hidden > 0 ? `generations · ${number(hidden)} earlier` : "generations"), ...chips);
  }

  #drawActs(): void {
    const group = this.#canvas.current;
    this.#acts.hidden = group === null || this.#focused === null;
    if (group === null) return;
    text(this.#actsFor, group.name || group.kind);
    this.#expand.hidden = !group.can_expand;
    text(this.#expand, group.is_expanded ? "Fold" : "Expand");
    set(this.#expand, { disabled: this.host.blocked !== null, title: this.host.blocked ?? "o" });
  }

  #hover(group: GraphGroup | null, box: DOMRect | null): void {
    this.#tip.hidden = group === null;
    if (group === null || box === null) return;
    text(this.#tip, hoverText(group, this.#now));
    const frame = this.#tip.parentElement?.getBoundingClientRect();
    if (!frame) return;
    const left = Math.max(0, Math.min(box.left - frame.left, frame.width - 300));
    set(this.#tip, { style: `left:${left}px;top:${box.bottom - frame.top + 6}px` });
  }

  // What a person does.

  #act(label: string, key: string, action: string, press: () => void): HTMLButtonElement {
    const button = html("button", { type: "button", class: "wf-small", title: key, "data-wf-action": action }, label);
    button.addEventListener("click", press);
    return button;
  }

  #focusIn(event: FocusEvent): void {
    const id = event.target instanceof HTMLElement ? event.target.dataset["wfId"] : undefined;
    if (id === undefined || id === this.#focused) return;
    this.#focused = id;
    this.#canvas.mark(id);
    text(this.#said, "");
    this.#drawActs();
  }

  #choose(group: GraphGroup): void {
    this.#from = null;
    this.#canvas.showWay([]);
    this.#focused = group.id;
    this.host.focusOn(this.#focusOf(group, group.span_id));
    this.#canvas.turnTo(group.id);
    if (this.host.drawer.isOpen) this.#details();
  }

  #focusOf(group: GraphGroup, spanId: string | null): Focus {
    const instance = group.instance_id ?? this.#picture?.instance_id ?? "";
    const isWhole = group.kind === "workflow" || group.kind === "scope" || group.kind === "race";
    const key = group.frame === null ? group.id : group.id.slice(group.frame.length + 1); // as the child's own spans have it
    return { instance_id: instance, group: isWhole ? null : key, span_id: spanId, attempt: null };
  }

  #groupOf(focus: Focus): string | null {
    for (const group of this.#groups.values()) {
      if (group.instance_id !== focus.instance_id || group.kind === "workflow") continue;
      if (focus.group !== null ? this.#focusOf(group, null).group === focus.group : focus.span_id !== null && group.span_id === focus.span_id) return group.id;
    }
    return null;
  }

  #focusCanvas(): void {
    const current = this.#canvas.current;
    if (current) this.#canvas.turnTo(current.id);
  }

  #details(): void {
    const group = this.#canvas.current;
    if (group === null) return;
    if (group.kind === "scope") return this.#turnExpanded();
    if (group.span_id !== null && this.host.blocked === null) void this.#showCall(group, group.span_id);
    else this.host.drawer.show(group.name || group.kind, tabsOfGroup(group, this.#now));
    this.host.focusOn(this.#focusOf(group, group.span_id));
  }

  #open(group: GraphGroup | null): void {
    if (group === null || group.count === 0 || group.kind === "race") return;
    if (group.kind === "scope") return this.#turnExpanded();
    if (group.kind === "workflow") return this.#detail(1), void set(this.#slider, { value: 1 });
    this.#panel.show(group);
  }

  async #openCall(group: GraphGroup, row: CallRow): Promise<void> {
    this.host.focusOn(this.#focusOf(group, row.span_id));
    await this.#showCall(group, row.span_id);
  }

  async #showCall(group: GraphGroup, spanId: string): Promise<void> {
    try {
      const detail = await this.host.ask("call", { span_id: spanId });
      if (isCallDetail(detail)) this.host.drawer.show(detail.title, tabsOfCall(detail));
    } catch (reason) {
      this.host.drawer.show(group.name, tabsOfGroup(group, this.#now));
      this.host.say(reason instanceof Error ? reason.message : String(reason));
    }
  }

  #turnExpanded(): void {
    const group = this.#canvas.current;
    if (group === null || !group.can_expand) return;
    if (group.kind === "scope") this.#ask("scope", { path: [...(this.#picture?.path ?? []).slice(1).map((crumb) => crumb.id), group.id] });
    else this.#ask("expand", { group: group.id, open: !group.is_expanded });
  }

  #way(group: GraphGroup | null): void {
    const level = this.#picture && this.#shownLevel(this.#picture);
    if (group === null || !level) return;
    if (this.#from === null || this.#from === group.id) {
      this.#from = group.id;
      this.#focused = group.id;
      this.#canvas.mark(group.id);
      this.#drawActs();
      return this.#tell(`from ${group.name}: Shift+click another group, or go there and press p`);
    }
    const way = criticalPath(level, this.#groups, this.#from, group.id);
    const from = this.#groups.get(this.#from)?.name ?? "";
    this.#from = null;
    this.#canvas.showWay(way?.ids ?? []);
    if (way === null) return this.#tell(`no path between ${from} and ${group.name}`);
    const names = way.ids.map((id) => this.#groups.get(id)?.name ?? "");
    this.#tell(`${names.join(" → ")} · critical path ${spanText(way.ms / 1000)}`);
  }

  #reached(group: GraphGroup | null): void {
    if (group === null || ["scope", "race", "workflow"].includes(group.kind)) return;
    const code = reachedCode(group);
    this.#focused = group.id;
    this.#canvas.mark(group.id);
    this.#drawActs();
    this.#tell(code);
    void copy(code).then((isCopied) => this.host.say(isCopied ? `copied: ${code}` : code));
  }

  #tell(sentence: string): void {
    this.#acts.hidden = false;
    text(this.#said, sentence);
    this.host.say(sentence);
  }

  #failed(): readonly string[] {
    return this.#canvas.ids().filter((id) => this.#groups.get(id)?.counts["FAILED"]);
  }

  #nextFailure(direction: number): void {
    const failed = this.#failed();
    const place = failed.indexOf(this.#canvas.current?.id ?? "");
    const next = place < 0 ? (direction > 0 ? failed[0] : failed[failed.length - 1]) : failed[(place + direction + failed.length) % failed.length];
    if (next !== undefined) this.#canvas.turnTo(next);
  }

  #sibling(direction: number): void {
    const ids = this.#canvas.ids();
    const next = ids[ids.indexOf(this.#canvas.current?.id ?? "") + direction];
    if (next !== undefined) this.#canvas.turnTo(next);
  }

  #ask(what: string, args: Readonly<Record<string, unknown>>): void {
    this.host.ask(what, args).catch((reason: unknown) => this.#tell(reason instanceof Error ? reason.message : String(reason)));
  }
}

export const GRAPH: MakeView = viewOf("graph", nodes + style, (host) => new GraphContent(host));
