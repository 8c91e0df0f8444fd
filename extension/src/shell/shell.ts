// The frame of every view: header, toolbar, canvas, drawer, footer; what all views share of keys, words for screen readers and exports.
// Knows no kernel but a way to send, and nothing of what it frames but its Content.
import base from "../../style/base.css";
import style from "../../style/shell.css";
import { Clock } from "../clock";
import { html, replace, set, text } from "../dom";
import { everySecond } from "../every_second";
import { isTyping, keepKeys } from "../keys";
import { paletteVariables, sameColours, type Theme } from "../palette";
import { type AnyPicture, type Focus, type FocusMoved, type FromPage, isRunHead, type Notice, type Recoloured, type Reply, type ShowChange, type ShowPicture, type ViewName } from "../protocol";
import type { MakeView, View } from "../view";
import { Announcer } from "../views/announcer";
import { Header } from "../views/header";
import { Asking } from "./asking";
import type { Content, Host, MakeContent } from "./content";
import { Drawer } from "./drawer";
import { copy, download, fileName, pageOf } from "./exports";
import { helpSheet } from "./help";
import { tableOf } from "./table";

const NO_KERNEL = "needs a running kernel: run this cell";
const TABS: readonly (readonly [view: ViewName, label: string, key: string])[] = [
  ["run", "Run", "o"],
  ["graph", "Graph", "g"],
  ["timeline", "Timeline", "t"],
  ["saga", "Saga", "s"],
  ["replay", "Replay", "r"],
];
/** Views of the whole lab, not of one run. */
const OF_LAB: ReadonlySet<ViewName> = new Set<ViewName>(["inbox", "dashboard", "recipes", "api_log"]);

/** A view: `make` fills the frame, `css` is its own style. */
export function viewOf<P extends AnyPicture>(name: ViewName, css: string, make: MakeContent<P>): MakeView {
  return (send, theme) => new Shell(name, css, make, send, theme);
}

class Shell<P extends AnyPicture> implements View, Host {
  readonly element: HTMLElement;
  readonly drawer: Drawer;
  readonly #content: Content<P>;
  readonly #clock = new Clock();
  readonly #announcer = new Announcer();
  readonly #asking: Asking;
  readonly #header = new Header();
  readonly #tabs = new Map<ViewName, HTMLButtonElement>();
  readonly #strip = html("div", { class: "wf-strip", role: "alert", hidden: true });
  readonly #stage: HTMLElement;
  readonly #footnote = html("span", { class: "wf-footnote" });
  readonly #asTable = this.#button("Table", "view as table", "table", () => this.#turnTable());
  #channel: BroadcastChannel | null = null;
  #picture: P | null = null;
  #seq = 0;
  #theme: Theme = "light";
  #palette: Recoloured = {};
  #isThere: boolean;
  #why = NO_KERNEL;
  #isSeen = true;
  #isTable = false;
  #help: HTMLElement | null = null;
  #stopTicking: (() => void) | null = null;

