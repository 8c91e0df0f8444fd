// The sidebar's cards of what waits for a person. Nothing is called approved before the lab says that the wait is gone.
import { badge, html, replace, set, text } from "../dom";
import { tickingText } from "../durations";
import { newToken, type Notice } from "../protocol";
import type { Approval } from "../protocol_lab";

export type Verb = "approve" | "reject";
export type Answer = (approval: Approval, verb: Verb, token: string) => void;

const NO_ANSWER_AFTER_MS = 5000;
const LABELS: Readonly<Record<Verb, string>> = { approve: "Approve", reject: "Reject" };

export class ApprovalCards {
  readonly element = html("ul", { "aria-label": "Waiting for an answer" });
  #cards = new Map<string, ApprovalCard>();

  constructor(private readonly answer: Answer) {}

  draw(approvals: readonly Approval[], now: number, isLive: boolean): void {
    const cards = new Map<string, ApprovalCard>();
    for (const approval of approvals) {
      const key = JSON.stringify([approval.instance_id, approval.wait_id, approval.since]);
      cards.set(key, this.#cards.get(key) ?? new ApprovalCard(approval, this.answer));
    }
    for (const [key, card] of this.#cards) if (!cards.has(key)) card.remove();
    this.#cards = cards;
    const elements = [...cards.values()].map((card) => card.element);
    // to put back what is there already would take the focus from a button in it
    if (elements.length !== this.element.children.length || elements.some((element, at) => this.element.children[at] !== element)) replace(this.element, ...elements);
    for (const card of cards.values()) card.block(!isLive);
    this.tick(now);
  }

  tick(now: number): void {
    for (const card of this.#cards.values()) card.tick(now);
  }

  hear(notice: Notice): void {
    for (const card of this.#cards.values()) card.hear(notice);
  }
}

/** Enough of a long id to tell it from others; whoever needs the whole finds it as the title. */
export function shortId(id: string): string {
  return id.length > 20 ? `${id.slice(0, 8)}…` : id;
}

class ApprovalCard {
  readonly element: HTMLElement;
  readonly #times = html("p", { class: "wf-muted" });
  readonly #said = html("p", { class: "wf-said", role: "status" });
  readonly #buttons: Readonly<Record<Verb, HTMLButtonElement>>;
  #sent: { readonly verb: Verb; readonly token: string } | null = null;
  #isBlocked = false;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly approval: Approval, private readonly answer: Answer) {
    const { event, title, workflow, instance_id, risk, requester } = approval;
    const asked = [risk === null ? "" : `${risk} risk`, requester === null ? "" : `by ${requester}`].filter((word) => word !== "").join(" · ");
    this.#buttons = { approve: this.#button("approve"), reject: this.#button("reject") };
    this.element = html(
      "li",
      { class: "wf-approval", tabindex: -1, "data-wf-wait": event, "data-wf-instance": instance_id },
      html("p", { class: "wf-approval-title", dir: "auto" }, title ?? event),
      html("p", { class: "wf-muted", dir: "auto", title: instance_id }, `${title === null ? "" : `${event} · `}${workflow} · ${shortId(instance_id)}`),
      asked === "" ? null : html("p", { class: "wf-approval-risk", dir: "auto", "data-wf-risk": risk ?? undefined }, asked),
      this.#times,
      html("div", { class: "wf-answers" }, this.#buttons.approve, this.#buttons.reject),
      this.#said,
    );
  }

  tick(now: number): void {
    const { since, until } = this.approval;
    const left = until === null ? "" : until > now ? ` · times out in ${tickingText(until - now)}` : " · time is up";
    text(this.#times, `for ${tickingText(now - since)}${left}`);
  }

  hear(notice: Notice): void {
    if (this.#sent === null || notice.token !== this.#sent.token) return;
    clearTimeout(this.#patience);
    if (notice.level === "error") this.#release();
    text(this.#said, notice.text);
  }

  /** With no kernel to send it to nothing can be answered. */
  block(isBlocked: boolean): void {
    if (isBlocked === this.#isBlocked) return;
    this.#isBlocked = isBlocked;
    if (isBlocked) this.#release();
    this.#paint();
    text(this.#said, isBlocked ? "needs the kernel: run %load_ext wflab" : "");
  }

  remove(): void {
    clearTimeout(this.#patience);
    this.element.remove();
  }

  #button(verb: Verb): HTMLButtonElement {
    const { event, workflow } = this.approval;
    const attributes = { type: "button", class: "wf-button", "data-wf-action": verb, "aria-label": `${LABELS[verb]} ${event} of ${workflow}` };
    const button = html("button", attributes, badge(verb === "approve" ? "COMPLETED" : "FAILED"), html("span", {}, LABELS[verb]));
    button.addEventListener("click", () => this.#send(verb));
    return button;
  }

  /** A second press of the same button after no answer came is the same act: its token is the same. */
  #send(verb: Verb): void {
    if (this.#isBlocked || (this.#sent !== null && this.#sent.verb !== verb)) return;
    const token = this.#sent?.token ?? newToken();
    this.#sent = { verb, token };
    text(this.#said, "sent; it counts once it is in the history");
    this.#paint();
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#doubt(), NO_ANSWER_AFTER_MS);
    this.answer(this.approval, verb, token);
  }

  #doubt(): void {
    text(this.#said, "no answer from the kernel yet; press again to repeat");
    if (this.#sent) this.#buttons[this.#sent.verb].disabled = false;
  }

  #release(): void {
    clearTimeout(this.#patience);
    this.#sent = null;
    this.#paint();
  }

  #paint(): void {
    const isDisabled = this.#isBlocked || this.#sent !== null;
    // a button that is disabled loses the focus to nowhere, and with it the way on by keyboard
    if (isDisabled && this.element.contains(document.activeElement)) this.element.focus({ preventScroll: true });
    for (const [verb, button] of Object.entries(this.#buttons)) {
      button.disabled = isDisabled;
      button.classList.toggle("wf-sending", this.#sent?.verb === verb);
    }
    set(this.element, { "data-wf-sent": this.#sent?.verb });
  }
}
