// One question and its answer. Nothing is called decided before the kernel says so; a deadline that has passed locks everything, and an answer
// rests for a few seconds before it is sent, in which it can be taken back.
import { badge, html, replace, set, text } from "../../dom";
import { tickingText } from "../../durations";
import { refocus } from "../../keys";
import { type InboxItem, type InboxOutcome, isRecord, newToken } from "../../protocol";
import type { Host } from "../../shell/content";
import { About } from "./about";
import { changesOf, diffOf } from "./diff";
import type { Drafts } from "./drafts";
import { Form } from "./form";
import { nodesOf } from "./markdown";
import { flagOf, isPlain, readSchema, resolved, type Schema } from "./schema";

const UNDO_MS = 5000;
const NO_UNDO_WITHIN_MS = 30_000;
const BANNER_MS = 60_000;
const NO_ANSWER_AFTER_MS = 5000;
const ANNOUNCED_MS: readonly number[] = [600_000, 60_000];

export type Verb = "approve" | "reject" | "respond";
type Phase = "open" | "resting" | "sent" | "closed";
interface Answer {
  readonly verb: Verb | "edit";
  readonly data: unknown;
  readonly token: string;
}

const DONE: Readonly<Record<Answer["verb"], string>> = { approve: "approved", edit: "edited and approved", reject: "rejected", respond: "answered" };

export class Desk {
  readonly element: HTMLElement;
  readonly #schema: Schema | null;
  readonly #flag: string | null;
  readonly #form: Form | null;
  readonly #free: HTMLTextAreaElement | null;
  readonly #comment = html("textarea", { class: "wf-field", rows: 2, "data-wf-field": "comment" });
  readonly #commentWrong = html("p", { class: "wf-wrong" });
  readonly #banner = html("p", { class: "wf-deadline", role: "status", hidden: true });
  readonly #said = html("p", { class: "wf-deskword", role: "status" });
  readonly #description = html("div", { class: "wf-description wf-markdown", dir: "auto" });
  readonly #diff = html("div", {});
  readonly #buttons = new Map<Verb, HTMLButtonElement>();
  readonly #undo = html("button", { type: "button", class: "wf-button", "data-wf-action": "undo", hidden: true }, html("span", {}, "Undo (u)"));
  readonly #notes: HTMLElement;
  readonly #about: About;
  #item: InboxItem;
  #phase: Phase = "open";
  #answer: Answer | null = null;
  #blocked: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #restsUntil = 0;
  #now = 0;
  #lastLeft = Number.POSITIVE_INFINITY;

  constructor(private readonly host: Host, item: InboxItem, schema: string | undefined, private readonly drafts: Drafts, now: number) {
    this.#item = item;
    this.#now = now;
    this.#schema = readSchema(schema);
    this.#flag = flagOf(this.#schema);
    this.#about = new About(item.event, item.until);
    this.#form = this.#schema === null || isPlain(this.#schema) ? null : new Form(this.#schema, this.#flag === null ? [] : [this.#flag], () => this.#edited());
    this.#free = this.#schema === null ? html("textarea", { class: "wf-field", rows: 2, "data-wf-field": "answer", spellcheck: "false" }) : null;
    this.#restore();
    this.#notes = this.#noteTools();
    this.#undo.addEventListener("click", () => this.undo());
    this.#comment.addEventListener("input", () => this.#edited());
    this.#free?.addEventListener("input", () => this.#edited());
    this.element = this.#frame();
    this.#edited(false);
    this.#paint();
    this.tick(now);
    this.reload();
  }

  get item(): InboxItem {
    return this.#item;
  }

  /** Whether there is something under way that must not be forgotten. */
  get isBusy(): boolean {
    return this.#phase === "resting" || this.#phase === "sent";
  }

  update(item: InboxItem): void {
    this.#item = item;
  }

