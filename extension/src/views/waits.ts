// What the run waits for from a person, with Approve and Reject. Nothing is called approved before the event is in the history: a click
// turns into "sent", and the card leaves when a picture says that the wait is answered.
import { badge, html, set, text } from "../dom";
import { tickingText } from "../durations";
import { refocus } from "../keys";
import { type Act, newToken, type Notice, type Wait } from "../protocol";

export type Answer = "approve" | "reject";
const NO_ANSWER_AFTER_MS = 5000;
const LABELS: Readonly<Record<Answer, string>> = { approve: "Approve", reject: "Reject" };

export class WaitCards {
  readonly element = html("div", { class: "wf-waits" });
  readonly #cards = new Map<string, WaitCard>();
  /** What somebody was told whose answer came too late, of a card that has left since. */
  farewell = "";

  constructor(private readonly act: (act: Act) => void) {}

  /** Draw the open waits; whether one left that had the focus. */
  draw(waits: readonly Wait[], now: number): boolean {
    const open = new Set(waits.map((wait) => wait.id));
    let lostFocus = false;
    for (const [id, card] of this.#cards) {
      if (open.has(id)) continue;
      lostFocus ||= card.element.contains(document.activeElement);
      this.farewell ||= card.told;
      card.remove();
      this.#cards.delete(id);
    }
    for (const wait of waits) {
      if (!this.#cards.has(wait.id)) {
        const card = new WaitCard(wait, this.act);
        this.#cards.set(wait.id, card);
        this.element.append(card.element);
      }
    }
    this.tick(now);
    return lostFocus;
  }

  tick(now: number): void {
    for (const card of this.#cards.values()) card.tick(now);
  }

  hear(notice: Notice): boolean {
    return [...this.#cards.values()].some((card) => card.hear(notice));
  }

  /** Say why nothing can be done, or (null) that it can. */
  block(reason: string | null): void {
    for (const card of this.#cards.values()) card.block(reason);
  }
}

class WaitCard {
  readonly element: HTMLElement;
  readonly #times = html("span", { class: "wf-muted" });
  readonly #said = html("span", { class: "wf-said", role: "status" });
  readonly #buttons: Readonly<Record<Answer, HTMLButtonElement>>;
  #sent: { readonly answer: Answer; readonly token: string } | null = null;
  #blocked: string | null = null;
  #told = "";
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wait: Wait, private readonly act: (act: Act) => void) {
    this.#buttons = { approve: this.#button("approve"), reject: this.#button("reject") };
    const event = html("strong", { dir: "auto", class: "wf-event" }, wait.event);
    const question = wait.title ? html("p", { class: "wf-question", dir: "auto" }, wait.title) : null;
    const line = html("p", {}, badge("SUSPENDED"), " waits for ", event, " ", this.#times);
    const actions = html("div", { class: "wf-actions" }, this.#buttons.approve, this.#buttons.reject, this.#said);
    const label = `Waits for ${wait.event}`;
    this.element = html("section", { class: "wf-wait", tabindex: -1, "data-wf-wait": wait.event, "data-wf-wait-id": wait.id, "aria-label": label }, question, line, actions);
  }

  tick(now: number): void {
    const left = this.wait.until === null ? "" : this.wait.until > now ? ` · times out in ${tickingText(this.wait.until - now)}` : " · time is up";
    text(this.#times, `for ${tickingText(now - this.wait.since)}${left}`);
  }

  /** What its person was told of an answer that did not count. */
  get told(): string {
    return this.#told;
  }

  hear(notice: Notice): boolean {
    if (this.#sent === null || notice.token !== this.#sent.token) return false;
    if (notice.level === "error") this.#release();
    else this.#told = notice.text;
    if (notice.text !== "") text(this.#said, notice.text); // nothing to say where it counts: the picture will show it
    return true;
  }

  block(reason: string | null): void {
    if (reason === this.#blocked) return;
    this.#blocked = reason;
    if (reason !== null) clearTimeout(this.#patience);
    this.#paint();
    text(this.#said, reason ?? "");
  }

  remove(): void {
    clearTimeout(this.#patience);
    this.element.remove();
  }

  #button(answer: Answer): HTMLButtonElement {
    const attributes = { type: "button", class: `wf-button wf-${answer}`, "data-wf-action": answer, "aria-label": `${LABELS[answer]} ${this.wait.event}` };
    const button = html("button", attributes, badge(answer === "approve" ? "COMPLETED" : "FAILED"), html("span", {}, LABELS[answer]));
    button.addEventListener("click", () => this.#send(answer));
    return button;
  }

  /** A second press of the same button after no answer came is the same act: its token is the same. */
  #send(answer: Answer): void {
    if (this.#blocked !== null || (this.#sent !== null && this.#sent.answer !== answer)) return;
    const token = this.#sent?.token ?? newToken();
    this.#sent = { answer, token };
    this.act({ type: "act", act: "raise", token, wait_id: this.wait.id, event: this.wait.event, data: answer === "approve", instance_id: null, verb: answer, comment: null, key: null });
    set(this.element, { "data-wf-sent": answer });
    text(this.#said, "sent; it counts once it is in the history");
    this.#paint();
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#doubt(), NO_ANSWER_AFTER_MS);
  }

  #doubt(): void {
    text(this.#said, "no answer from the kernel yet; press again to repeat");
    if (this.#sent) this.#buttons[this.#sent.answer].disabled = false;
  }

  #release(): void {
    clearTimeout(this.#patience);
    const pressed = this.#sent ? this.#buttons[this.#sent.answer] : null;
    this.#sent = null;
    set(this.element, { "data-wf-sent": undefined });
    this.#paint();
    if (this.element === document.activeElement) refocus(pressed);
  }

  #paint(): void {
    const disabled = this.#blocked !== null || this.#sent !== null;
    // a button that is disabled loses the focus to nowhere, and with it the way out by keyboard
    if (disabled && this.element.contains(document.activeElement)) refocus(this.element);
    for (const [answer, button] of Object.entries(this.#buttons)) {
      button.disabled = disabled;
      button.classList.toggle("wf-sending", this.#sent?.answer === answer);
    }
  }
}
