// The execution graph: what the shell frames. It puts together tools, canvas, bar, panel and drawer, and hears keys and clicks for them.
import style from "../../../style/graph.css";
import nodes from "../../../style/nodes.css";
import { html, set, text } from "../../dom";
import { spanText } from "../../durations";
import { type CallRow, type Focus, type GraphGroup, type GraphPicture, isCallDetail, isGraphPicture, type Level } from "../../protocol";
import type { Content, Host, TableData } from "../../shell/content";
import { copy } from "../../shell/exports";
import { viewOf } from "../../shell/shell";
import type { MakeView } from "../../view";
import { Above } from "./above";
import { ActsBar } from "./acts";
import { Canvas } from "./canvas";
import { tabsOfCall, tabsOfGroup } from "./detail";
import { focusOf, groupOf } from "./focusing";
import { KEYS } from "./keys";
import { Matrix } from "./matrix";
import { Panel } from "./panel";
import { criticalPath } from "./paths";
import { svgOf } from "./svg";
import { footnoteOf, tableOf } from "./table";
import { Tools } from "./tools";
import { hoverText, pythonText, reachedCode, sentenceOf } from "./words";

const WITHOUT_CALLS = new Set(["race", "suspend", "patch"]);
const UNREACHED = new Set(["scope", "workflow", ...WITHOUT_CALLS]);

class GraphContent implements Content<GraphPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #tools: Tools;
  readonly #above = new Above((path) => this.#ask("scope", { path }));
  readonly #canvas: Canvas;
  readonly #panel: Panel;
  readonly #matrix: Matrix;
  readonly #acts: ActsBar;
  readonly #tip = html("div", { class: "wf-tip", role: "tooltip", hidden: true });
  #picture: GraphPicture | null = null;
  #groups: ReadonlyMap<string, GraphGroup> = new Map();
  #from: string | null = null;
  #focused: string | null = null;
  #now = 0;

  constructor(private readonly host: Host) {
    this.#canvas = new Canvas({
      choose: (group, isMore) => (isMore ? this.#way(group) : this.#choose(group)),
      open: (group) => this.#open(group),
      reached: (group) => this.#reached(group),
      brushed: (group, what) => this.#panel.show(group, what),
      hover: (group, box) => this.#hover(group, box),
    });
    this.#panel = new Panel(host, (group, row) => void this.#openCall(group, row), () => this.#focusCanvas());
    this.#matrix = new Matrix((group) => this.#choose(group));
    this.#acts = new ActsBar({
      details: () => this.#details(),
      calls: () => this.#open(this.#canvas.current),
      expand: () => this.#turnExpanded(),
      path: () => this.#way(this.#canvas.current),
      reached: () => this.#reached(this.#canvas.current),
    });
    this.#tools = new Tools({
      redraw: () => host.redraw(),
      find: (words) => this.#canvas.filter(words),
      nextFailure: () => this.#nextFailure(1),
      tidy: () => this.#tidy(),
      zoom: (factor) => this.#canvas.zoom(factor),
      fit: () => this.#canvas.fit(),
    });
    this.tools = this.#tools.elements;
    const stage = html("div", { class: "wf-stagebox" }, this.#canvas.element, this.#tip);
    this.element = html("div", { class: "wf-graphbody" }, ...this.#above.elements, stage, this.#matrix.element, this.#acts.element, this.#panel.element);
    this.element.addEventListener("focusin", (event) => this.#focusIn(event));
  }

  fits(picture: unknown): picture is GraphPicture {
    return isGraphPicture(picture);
  }

  draw(picture: GraphPicture, now: number): void {
    this.#picture = picture;
    this.#now = now;
    this.#groups = new Map(picture.groups.map((group) => [group.id, group]));
    this.#above.draw(picture, this.host.blocked);
    const level = this.#shownLevel(picture);
    this.#canvas.element.hidden = level === null;
    this.#matrix.element.hidden = picture.mode !== "matrix";
    if (level) this.#canvas.draw(picture, level, now);
    else this.#matrix.draw(picture);
    this.#drawTools(picture);
    if (this.#tools.words) this.#canvas.filter(this.#tools.words);
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
      l: () => this.#tidy(),
      "/": () => this.#tools.search(),
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
    return tableOf(picture);
  }

  footnote(picture: GraphPicture): string {
    return footnoteOf(picture, this.#shownLevel(picture));
  }

  code(picture: GraphPicture): string {
    return `lab.get(${pythonText(picture.instance_id)}).graph().df()`;
  }

  svg(picture: GraphPicture): string | null {
    const level = this.#shownLevel(picture);
    return level ? svgOf(picture, level) : null;
  }

  focus(focus: Focus | null): void {
    this.#focused = focus === null ? null : groupOf(focus, this.#groups.values());
    this.#canvas.mark(this.#focused);
    this.#drawActs();
  }

  block(): void {
    if (this.#picture !== null) this.#drawTools(this.#picture);
    this.#drawActs();
  }

  // What is shown.

  #shownLevel(picture: GraphPicture): Level | null {
    return picture.levels[Math.min(this.#tools.level, picture.levels.length - 1)] ?? null;
  }

  #drawTools(picture: GraphPicture): void {
    const failures = picture.groups.reduce((sum, group) => sum + (group.kind === "workflow" ? 0 : (group.counts["FAILED"] ?? 0)), 0);
    this.#tools.draw(failures, this.#failed().length > 0, this.host.blocked);
  }

  #drawActs(): void {
    this.#acts.draw(this.#focused === null ? null : this.#canvas.current, this.host.blocked);
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

  #focusIn(event: FocusEvent): void {
    const id = event.target instanceof HTMLElement ? event.target.dataset["wfId"] : undefined;
    if (id === undefined || id === this.#focused) return;
    this.#focused = id;
    this.#canvas.mark(id);
    this.#acts.say("");
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
    return focusOf(group, spanId, this.#picture?.instance_id ?? "");
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
    if (group === null || group.count === 0 || WITHOUT_CALLS.has(group.kind)) return;
    if (group.kind === "scope") return this.#turnExpanded();
    if (group.kind === "workflow") return this.#tools.showLevel(1);
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
    if (group === null || UNREACHED.has(group.kind)) return;
    const code = reachedCode(group);
    this.#focused = group.id;
    this.#canvas.mark(group.id);
    this.#drawActs();
    this.#tell(code);
    void copy(code).then((isCopied) => this.host.say(isCopied ? `copied: ${code}` : code));
  }

  #tell(sentence: string): void {
    this.#acts.say(sentence);
    this.host.say(sentence);
  }

  #tidy(): void {
    if (this.host.blocked !== null) return this.host.say(this.host.blocked);
    this.#ask("tidy", {});
    this.host.say("laid out anew");
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