  constructor(name: ViewName, css: string, make: MakeContent<P>, private readonly sender: ((message: FromPage) => void) | null, theme: Theme) {
    this.#isThere = sender !== null;
    this.#asking = new Asking((message) => this.send(message));
    this.drawer = new Drawer(() => this.element.focus({ preventScroll: true }));
    this.#content = make(this);
    const tabs = html("nav", { class: "wf-tabs", "aria-label": "Views of this run" });
    for (const [view, label, key] of OF_LAB.has(name) ? [] : TABS) {
      const tab = this.#button(label, `${label} of this run (${key})`, `switch-${view}`, () => this.#switch(view));
      set(tab, { "aria-current": view === name ? "page" : undefined });
      this.#tabs.set(view, tab);
      tabs.append(tab);
    }
    this.#header.element.append(
      tabs,
      this.#button("⟳", "draw anew", "refresh", () => this.#refresh()),
      this.#button("⤢", "full screen, and back", "full-screen", () => void this.#fullScreen()),
      this.#button("?", "keys", "help", () => this.#turnHelp()),
    );
    const tools = html("div", { class: "wf-bartop", role: "toolbar", "aria-label": "Tools" }, ...(this.#content.tools ?? []), html("span", { class: "wf-grow" }), this.#asTable);
    this.#stage = html("div", { class: "wf-stage" }, html("div", { class: "wf-loading" }, "Loading…"));
    const footer = html(
      "div",
      { class: "wf-foot" },
      this.#footnote,
      this.#button("Copy code", "copy the line of Python that gives this as a DataFrame", "code", () => void this.#copyCode()),
      this.#button("SVG", "export the picture", "svg", () => this.#export("svg")),
      this.#button("HTML", "export a page with picture and table", "html", () => this.#export("html")),
      this.#button("JSON", "export the data", "json", () => this.#export("json")),
    );
    this.element = html(
      "div",
      { class: `wf-view wf-${name}view`, role: "region", tabindex: -1, "aria-label": `${name}, loading`, "data-wf-view": name, "data-wf-mode": sender ? "live" : "snapshot", "data-lm-suppress-shortcuts": "true" },
      html("style", {}, base + style + css),
      this.#header.element,
      tools,
      this.#strip,
      this.#stage,
      this.drawer.element,
      footer,
      this.#announcer.element,
    );
    keepKeys(this.element, (event) => this.#key(event));
    this.paint(theme);
    if (sender === null && typeof BroadcastChannel === "function") {
      this.#channel = new BroadcastChannel(`wflab:${location.pathname}`);
      this.#channel.onmessage = (event: MessageEvent<Focus | null>) => this.#content.focus?.(event.data);
    }
    this.#content.block?.(this.blocked);
  }

  // What the door asks of a view.

  show(message: ShowPicture, pushed: boolean): void {
    const picture: unknown = message.picture;
    if (message.seq < this.#seq) return;
    if (!this.#content.fits(picture)) {
      this.#complain("This view cannot draw what it was given: it may be from a newer release.", "");
      return;
    }
    this.#seq = message.seq;
    this.#picture = picture;
    this.#recolour(message.palette);
    if (this.#isThere) this.#clock.follow(picture, pushed);
    else this.#clock.stand(picture);
    this.redraw();
  }

  hear(message: ShowChange | Notice | Reply | FocusMoved): void {
    if (message.type === "change") this.#change(message);
    else if (message.type === "reply") this.#asking.hear(message);
    else if (message.type === "focus") this.#content.focus?.(message.focus);
    else if (!this.#content.heard?.(message.token, message.text, message.level)) {
      text(this.#strip, message.text);
      set(this.#strip, { hidden: message.text === "", "data-level": message.level });
    }
  }

  kernel(isThere: boolean, why: string = NO_KERNEL): void {
    if (isThere === this.#isThere || this.sender === null) return;
    this.#isThere = isThere;
    this.#why = why;
    if (this.#picture !== null) {
      if (isThere) this.#clock.follow(this.#picture, false);
      else this.#clock.stop();
      this.redraw();
    }
    this.#content.block?.(this.blocked);
  }

  paint(theme: Theme): void {
    this.#theme = theme;
    set(this.element, { "data-wf-theme": theme });
    for (const [name, value] of paletteVariables(theme, this.#palette)) this.element.style.setProperty(name, value);
    this.#content.paint?.();
  }

  #recolour(palette: Recoloured = {}): void {
    if (sameColours(palette, this.#palette)) return;
    this.#palette = palette;
    this.paint(this.#theme);
  }

  look(isSeen: boolean): void {
    this.#isSeen = isSeen;
    this.element.classList.toggle("wf-unseen", !isSeen);
    this.#content.look?.(isSeen);
    this.#keepTime();
    this.#tick();
  }

  dispose(): void {
    this.#stopTicking?.();
    this.#channel?.close();
    this.#announcer.stop();
    this.#content.dispose?.();
    replace(this.element);
  }

  // What the content asks of its host.

  get blocked(): string | null {
    return this.#isThere ? null : this.#why;
  }

  send(message: FromPage): void {
    if (this.#isThere) this.sender?.(message);
  }

  ask(what: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.blocked === null ? this.#asking.ask(what, args) : Promise.reject(new Error(this.blocked));
  }

  focusOn(focus: Focus | null): void {
    this.send({ type: "set_focus", focus });
    this.#channel?.postMessage(focus);
    this.#content.focus?.(focus);
  }

  say(sentence: string): void {
    this.#announcer.say(sentence);
  }

  redraw(): void {
    const picture = this.#picture;
    if (picture === null) return;
    const now = this.#clock.now();
    const sentence = this.#guarded(() => this.#content.sentence(picture)) ?? "";
    set(this.element, { "data-wf-mode": this.#isThere ? "live" : "snapshot", "data-wf-seq": this.#seq, "aria-label": sentence });
    if (isRunHead(picture)) {
      set(this.element, { "data-wf-state": picture.status });
      this.#header.draw(picture, now, this.#isThere);
    } else this.#header.entitle(this.#content.title?.(picture) ?? "", now, this.#isThere);
    for (const tab of this.#tabs.values()) set(tab, { disabled: !this.#isThere, title: this.blocked ?? tab.getAttribute("aria-label") ?? "" });
    this.#guarded(() => {
      this.#content.draw(picture, now);
      if (this.#isTable) replace(this.#stage, tableOf(this.#content.table(picture)));
      else if (this.#content.element.parentElement !== this.#stage) replace(this.#stage, this.#content.element);
      text(this.#footnote, this.#content.footnote(picture));
    });
    this.#announcer.follow(sentence);
    this.#keepTime();
  }

  // The rest is the frame's own.

  /** A change makes a new picture of the one shown; where that one is another than was meant, the whole is asked for. */
  #change(message: ShowChange): void {
    if (message.seq <= this.#seq) return;
    const next = this.#picture !== null && message.since === this.#seq ? (this.#content.merge?.(this.#picture, message) ?? null) : null;
    if (next !== null) this.show({ type: "picture", seq: message.seq, picture: next }, true);
    else this.ask("refresh").catch(() => undefined);
  }

  #guarded<T>(draw: () => T): T | null {
    try {
      return draw();
    } catch (error) {
      this.#complain("This view could not be drawn; the table and the exports may still work.", error instanceof Error ? (error.stack ?? error.message) : String(error));
      return null;
    }
  }

  #complain(what: string, trace: string): void {
    replace(this.#strip, what, trace ? html("details", {}, html("summary", {}, "Traceback"), html("pre", { tabindex: 0 }, trace)) : null);
    set(this.#strip, { hidden: false, "data-level": "error" });
  }

  #keepTime(): void {
    const isNeeded = this.#clock.ticks && this.#isSeen && this.#picture?.is_over === false; // nothing about what is over tells the time
    this.#stopTicking?.();
    this.#stopTicking = isNeeded ? everySecond(() => this.#tick()) : null;
  }

  #tick(): void {
    if (this.#picture === null) return;
    const now = this.#clock.now();
    if (isRunHead(this.#picture)) this.#header.tick(now);
    this.#content.tick?.(now);
  }

  #key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#closeHelp() || (this.#content.key?.(event) ?? false) || this.drawer.close();
    if (isTyping(event) || event.altKey) return false;
    if (this.#content.key?.(event)) return true;
    const tab = TABS.find(([, , key]) => key === event.key);
    if (tab && this.#tabs.has(tab[0])) this.#switch(tab[0]);
    else if (event.key === "?") this.#turnHelp();
    else if (event.key === "v") this.#turnTable();
    else if (event.key === "x") this.#export("svg");
    else if (event.key === "y") void this.#header.copyId();
    else return false;
    return true;
  }

  #switch(view: ViewName): void {
    if (this.#tabs.get(view)?.getAttribute("aria-current") !== "page") this.send({ type: "switch", view, instance_id: null });
  }

  #refresh(): void {
    set(this.#strip, { hidden: true });
    this.ask("refresh").catch((reason: unknown) => this.say(String(reason)));
    this.redraw();
  }

  async #fullScreen(): Promise<void> {
    if (document.fullscreenElement === this.element) await document.exitFullscreen();
    else await this.element.requestFullscreen?.();
  }

  #turnTable(): void {
    this.#isTable = !this.#isTable;
    set(this.#asTable, { "aria-pressed": String(this.#isTable) });
    this.redraw();
  }

  #turnHelp(): void {
    if (this.#closeHelp()) return;
    this.#help = helpSheet(this.#content.keys ?? [], () => this.#closeHelp());
    this.element.append(this.#help);
    this.#help.focus();
  }

  #closeHelp(): boolean {
    if (this.#help === null) return false;
    this.#help.remove();
    this.#help = null;
    this.element.focus({ preventScroll: true });
    return true;
  }

  async #copyCode(): Promise<void> {
    if (this.#picture === null) return;
    const code = this.#content.code(this.#picture);
    const isCopied = await copy(code);
    this.say(isCopied ? "copied" : "not copied");
    text(this.#footnote, isCopied ? `copied: ${code}` : code);
  }

  #export(kind: "svg" | "html" | "json"): void {
    const picture = this.#picture;
    if (picture === null) return;
    const name = fileName(this.element.dataset["wfView"] ?? "", isRunHead(picture) ? picture.instance_id : "lab");
    const svg = (): string | null => this.#content.svg?.(picture) ?? null;
    if (kind === "json") download(`${name}.json`, "application/json", JSON.stringify({ view: picture.view, version: 1, picture }, plain, 1));
    else if (kind === "html") download(`${name}.html`, "text/html", pageOf(this.#content.sentence(picture), svg(), this.#content.table(picture)));
    else {
      const drawn = svg();
      if (drawn !== null) download(`${name}.svg`, "image/svg+xml", drawn);
      else this.say("This view has no picture; export it as HTML.");
    }
  }

  #button(label: string, title: string, action: string, press: () => void): HTMLButtonElement {
    const button = html("button", { type: "button", class: "wf-small", title, "aria-label": title, "data-wf-action": action }, label);
    button.addEventListener("click", press);
    return button;
  }
}

/** Columns travel as bytes; in a file they are base64, as in a snapshot. */
function plain(_key: string, value: unknown): unknown {
  if (!(value instanceof DataView)) return value;
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}