  /** The question is open no more: say what became of it, unless this very answer is still to be heard of. */
  gone(): void {
    if (this.#phase === "closed" || this.#phase === "sent") return;
    const wasResting = this.#phase === "resting";
    const { until } = this.#item;
    this.#close(until !== null && this.#now >= until ? timedOut(until) : "answered meanwhile", wasResting);
    const { key, wait_id, instance_id, event } = this.#item;
    this.host.ask("outcome", { key, wait_id, instance_id, event }).then(
      (found) => {
        if (isRecord(found) && typeof found["reason"] === "string") this.#close((found as unknown as InboxOutcome).reason, wasResting);
      },
      () => undefined,
    );
  }

  tick(now: number): void {
    this.#now = now;
    const { until } = this.#item;
    if (until === null) return;
    const left = until - now;
    if (left <= 0 && this.#phase !== "closed" && this.#phase !== "sent") this.#close(timedOut(until), this.#phase === "resting");
    const isNear = left > 0 && left <= BANNER_MS && this.#phase === "open";
    set(this.#banner, { hidden: !isNear });
    if (isNear) text(this.#banner, `Closes in ${tickingText(left)}; after that the workflow takes its timeout branch.`);
    for (const mark of ANNOUNCED_MS) if (this.#lastLeft > mark && left <= mark && left > 0 && this.#lastLeft !== Number.POSITIVE_INFINITY) this.host.say(`${this.#title} closes in ${tickingText(left)}`);
    this.#lastLeft = left;
  }

  block(reason: string | null): void {
    if (reason !== null && this.#phase === "resting") this.undo("not sent: the kernel is gone; what you entered is kept");
    if (reason !== this.#blocked) {
      this.#blocked = reason;
      this.#paint();
      if (reason === null) this.reload();
    }
  }

  heard(token: string | null, word: string, level: "info" | "error"): boolean {
    if (token === null || token !== this.#answer?.token) return false;
    clearTimeout(this.#timer);
    if (level === "error") {
      this.#phase = "open";
      this.#say(word, "error");
      this.#paint();
    } else if (word === "") {
      this.drafts.drop(this.#item.id);
      this.#close(`${DONE[this.#answer.verb]}: it is in the history`, false);
    } else this.#close(word, false);
    this.reload();
    return true;
  }

  answer(verb: Verb): void {
    if (this.#phase !== "open" || this.#blocked !== null || this.#buttons.get(verb)?.disabled !== false) return;
    const read = this.#read(verb);
    if (read === null) return;
    this.#answer = { verb: verb === "approve" && this.#form?.isEdited === true ? "edit" : verb, data: read.value, token: newToken() };
    if (this.#item.until !== null && this.#item.until - this.#now < NO_UNDO_WITHIN_MS) this.#send();
    else this.#rest();
  }

  undo(word = "taken back; nothing was sent"): void {
    if (this.#phase !== "resting") return;
    clearTimeout(this.#timer);
    this.#phase = "open";
    this.#answer = null;
    this.#say(word, "info");
    this.#paint();
  }

  edit(): void {
    if (this.#form?.focus() !== true) (this.#free ?? this.#comment).focus();
  }

  comment(): void {
    this.#comment.focus();
  }

  focus(): void {
    if (this.#form?.focus() !== true) ([...this.#buttons.values()].find((button) => !button.disabled) ?? this.element).focus();
  }

  reload(): void {
    const { key, wait_id, instance_id, event } = this.#item;
    if (this.host.blocked !== null) {
      this.#about.say(this.host.blocked);
      return;
    }
    this.host.ask("detail", { key, wait_id, instance_id, event }).then(
      (detail) => {
        this.#about.show(detail);
        if (isRecord(detail)) replace(this.#description, ...nodesOf(detail["description"]));
      },
      (error: unknown) => this.#about.say(error instanceof Error ? error.message : String(error)),
    );
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  get #title(): string {
    return this.#item.title ?? this.#item.event;
  }

  get #reasonNeeded(): boolean {
    return this.#schema?.["x-reject-reason"] === true || this.#schema?.["x-reject-reason"] === "required";
  }

  #frame(): HTMLElement {
    const whole = this.#schema === null ? {} : resolved(this.#schema, this.#schema);
    const description = typeof whole["description"] === "string" ? whole["description"] : "";
    const { workflow, event, instance_id, parent } = this.#item;
    const run = html("button", { type: "button", class: "wf-small", "data-wf-action": "focus-run", title: `turn all views to run ${instance_id}` }, html("code", {}, instance_id.length > 12 ? `${instance_id.slice(0, 10)}…` : instance_id));
    run.addEventListener("click", () => this.host.focusOn({ instance_id, group: null, span_id: null, attempt: null }));
    const free = this.#free;
    const freeBox = free === null ? null : html("details", { class: "wf-free" }, html("summary", {}, "Respond with something else"), labelled("Answer, as JSON or plain text", free, null));
    const form = html(
      "form",
      { class: "wf-deskform", "aria-label": `Answer to ${this.#title}`, novalidate: true },
      this.#form?.element ?? null,
      freeBox,
      labelled(this.#reasonNeeded ? "Comment, kept in the record (a rejection needs one)" : "Comment, kept in the record", this.#comment, this.#commentWrong),
      this.#diff,
      html("div", { class: "wf-actions" }, ...this.#verbs(), this.#undo),
      this.#said,
    );
    form.addEventListener("submit", (event_) => event_.preventDefault());
    return html(
      "section",
      { class: "wf-desk", tabindex: -1, "aria-label": this.#title, "data-wf-wait": event, "data-wf-wait-id": this.#item.wait_id, "data-wf-desk": this.#item.id },
      html("h3", { class: "wf-question", dir: "auto" }, this.#title),
      html("p", { class: "wf-muted", dir: "auto" }, `${workflow} · ${event}${parent === null ? "" : ` · child of ${parent}`} `, run),
      this.#item.risk === null && this.#item.requester === null ? null : html("p", { class: "wf-risk", dir: "auto", "data-wf-risk": this.#item.risk ?? undefined }, this.#item.risk === null ? null : html("strong", {}, `${this.#item.risk} risk`), this.#item.requester === null ? null : ` requested by ${this.#item.requester}`),
      this.#description,
      description === "" ? null : html("p", { class: "wf-description", dir: "auto" }, description),
      this.#banner,
      form,
      this.#notes,
      this.#about.element,
    );
  }

  #verbs(): HTMLButtonElement[] {
    const isYesNo = isPlain(this.#schema) || this.#flag !== null;
    const verbs: readonly Verb[] = isYesNo ? (this.#schema === null ? ["approve", "respond", "reject"] : ["approve", "reject"]) : ["respond", "reject"];
    return verbs.map((verb) => {
      const labels: Readonly<Record<Verb, string>> = { approve: "Approve (a)", respond: "Respond", reject: "Reject (r)" };
      const mark = verb === "reject" ? badge("FAILED") : badge("COMPLETED");
      const button = html("button", { type: "button", class: `wf-button wf-${verb}`, "data-wf-action": verb }, mark, html("span", {}, labels[verb]));
      button.addEventListener("click", () => this.answer(verb));
      this.#buttons.set(verb, button);
      return button;
    });
  }

  #noteTools(): HTMLElement {
    const name = html("input", { type: "text", class: "wf-field", "aria-label": "Delegate to", placeholder: "name", "data-wf-field": "assignee" });
    const delegate = html("button", { type: "button", class: "wf-small", "data-wf-action": "delegate" }, "Delegate");
    delegate.addEventListener("click", () => this.#note("delegate", name.value));
    const until = html("select", { class: "wf-field", "aria-label": "Snooze for" }, ...[["15", "15 min"], ["60", "1 h"], ["1440", "1 day"]].map(([minutes = "", label = ""]) => html("option", { value: minutes }, label)));
    const snooze = html("button", { type: "button", class: "wf-small", "data-wf-action": "snooze" }, "Snooze");
    snooze.addEventListener("click", () => this.#note("snooze", this.#now + Number(until.value) * 60_000));
    const ignore = html("button", { type: "button", class: "wf-small", "data-wf-action": "ignore" }, this.#item.is_ignored ? "Stop ignoring" : "Ignore");
    ignore.addEventListener("click", () => this.#note(this.#item.is_ignored ? "restore" : "ignore", null));
    return html("div", { class: "wf-notes", role: "group", "aria-label": "Without an answer" }, name, delegate, until, snooze, ignore, html("span", { class: "wf-muted wf-noteword", role: "status" }));
  }

  #note(verb: string, value: unknown): void {
    const { key, wait_id, instance_id, event } = this.#item;
    const word = this.#notes.querySelector(".wf-noteword");
    const told: Readonly<Record<string, string>> = {
      delegate: `noted: for ${String(value)}`,
      snooze: "put off, and noted; this does not move the deadline",
      ignore: "ignored, and noted; nothing was sent, the deadline decides",
      restore: "back in the list",
    };
    this.host.ask("note", { key, wait_id, instance_id, event, verb, value }).then(
      () => {
        if (word) text(word, told[verb] ?? "noted");
        this.reload();
      },
      (error: unknown) => {
        if (word) text(word, error instanceof Error ? error.message : String(error));
      },
    );
  }

  /** The value to send, or null where something is wrong with it, which is shown. */
  #read(verb: Verb): { readonly value: unknown } | null {
    text(this.#commentWrong, "");
    if (verb === "reject" && this.#reasonNeeded && this.#comment.value.trim() === "") {
      text(this.#commentWrong, "say why: this question wants a reason for a rejection");
      this.#comment.focus();
      return null;
    }
    if (this.#form === null || (verb === "reject" && this.#flag === null)) {
      if (verb === "respond") return { value: parsed(this.#free?.value ?? "") };
      return { value: verb === "approve" };
    }
    const { value, wrong } = this.#form.read(this.#flag === null ? {} : { [this.#flag]: verb === "approve" });
    this.#form.complain(wrong, true);
    if (wrong.length > 0) this.#say("not sent: mend what is marked", "error");
    return wrong.length > 0 ? null : { value };
  }

  #rest(): void {
    this.#phase = "resting";
    this.#restsUntil = Date.now() + UNDO_MS;
    this.#paint();
    this.#countDown();
    this.#undo.focus({ preventScroll: true });
  }

  #countDown(): void {
    const left = this.#restsUntil - Date.now();
    if (left <= 0) {
      this.#send();
      return;
    }
    this.#say(`${this.#answer ? DONE[this.#answer.verb] : ""}; sent in ${Math.ceil(left / 1000)} s`, "info");
    this.#timer = setTimeout(() => this.#countDown(), Math.min(left, 250));
  }

  #send(): void {
    const answer = this.#answer;
    if (answer === null) return;
    this.#phase = "sent";
    const { wait_id, event, instance_id, key } = this.#item;
    this.host.send({ type: "act", act: "raise", token: answer.token, wait_id, event, data: answer.data, instance_id, verb: answer.verb, comment: this.#comment.value.trim() || null, key });
    this.#say("sent; it counts once it is in the history", "info");
    this.#paint();
    this.#timer = setTimeout(() => this.#say("sent, but no answer from the kernel yet", "info"), NO_ANSWER_AFTER_MS);
  }

  #close(word: string, wasResting: boolean): void {
    clearTimeout(this.#timer);
    this.#phase = "closed";
    this.#say(wasResting ? `not sent: ${word}` : word, "info");
    this.#paint();
  }

  #say(word: string, level: "info" | "error"): void {
    text(this.#said, word);
    set(this.#said, { "data-level": level });
  }

  #edited(keep = true): void {
    if (this.#form !== null) {
      const isEdited = this.#form.isEdited;
      replace(this.#diff, isEdited ? diffOf(changesOf(this.#form.initial, this.#form.draft())) : null);
      const label = this.#buttons.get("approve")?.querySelector("span:last-child");
      if (label) text(label, isEdited ? "Edit & approve (a)" : "Approve (a)");
      if (keep) this.#form.complain(this.#form.element.querySelector("[aria-invalid]") === null ? [] : this.#form.read(this.#flag === null ? {} : { [this.#flag]: true }).wrong, false);
    }
    if (keep) this.drafts.keep(this.#item.id, { value: this.#form?.draft() ?? this.#free?.value, comment: this.#comment.value });
    this.#paint();
  }

  #restore(): void {
    const draft = this.drafts.find(this.#item.id);
    if (draft === null) return;
    this.#comment.value = draft.comment;
    if (this.#form !== null && draft.value !== undefined) this.#form.write(draft.value);
    else if (this.#free !== null && typeof draft.value === "string") this.#free.value = draft.value;
  }

  #paint(): void {
    const isFree = this.#phase === "open" && this.#blocked === null;
    const cannotReject = !isPlain(this.#schema) && this.#flag === null;
    const hadFocus = this.element?.contains(document.activeElement) === true && document.activeElement instanceof HTMLButtonElement;
    for (const [verb, button] of this.#buttons) {
      const isMute = (verb === "respond" && this.#free !== null && this.#free.value.trim() === "") || (verb === "reject" && cannotReject);
      button.disabled = !isFree || isMute;
      set(button, { title: this.#blocked ?? (verb === "reject" && cannotReject ? "this question takes an answer, not a yes or no" : verb === "respond" && isMute ? "enter an answer first" : undefined) });
      button.classList.toggle("wf-sending", this.isBusy && (this.#answer?.verb === verb || (this.#answer?.verb === "edit" && verb === "approve")));
    }
    this.#undo.hidden = this.#phase !== "resting";
    this.#form?.lock(this.#phase !== "open");
    for (const field of [this.#comment, this.#free]) if (field) field.disabled = this.#phase !== "open";
    for (const control of this.#notes.querySelectorAll("button, input, select")) set(control, { disabled: this.#blocked !== null || this.#phase === "closed" });
    if (this.#blocked !== null && this.#phase === "open") this.#say(this.#blocked, "info");
    else if (this.#phase === "open" && this.#said.textContent?.startsWith("needs a running kernel")) this.#say("", "info");
    if (this.element) set(this.element, { "data-wf-phase": this.#phase });
    if (hadFocus && document.activeElement instanceof HTMLButtonElement && document.activeElement.disabled) refocus(this.element);
  }
}

function timedOut(until: number): string {
  return `timed out at ${new Date(until).toLocaleTimeString("en-GB")}, the workflow took the timeout branch`;
}

/** JSON where it is any, else the text itself. */
function parsed(entered: string): unknown {
  try {
    return JSON.parse(entered) as unknown;
  } catch {
    return entered;
  }
}

let fields = 0;

function labelled(label: string, control: HTMLTextAreaElement, wrong: HTMLElement | null): HTMLElement {
  const id = `wf-desk-${++fields}-${Math.random().toString(36).slice(2, 8)}`;
  control.id = id;
  if (wrong) {
    wrong.id = `${id}-wrong`;
    control.setAttribute("aria-describedby", wrong.id);
  }
  return html("div", { class: "wf-entry" }, html("label", { for: id }, label), control, wrong);
}
