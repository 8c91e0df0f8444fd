// What all panels of the extension are: a widget in the palette's colours, drawn anew when the current lab has something new.
import { type Message } from "@lumino/messaging";
import { Widget } from "@lumino/widgets";
import base from "../../style/base.css";
import lab from "../../style/lab.css";
import { set } from "../dom";
import { everySecond } from "../every_second";
import type { LabLinks } from "../lab_links";
import { paletteVariables } from "../palette";
import type { Recoloured } from "../protocol";
import { currentTheme, onThemeChange } from "../theme";

export abstract class LabPanel extends Widget {
  #stopTicking: (() => void) | null = null;
  readonly #forgetTheme: () => void;

  constructor(protected readonly links: LabLinks, node: HTMLElement) {
    super({ node });
    this.addClass("wf-lab");
    dress(node);
    this.#forgetTheme = onThemeChange(() => this.#paint());
    links.changed.connect(this.refresh, this);
  }

  /** Draw what there is now; nobody sees it while it is hidden. */
  refresh(): void {
    if (!this.isVisible) return;
    this.#paint();
    this.draw();
    this.#keepTime();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#stopTicking?.();
    this.#forgetTheme();
    super.dispose();
  }

  protected abstract draw(): void;

  /** Each second while it is visible, less often when nothing is new. */
  protected tick(): void {}

  protected override onAfterShow(_: Message): void {
    this.draw();
    this.#keepTime();
  }

  protected override onAfterAttach(message: Message): void {
    if (this.isVisible) this.onAfterShow(message);
  }

  protected override onBeforeHide(_: Message): void {
    this.#stopTicking?.();
  }

  #paint(): void {
    paint(this.node, this.links.current?.overview?.palette);
  }

  #keepTime(): void {
    this.#stopTicking?.();
    this.#stopTicking = everySecond(() => {
      if (document.visibilityState !== "hidden") this.tick();
    });
  }
}

/** Give an element of the extension its style sheets (once for the page) and the theme's colours. */
export function dress(node: HTMLElement): void {
  if (document.getElementById("wflab-style") === null) {
    const style = document.createElement("style");
    style.id = "wflab-style";
    style.textContent = base + lab;
    document.head.append(style);
  }
  paint(node);
}

export function paint(node: HTMLElement, palette: Recoloured = {}): void {
  const theme = currentTheme();
  set(node, { "data-wf-theme": theme });
  for (const [name, value] of paletteVariables(theme, palette)) node.style.setProperty(name, value);
}
