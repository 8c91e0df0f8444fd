// The drawer below the canvas: the details of one thing, in tabs. It keeps its height and its tab from one thing to the next.
import { type Child, html, replace, set, text } from "../dom";

const SMALLEST = 90;
const STEP = 40;

export interface Tab {
  readonly name: string;
  /** Called when the tab is opened. */
  readonly body: () => Child;
}

export class Drawer {
  readonly element: HTMLElement;
  readonly #title = html("span", { class: "wf-drawertitle", dir: "auto" });
  readonly #tabs = html("span", { class: "wf-tabs", role: "tablist" });
  readonly #body = html("div", { class: "wf-drawerbody", role: "tabpanel", tabindex: 0 });
  #chosen = "";

  /** `closed` is called when a person closes it. */
  constructor(private readonly closed: () => void) {
    const grip = html("button", { type: "button", class: "wf-grip", "aria-label": "Height of the details; arrow keys change it", title: "drag to resize" });
    const close = html("button", { type: "button", class: "wf-small", "data-wf-action": "close-drawer" }, "Close");
    const head = html("div", { class: "wf-drawerhead" }, this.#title, this.#tabs, html("span", { class: "wf-grow" }), close);
    this.element = html("section", { class: "wf-drawer", hidden: true, "aria-label": "Details", "data-wf-drawer": "" }, grip, head, this.#body);
    close.addEventListener("click", () => this.close());
    grip.addEventListener("pointerdown", (event) => this.#drag(grip, event));
    grip.addEventListener("keydown", (event) => {
      const step = { ArrowUp: STEP, ArrowDown: -STEP }[event.key];
      if (step === undefined) return;
      event.stopPropagation();
      event.preventDefault();
      this.#resize(this.element.offsetHeight + step);
    });
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  show(title: string, tabs: readonly Tab[]): void {
    text(this.#title, title);
    const chosen = tabs.find((tab) => tab.name === this.#chosen) ?? tabs[0];
    const buttons = tabs.map((tab) => html("button", { type: "button", class: "wf-small", role: "tab", "data-wf-tab": tab.name }, tab.name));
    const open = (tab: Tab): void => {
      this.#chosen = tab.name;
      for (const [index, button] of buttons.entries()) set(button, { "aria-selected": String(tabs[index] === tab), "aria-pressed": undefined });
      replace(this.#body, tab.body());
    };
    for (const [index, button] of buttons.entries()) {
      const tab = tabs[index];
      if (tab) button.addEventListener("click", () => open(tab));
    }
    replace(this.#tabs, ...buttons);
    this.element.hidden = false;
    if (chosen) open(chosen);
  }

  /** Close it; says whether it was open. */
  close(): boolean {
    if (!this.isOpen) return false;
    this.element.hidden = true;
    replace(this.#body);
    this.closed();
    return true;
  }

  #resize(height: number): void {
    this.element.style.height = `${Math.max(SMALLEST, height)}px`;
  }

  #drag(grip: HTMLElement, begin: PointerEvent): void {
    const height = this.element.offsetHeight;
    grip.setPointerCapture(begin.pointerId);
    const move = (event: PointerEvent): void => this.#resize(height + begin.clientY - event.clientY);
    const end = (): void => {
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", end);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end);
  }
}
