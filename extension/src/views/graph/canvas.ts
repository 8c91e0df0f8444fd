// The graph itself: nodes by id at their places, lines between them, and one of them under the keys.
import { html, replace, set, svg } from "../../dom";
import type { GraphGroup, GraphPicture, Level } from "../../protocol";
import { type Detail, GroupNode } from "./node";
import { type Brushed, brushNodes } from "./nodebrush";
import { neighbour } from "./paths";

const LEAN_FROM = 26;
const SMALLEST = 0.3;
const LARGEST = 2;

export interface CanvasActs {
  /** A person turned to this group; `isMore` with Shift. */
  choose(group: GraphGroup, isMore: boolean): void;
  open(group: GraphGroup): void;
  reached(group: GraphGroup): void;
  /** A part of a group's calls was marked in its node. */
  brushed(group: GraphGroup, what: Brushed): void;
  hover(group: GraphGroup | null, box: DOMRect | null): void;
}

export class Canvas {
  readonly element: HTMLElement;
  readonly #plane = html("div", { class: "wf-canvas", role: "tree", "aria-label": "Execution graph" });
  readonly #edges = svg("svg", { class: "wf-edges", "aria-hidden": "true" });
  readonly #way = svg("path", { class: "wf-way" });
  readonly #sizer: HTMLElement;
  readonly #nodes = new Map<string, GroupNode>();
  #level: Level | null = null;
  #drawnEdges = "";
  #current = "";
  #scale = 1;
  #isByHand = false;

