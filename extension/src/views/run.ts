// One run as a person sees it. Knows no kernel: pictures and notices come in, acts go out.
import base from "../../style/base.css";
import nodes from "../../style/nodes.css";
import style from "../../style/run.css";
import { Clock } from "../clock";
import { html, replace, set, text } from "../dom";
import { everySecond } from "../every_second";
import { keepKeys, refocus } from "../keys";
import { paletteVariables, sameColours, type Theme } from "../palette";
import { type FocusMoved, type FromPage, isRunPicture, type Notice, type Picture, type Recoloured, type Reply, type ShowChange, type ShowPicture } from "../protocol";
import type { View } from "../view";
import { Announcer, sentenceOf } from "./announcer";
import { GraphView } from "./graph";
import { Header } from "./header";
import { FailurePane, PayloadPane } from "./payload";
import { StepTable } from "./steps";
import { WaitCards } from "./waits";

const KERNEL_LOST = "needs a running kernel: run this cell again";

export class RunView implements View {
  readonly element: HTMLElement;
  readonly #clock = new Clock();
  readonly #header = new Header();
  readonly #why = html("p", { class: "wf-why wf-muted", dir: "auto" });
  readonly #notice = html("p", { class: "wf-notice", role: "alert", hidden: true });
  readonly #graph = new GraphView();
  readonly #waits: WaitCards;
  readonly #failure = new FailurePane();
  readonly #input = new PayloadPane("Input", "input");
  readonly #output = new PayloadPane("Output", "output");
  readonly #steps = new StepTable();
  readonly #announcer = new Announcer();
  #picture: Picture | null = null;
  #seq = 0;
  #theme: Theme = "light";
  #palette: Recoloured = {};
  #isThere = true;
  #blocked = KERNEL_LOST;
  #isInSight = true;
  #stopTicking: (() => void) | null = null;

  constructor(send: ((message: FromPage) => void) | null, theme: Theme) {
    this.#waits = new WaitCards((act) => send?.({ ...act, key: this.#picture?.key ?? null }));
    this.#isThere = send !== null;
    const panes = html("div", { class: "wf-panes" }, this.#input.element, this.#output.element);
    this.element = html(
      "div",
      { class: "wf-view wf-run", role: "region", tabindex: -1, "data-wf-view": "run", "data-wf-mode": "live", "data-lm-suppress-shortcuts": "true" },
      html("style", {}, base + nodes + style),
      this.#header.element,
      this.#why,
      this.#notice,
      this.#waits.element,
      this.#graph.element,
      this.#failure.element,
      panes,
      this.#steps.element,
      this.#announcer.element,
    );
    keepKeys(this.element);
    this.paint(theme);
  }

  /** Draw a picture; `pushed` says that the kernel sent it just now. An older one than the one shown is let pass. */
  show(message: ShowPicture, pushed: boolean): void {
    const picture = message.picture;
    if (message.seq < this.#seq || !isRunPicture(picture)) return;
    this.#seq = message.seq;
    this.#picture = picture;
    this.#recolour(message.palette);
    if (this.#isThere) this.#clock.follow(picture, pushed);
    else this.#clock.stand(picture);
    this.#draw(picture);
  }

  hear(message: ShowChange | Notice | Reply | FocusMoved): void {
    if (message.type !== "notice" || this.#waits.hear(message) || (message.token !== null && message.text === "")) return;
    text(this.#notice, message.text);
    set(this.#notice, { hidden: message.text === "", "data-level": message.level });
  }

  /** The kernel is there, or it is not and nothing may tick or be pressed. */
  kernel(isThere: boolean, why: string = KERNEL_LOST): void {
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    this.#blocked = why;
    if (this.#picture === null) return;
    if (isThere) this.#clock.follow(this.#picture, false);
    else this.#clock.stop();
    this.#draw(this.#picture);
  }

  paint(theme: Theme): void {
    this.#theme = theme;
    set(this.element, { "data-wf-theme": theme });
    for (const [name, value] of paletteVariables(theme, this.#palette)) this.element.style.setProperty(name, value);
  }

  #recolour(palette: Recoloured = {}): void {
    if (sameColours(palette, this.#palette)) return;
    this.#palette = palette;
    this.paint(this.#theme);
  }

  dispose(): void {
    this.#stopTicking?.();
    this.#announcer.stop();
    replace(this.element);
  }

  #draw(picture: Picture): void {
    const now = this.#clock.now();
    const isLive = this.#isThere;
    set(this.element, {
      "data-wf-state": picture.status,
      "data-wf-mode": isLive ? "live" : "snapshot",
      "data-wf-seq": this.#seq,
      "aria-label": `Run of ${picture.name}, ${picture.status.toLowerCase().replaceAll("_", " ")}`,
    });
    this.#header.draw(picture, now, this.#isThere);
    text(this.#why, picture.is_over || picture.waits.length > 0 ? "" : picture.why);
    this.#graph.draw(picture.graph, now);
    if (this.#waits.draw(picture.waits, now)) refocus(this.element);
    if (this.#waits.farewell !== "") {
      this.hear({ type: "notice", text: this.#waits.farewell, token: null, level: "info" });
      this.#waits.farewell = "";
    }
    this.#waits.block(this.#isThere ? null : this.#blocked);
    this.#failure.draw(picture.failure);
    this.#input.draw(picture.input);
    this.#output.draw(picture.output);
    this.#steps.draw(picture);
    this.#announcer.follow(sentenceOf(picture));
    this.#keepTime();
  }

  look(isSeen: boolean): void {
    this.#isInSight = isSeen;
    this.element.classList.toggle("wf-unseen", !isSeen);
    this.#keepTime();
    this.#tick();
  }

  #keepTime(): void {
    const isNeeded = this.#clock.ticks && this.#isInSight && this.#picture?.is_over === false; // nothing about what is over tells the time
    this.#stopTicking?.();
    this.#stopTicking = isNeeded ? everySecond(() => this.#tick()) : null;
  }

  #tick(): void {
    const now = this.#clock.now();
    this.#header.tick(now);
    this.#graph.tick(now);
    this.#waits.tick(now);
  }
}
