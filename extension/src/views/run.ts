// One run as a person sees it. Knows no kernel: pictures and notices come in, acts go out.
import style from "../../style/run.css";
import { Clock } from "../clock";
import { html, replace, set, text } from "../dom";
import { paletteVariables, type Theme } from "../palette";
import type { Act, Notice, Picture, ShowPicture } from "../protocol";
import { Announcer } from "./announcer";
import { GraphView } from "./graph";
import { Header } from "./header";
import { FailurePane, PayloadPane } from "./payload";
import { StepTable } from "./steps";
import { WaitCards } from "./waits";

const TICK_MS = 1000;
const KERNEL_LOST = "needs a running kernel: run this cell again";

export class RunView {
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
  readonly #sight: IntersectionObserver;
  #picture: Picture | null = null;
  #seq = 0;
  #isThere = true;
  #isInSight = true;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(act: (act: Act) => void, theme: Theme) {
    this.#waits = new WaitCards(act);
    const panes = html("div", { class: "wf-panes" }, this.#input.element, this.#output.element);
    this.element = html(
      "div",
      { class: "wf-run", role: "region", tabindex: -1, "data-wf-view": "run", "data-wf-mode": "live", "data-lm-suppress-shortcuts": "true" },
      html("style", {}, style),
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
    this.element.addEventListener("keydown", (event) => this.#keys(event));
    this.#sight = new IntersectionObserver((entries) => this.#look(entries.some((entry) => entry.isIntersecting)));
    this.#sight.observe(this.element);
    this.paint(theme);
  }

  /** Draw a picture; `pushed` says that the kernel sent it just now. An older one than the one shown is let pass. */
  show(message: ShowPicture, pushed: boolean): void {
    if (message.seq < this.#seq) return;
    this.#seq = message.seq;
    this.#picture = message.picture;
    this.#clock.follow(message.picture, pushed);
    if (!this.#isThere) this.#clock.stop();
    this.#draw(message.picture);
  }

  hear(notice: Notice): void {
    if (this.#waits.hear(notice)) return;
    text(this.#notice, notice.text);
    set(this.#notice, { hidden: notice.text === "", "data-level": notice.level });
  }

  /** The kernel is there, or it is not and nothing may tick or be pressed. */
  kernel(isThere: boolean): void {
    if (isThere === this.#isThere) return;
    this.#isThere = isThere;
    if (this.#picture === null) return;
    if (isThere) this.#clock.follow(this.#picture, false);
    else this.#clock.stop();
    this.#draw(this.#picture);
  }

  paint(theme: Theme): void {
    set(this.element, { "data-wf-theme": theme });
    for (const [name, value] of paletteVariables(theme)) this.element.style.setProperty(name, value);
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#sight.disconnect();
    this.#announcer.stop();
    replace(this.element);
  }

  #draw(picture: Picture): void {
    const now = this.#clock.now();
    const isLive = this.#isThere || picture.is_over;
    set(this.element, {
      "data-wf-state": picture.status,
      "data-wf-mode": isLive ? "live" : "snapshot",
      "data-wf-seq": this.#seq,
      "aria-label": `Run of ${picture.name}, ${picture.status.toLowerCase().replaceAll("_", " ")}`,
    });
    this.#header.draw(picture, now, this.#isThere);
    text(this.#why, picture.is_over || picture.waits.length > 0 ? "" : picture.why);
    this.#graph.draw(picture.graph, now);
    if (this.#waits.draw(picture.waits, now)) this.element.focus({ preventScroll: true });
    this.#waits.block(this.#isThere ? null : KERNEL_LOST);
    this.#failure.draw(picture.failure);
    this.#input.draw(picture.input);
    this.#output.draw(picture.output);
    this.#steps.draw(picture);
    this.#announcer.follow(picture);
    this.#keepTime();
  }

  #look(isInSight: boolean): void {
    this.#isInSight = isInSight;
    this.element.classList.toggle("wf-unseen", !isInSight);
    this.#keepTime();
    this.#tick();
  }

  #keepTime(): void {
    clearInterval(this.#timer);
    if (this.#clock.ticks && this.#isInSight) this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const now = this.#clock.now();
    this.#header.tick(now);
    this.#graph.tick(now);
    this.#waits.tick(now);
  }

  /**
   * Keys belong to the view while the focus is inside: in a notebook `b` would insert a cell and Shift+Enter destroy this one.
   * JupyterLab's own attribute for that (on the root, for other front ends) does not count where a shortcut's selector matches the
   * focused element itself. Saving and the like go through. Escape gives the focus back to the cell.
   */
  #keys(event: KeyboardEvent): void {
    if ((event.ctrlKey || event.metaKey) && event.key !== "Enter") return;
    event.stopPropagation();
    if (event.key !== "Escape") return;
    const cell = this.element.closest<HTMLElement>(".jp-Cell");
    if (cell !== null) {
      if (!cell.hasAttribute("tabindex")) cell.tabIndex = -1;
      cell.focus();
    } else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  }
}