  constructor(private readonly acts: CanvasActs) {
    this.#plane.append(this.#edges);
    this.#sizer = html("div", { class: "wf-sizer" }, this.#plane);
    this.element = html("div", { class: "wf-scroll wf-gscroll" }, this.#sizer);
    const byHand = (): void => void (this.#isByHand = true);
    for (const event of ["wheel", "pointerdown", "keydown"]) this.element.addEventListener(event, byHand, { passive: true });
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    brushNodes(
      this.#plane,
      (figure) => this.#nodeAt(figure)?.group?.cells.length ?? 0,
      (figure, what) => {
        const group = this.#nodeAt(figure)?.group;
        if (group) this.acts.brushed(group, what);
      },
    );
    this.#plane.addEventListener("click", (event) => this.#at(event, (group) => this.acts.choose(group, event.shiftKey)));
    this.#plane.addEventListener("dblclick", (event) => this.#at(event, (group) => this.acts.open(group)));
    this.#plane.addEventListener("contextmenu", (event) => {
      this.#at(event, (group) => {
        event.preventDefault();
        event.stopPropagation();
        this.acts.reached(group);
      });
    });
    this.#plane.addEventListener("pointerover", (event) => {
      const node = this.#nodeAt(event.target);
      this.acts.hover(node?.group ?? null, node?.element.getBoundingClientRect() ?? null);
    });
    this.#plane.addEventListener("pointerleave", () => this.acts.hover(null, null));
  }

  get current(): GraphGroup | null {
    return this.#nodes.get(this.#current)?.group ?? null;
  }

  draw(picture: GraphPicture, level: Level, now: number): void {
    const groups = new Map(picture.groups.map((group) => [group.id, group]));
    const names = Object.keys(level.places);
    const frames = new Set(level.frames);
    const detail: Detail = names.length > LEAN_FROM ? "lean" : "full";
    this.#level = level;
    set(this.#plane, { style: `width:${level.width}px;height:${level.height}px;transform:scale(${this.#scale})` });
    set(this.#sizer, { style: `width:${level.width * this.#scale}px;height:${level.height * this.#scale}px` });
    this.#drawEdges(level);
    for (const [id, node] of this.#nodes) {
      if (level.places[id] && groups.has(id)) continue;
      node.element.remove();
      this.#nodes.delete(id);
    }
    for (const name of [...level.frames, ...names.filter((one) => !frames.has(one))]) {
      const group = groups.get(name);
      const place = level.places[name];
      if (group === undefined || place === undefined) continue;
      let node = this.#nodes.get(name);
      if (node === undefined) {
        node = new GroupNode();
        this.#nodes.set(name, node);
        if (frames.has(name)) this.#edges.before(node.element);
        else this.#plane.append(node.element);
      }
      node.draw(group, place, frames.has(name), detail, now);
    }
    if (!this.#nodes.has(this.#current)) this.#current = names[0] ?? "";
    this.#reachable();
    if (this.element.clientWidth > 0) this.#follow(picture, level);
    else requestAnimationFrame(() => this.#follow(picture, level)); // it is not yet on the page
  }

  tick(now: number): void {
    for (const node of this.#nodes.values()) node.tick(now);
  }

  /** Show that this group is looked at, here or in another view. */
  mark(id: string | null): void {
    for (const [name, node] of this.#nodes) {
      node.element.classList.toggle("wf-marked", name === id);
      set(node.element, { "data-wf-focus": name === id ? "true" : undefined, "aria-selected": name === id ? "true" : undefined });
    }
    if (id !== null && this.#nodes.has(id)) {
      this.#current = id;
      this.#reachable();
    }
  }

  /** Dim all whose name does not hold these words. */
  filter(words: string): void {
    const wanted = words.toLowerCase();
    for (const node of this.#nodes.values()) node.element.classList.toggle("wf-dim", wanted !== "" && !(node.group?.name ?? "").toLowerCase().includes(wanted));
  }

  /** Draw a way through these groups; none for an empty list. */
  showWay(ids: readonly string[]): void {
    const steps = new Set(ids.slice(1).map((id, place) => `${ids[place]}\n${id}`));
    const path = (this.#level?.edges ?? []).filter((edge) => steps.has(`${edge.source}\n${edge.target}`)).map((edge) => edge.path);
    set(this.#way, { d: path.join("") });
    for (const [name, node] of this.#nodes) node.element.classList.toggle("wf-onway", ids.includes(name));
  }

  move(key: string): boolean {
    const to = this.#level === null ? null : neighbour(this.#level, this.#current, key);
    if (to === null) return false;
    this.turnTo(to);
    return true;
  }

  turnTo(id: string): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#current = id;
    this.#reachable();
    node.element.focus({ preventScroll: true });
    node.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  ids(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  zoom(factor: number): void {
    this.#rescale(this.#scale * factor);
  }

  fit(): void {
    if (this.#level !== null) this.#rescale(Math.min(1, (this.element.clientWidth - 4) / this.#level.width));
  }

  unzoom(): void {
    this.#rescale(1);
  }

  #rescale(scale: number): void {
    this.#scale = Math.min(LARGEST, Math.max(SMALLEST, scale));
    const level = this.#level;
    if (level === null) return;
    this.#plane.style.transform = `scale(${this.#scale})`;
    set(this.#sizer, { style: `width:${level.width * this.#scale}px;height:${level.height * this.#scale}px` });
  }

  #wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }

  #drawEdges(level: Level): void {
    const drawn = JSON.stringify([level.edges, level.width, level.height]);
    if (drawn === this.#drawnEdges) return;
    this.#drawnEdges = drawn;
    set(this.#edges, { width: level.width, height: level.height });
    const kinds = new Map<string, string>();
    let signs = "";
    for (const edge of level.edges) {
      kinds.set(edge.kind, (kinds.get(edge.kind) ?? "") + edge.path);
      const [, x, y] = /^M([-\d.]+) ([-\d.]+)/.exec(edge.path) ?? [];
      if (edge.kind === "lost") signs += `M${Number(x) + 5} ${Number(y) - 5}a5 5 0 1 0 .1 0zm-3.5 8.5l7-7`;
    }
    const lines = [...kinds].map(([kind, path]) => svg("path", { d: path, class: `wf-edge wf-${kind}`, "data-wf-edges": kind }));
    replace(this.#edges, ...lines, signs ? svg("path", { d: signs, class: "wf-edge wf-struck" }) : null, this.#way);
  }

  /** Keep what is at work in sight, until a person has scrolled. */
  #follow(picture: GraphPicture, level: Level): void {
    if (this.#isByHand || picture.is_over || this.element.clientWidth === 0 || this.element.matches(":hover")) return;
    const active = picture.groups.filter((group) => group.since !== null && level.places[group.id] !== undefined);
    const right = Math.max(0, ...active.map((group) => (level.places[group.id]?.[0] ?? 0) + (level.places[group.id]?.[2] ?? 0)));
    const needed = Math.max(0, right + 24 - this.element.clientWidth);
    if (active.length > 0 && needed > this.element.scrollLeft) this.element.scrollLeft = needed;
  }

  #reachable(): void {
    for (const [name, node] of this.#nodes) set(node.element, { tabindex: name === this.#current ? 0 : -1 });
  }

  #at(event: Event, act: (group: GraphGroup) => void): void {
    const group = this.#nodeAt(event.target)?.group;
    if (group) act(group);
  }

  #nodeAt(target: EventTarget | null): GroupNode | undefined {
    const element = target instanceof Element ? target.closest<HTMLElement>("[data-wf-id]") : null;
    return element === null ? undefined : this.#nodes.get(element.dataset["wfId"] ?? "");
  }
}
