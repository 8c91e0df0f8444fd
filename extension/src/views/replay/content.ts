// The replay: code, variables, what is under way and the scrubber, at one step at a time. All of it is drawn from what the page has; only what it lacks is asked for.
import style from "../../../style/replay.css";
import { html, replace, set, text } from "../../dom";
import { type Focus, isRecord, isReplayPicture, type Link, type ReplayPicture, type StepDetail } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { viewOf } from "../../shell/shell";
import type { MakeView } from "../../view";
import { TO_STEP } from "../doors";
import { Around } from "./around";
import { Book } from "./book";
import { Breakpoints } from "./breakpoints";
import { button } from "./button";
import { CodePane } from "./code";
import { focusOfStep, Following, stepFor } from "./focusing";
import { ForkPanel } from "./forking";
import { Notes } from "./notes";
import { Parted } from "./parted";
import { Player } from "./player";
import { Scrubber } from "./scrubber";
import { svgOf } from "./svg";
import { VariablesPane } from "./variables";
import { clockText, number, plural, pythonText, sentenceOf, spokenStep } from "./words";

const MOST_ROWS = 300;
const KEYS: readonly KeyHelp[] = [
  { keys: "← →", what: "one step back, one on" },
  { keys: "Shift+← →", what: "to where this line ran before, or next" },
  { keys: "Home End", what: "first and last step" },
  { keys: "PgUp PgDn", what: "ten steps" },
  { keys: "[ ]", what: "previous and next failure" },
  { keys: "Space", what: "play and pause" },
  { keys: "d", what: "all variables, or only what changed" },
  { keys: "p", what: "pin the variable" },
  { keys: "w", what: "why: where the variable's value came from" },
  { keys: "b", what: "a breakpoint: a line, or an expression such as pay > 10" },
  { keys: "f e", what: "fork here; edit the result and fork" },
  { keys: "n", what: "a note about this step" },
  { keys: "l", what: "to the newest step" },
];

class ReplayContent implements Content<ReplayPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #book: Book;
  readonly #code: CodePane;
  readonly #variables: VariablesPane;
  readonly #scrubber = new Scrubber((position) => this.#go(position));
  readonly #forking: ForkPanel;
  readonly #player = new Player(() => this.#next(), () => this.#waited());
  readonly #banners = html("div", { class: "wf-strips" });
  readonly #parted: Parted;
  readonly #happened = html("p", { class: "wf-happened", "data-wf-event": "", dir: "auto" });
  readonly #around = new Around();
  readonly #why = html("p", { class: "wf-chain", "data-wf-chain": "", role: "status", hidden: true });
  readonly #place = html("span", { class: "wf-place", "data-wf-position": "" });
  readonly #live = button("Newest", "to the newest step (l)", "live", () => this.#goLive());
  readonly #notes: Notes;
  readonly #following: Following;
  readonly #failuresBefore = button("▲", "previous failure ( [ )", "previous-failure", () => this.#failure(-1));
  readonly #failures = button("", "next failure ( ] )", "next-failure", () => this.#failure(1));
  readonly #full = button("All variables", "all variables, or only what changed (d)", "full", () => this.#turnFull());
  readonly #breakpoints: Breakpoints;
  readonly #fork = button("Fork here", "a new run that shares what was done up to here (f)", "fork", () => this.#openFork(false));
  readonly #edit = button("Edit result + fork", "a new run with another result at this step (e)", "edit", () => this.#openFork(true));
  readonly #test = button("Export test", "a pytest that replays this history", "export-test", () => void this.#exportTest());
  readonly #exported = html("span", { class: "wf-muted", "data-wf-exported": "" });
  readonly #watchSize: ResizeObserver | null;
  #picture: ReplayPicture | null = null;
  #position = 0;
  #isFollowing = true;
  #owesFocus = false; // a step was made to where the page did not know yet what it is about
  #turns = 0;

  constructor(private readonly host: Host) {
    this.#book = new Book(host, () => {
      this.#draw();
      if (this.#owesFocus) this.#tellFocus();
    });
    this.#following = new Following(host);
    this.#notes = new Notes(host, { go: (position) => this.#go(position), leave: () => this.#toSlider() });
    this.#parted = new Parted((position) => this.#go(position), (sentence) => host.say(sentence));
    this.#breakpoints = new Breakpoints(host, this.#book, {
      total: () => this.#total,
      go: (position) => this.#go(position),
      found: () => this.#toHit(),
      leave: () => this.#toSlider(),
    });
    this.#code = new CodePane(this.#book, () => this.#draw(), (line) => void this.#breakpoints.at(line));
    this.#variables = new VariablesPane(this.#book, { why: (name) => void this.#explain(name) });
    this.#forking = new ForkPanel(host);
    const side = html(
      "div",
      { class: "wf-side" },
      this.#variables.element,
      this.#why,
      ...this.#around.panes,
      html("div", { class: "wf-replayacts", role: "toolbar", "aria-label": "What can be done at this step" }, this.#notes.button, this.#fork, this.#edit, this.#test, this.#exported),
    );
    const steps = html(
      "div",
      { class: "wf-stepper", role: "toolbar", "aria-label": "Steps" },
      button("|◀", "first step (Home)", "first", () => this.#go(1)),
      button("−10", "ten steps back (PgUp)", "ten-back", () => this.#go(this.#position - 10)),
      button("◀", "one step back (←)", "back", () => this.#go(this.#position - 1)),
      this.#player.button,
      button("▶", "one step on (→)", "next", () => this.#go(this.#position + 1)),
      button("+10", "ten steps on (PgDn)", "ten-on", () => this.#go(this.#position + 10)),
      button("▶|", "last step (End)", "last", () => this.#go(this.#total)),
      button("◀ same line", "to where this line ran before (Shift+←)", "line-before", () => this.#sameLine(-1)),
      button("same line ▶", "to where this line runs next (Shift+→)", "line-next", () => this.#sameLine(1)),
      this.#player.speed,
      this.#place,
      this.#happened,
      html("span", { class: "wf-grow" }),
      this.#live,
    );
    this.element = html(
      "div",
      { class: "wf-replay" },
      this.#banners,
      this.#parted.element,
      html("div", { class: "wf-triptych" }, this.#code.element, side),
      this.#forking.element,
      steps,
      this.#scrubber.element,
      this.#breakpoints.list,
      this.#notes.element,
    );
    this.element.addEventListener(TO_STEP, (event) => this.#turnTo(event as CustomEvent<unknown>));
    this.tools = [this.#full, this.#failuresBefore, this.#failures, this.#breakpoints.field, this.#breakpoints.button];
    this.#watchSize = typeof ResizeObserver === "function" ? new ResizeObserver(() => this.#drawScrubber()) : null;
    this.#watchSize?.observe(this.#scrubber.element);
  }

  fits(picture: unknown): picture is ReplayPicture {
    return isReplayPicture(picture);
  }

  draw(picture: ReplayPicture): void {
    const before = this.#picture;
    this.#picture = picture;
    this.#book.take(picture);
    if (before === null || before.key !== picture.key || this.#position === 0) this.#position = picture.position || Math.min(1, picture.steps_total);
    else if (this.#isFollowing && before.steps_total === this.#position) this.#position = picture.steps_total;
    if (before === null) this.#isFollowing = picture.position >= picture.steps_total;
    this.#draw();
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#notes.close() || this.#forking.close();
    const inField = event.target instanceof HTMLElement && event.target.closest("summary, textarea") !== null;
    if (event.shiftKey && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      this.#sameLine(event.key === "ArrowLeft" ? -1 : 1);
      return true;
    }
    const keys: Readonly<Record<string, () => unknown>> = {
      ArrowLeft: () => this.#go(this.#position - 1),
      ArrowRight: () => this.#go(this.#position + 1),
      Home: () => this.#go(1),
      End: () => this.#go(this.#total),
      PageUp: () => this.#go(this.#position - 10),
      PageDown: () => this.#go(this.#position + 10),
      "[": () => this.#failure(-1),
      "]": () => this.#failure(1),
      d: () => this.#turnFull(),
      l: () => this.#goLive(),
      n: () => this.#notes.openForm(),
      b: () => this.#breakpoints.field.focus(),
      f: () => this.#openFork(false),
      e: () => this.#openFork(true),
      p: () => this.#ofVariable((frame, name) => this.#variables.pin(frame, name)),
      w: () => this.#ofVariable((_, name) => void this.#explain(name)),
    };
    const act = event.shiftKey ? undefined : keys[event.key];
    if (act) {
      act();
      return true;
    }
    const onButton = event.target instanceof HTMLElement && event.target.closest("button") !== null;
    if (event.key !== " " || onButton || inField) return false;
    this.#player.turn();
    return true;
  }

  sentence(picture: ReplayPicture): string {
    return sentenceOf(picture);
  }

  table(picture: ReplayPicture): TableData {
    const steps = this.#book.all().slice(0, MOST_ROWS);
    const rows = steps.map((step) => [String(step.number), step.line === null ? "" : String(step.line), step.event, step.changed.join(", "), step.asked.map((one) => one.text).join("; "), clockText(step.at)]);
    return { caption: `Steps of ${picture.name}`, heads: ["Step", "Line", "Event", "Changed", "Asked for", "Recorded at (UTC)"], rows, total: picture.steps_total };
  }

  footnote(picture: ReplayPicture): string {
    const left = picture.left_out[0];
    return [plural(picture.steps_total, "step"), picture.is_reading ? "reading on …" : "", picture.label, left ?? ""].filter(Boolean).join(" · ");
  }

  code(picture: ReplayPicture): string {
    return `lab.get(${pythonText(picture.instance_id)}).replay().steps()`;
  }

  svg(picture: ReplayPicture): string | null {
    return picture.steps_total > 0 ? svgOf(picture, this.#position) : null;
  }

  block(reason: string | null): void {
    for (const button of [this.#fork, this.#edit, this.#test]) set(button, { disabled: reason !== null, title: reason ?? button.getAttribute("aria-label") ?? "" });
    if (reason !== null) this.#forking.close();
    this.#draw();
  }

  focus(focus: Focus | null): void {
    const picture = this.#picture;
    if (!this.#following.hears(focus) || focus === null || focus.instance_id !== picture?.instance_id || (focus.span_id ?? focus.group) === null) return;
    this.#owesFocus = false;
    const here = this.#book.step(this.#position);
    if (focus.span_id === null && here !== null && stepFor(focus, [here]) !== null) return; // in the group already
    this.#player.stop();
    if (this.host.blocked === null) void this.#find(focus);
    else this.#follow(stepFor(focus, this.#book.all()));
  }

  look(isSeen: boolean): void {
    if (!isSeen) this.#player.stop();
  }

  dispose(): void {
    this.#player.stop();
    this.#following.stop();
    this.#book.rest();
    this.#watchSize?.disconnect();
  }

  // What is shown.

  get #total(): number {
    return this.#picture?.steps_total ?? 0;
  }

  #draw(): void {
    const picture = this.#picture;
    if (picture === null) return;
    const step = this.#book.step(this.#position);
    if (step === null) this.#book.want(this.#position, this.#total);
    set(this.element, { "data-wf-step": this.#position, "data-wf-level": picture.level });
    this.#drawBanners(picture);
    this.#parted.draw(picture.divergence);
    this.#code.draw(picture, step, this.#position);
    this.#variables.draw(step, this.#position, this.#whyNone(picture, step));
    text(this.#place, this.#total === 0 ? "no steps yet" : `step ${number(this.#position)} of ${number(this.#total)}`);
    text(this.#happened, step === null ? "" : `${step.event} · event #${step.seq} · ${clockText(step.at)}`);
    this.#around.draw(step);
    this.#notes.draw(picture, this.#position);
    this.#live.hidden = picture.is_over && this.#position === this.#total;
    const newer = this.#total - this.#position;
    text(this.#live, !picture.is_over && newer > 0 ? `Jump to live (${number(newer)} new)` : "Newest");
    this.#failuresBefore.hidden = this.#failures.hidden = picture.failures.length === 0;
    text(this.#failures, `${plural(picture.failures.length, "failure")} ▼`);
    set(this.#full, { "aria-pressed": String(this.#variables.isFull) });
    this.#drawScrubber();
  }

  #drawScrubber(): void {
    if (this.#picture !== null) this.#scrubber.draw(this.#picture, this.#position, this.#breakpoints.hits, this.#notes.steps, spokenStep(this.#book.step(this.#position), this.#position, this.#total, this.#notes.steps.filter((at) => at === this.#position).length));
  }

  #whyNone(picture: ReplayPicture, step: StepDetail | null): string {
    if (this.#total === 0) return picture.is_over ? "The run ended before any code of it ran." : "No code has run yet.";
    if (step === null) return this.host.blocked === null ? "…" : `The variables of this step are not kept here: ${this.host.blocked}.`;
    if (picture.level === "events") return "No variables: no code was run for this (see above).";
    return picture.divergence === null ? "No variables at this step." : "The code went another way before this step.";
  }

  #drawBanners(picture: ReplayPicture): void {
    const drawn = JSON.stringify([picture.banners, picture.diff]);
    if (this.#banners.dataset["drawn"] === drawn) return;
    this.#banners.dataset["drawn"] = drawn;
    const diff = picture.diff && picture.divergence === null ? html("details", {}, html("summary", {}, "How it was edited"), html("pre", { class: "wf-code", tabindex: 0, "data-wf-sourcediff": "" }, picture.diff)) : null;
    replace(this.#banners, ...picture.banners.map((banner) => html("p", { class: "wf-strip", "data-wf-banner": "", dir: "auto" }, banner)), diff);
  }

  // What a person does.

  /** Turn to a step; `isOwn` says that the person did so here, which the other views are told. */
  #go(position: number, isOwn = true): void {
    const at = Math.max(Math.min(1, this.#total), Math.min(this.#total, position));
    if (at === this.#position) return;
    this.#position = at;
    this.#turns += 1;
    if (isOwn) this.#tellFocus();
    this.#isFollowing = at === this.#total;
    this.#why.hidden = true;
    this.#forking.close();
    this.#draw();
  }

  #tellFocus(): void {
    this.#following.tell(() => {
      const [picture, step] = [this.#picture, this.#book.step(this.#position)];
      this.#owesFocus = step === null && this.host.blocked === null;
      return picture === null || this.#owesFocus ? null : focusOfStep(picture.instance_id, step);
    });
  }

  #follow(step: number | null): void {
    if (step !== null) this.#go(step, false);
  }

  /** Ask the kernel where a call ended: a step may take up the ends of many, and names the last of them alone. */
  async #find({ span_id, group, attempt }: Focus): Promise<void> {
    const turns = (this.#turns += 1);
    try {
      const found = await this.host.ask("step_of", { span_id, group, attempt });
      if (turns === this.#turns && isRecord(found) && typeof found["step"] === "number") this.#follow(found["step"]);
    } catch {
      // nobody here has asked for it: the replay stays where it is
    }
  }

  /** JupyterLab's extension brings somebody here who has followed a link. */
  #turnTo(event: CustomEvent<unknown>): void {
    const { detail } = event;
    if (!isRecord(detail) || detail["instance_id"] !== this.#picture?.instance_id || typeof detail["step"] !== "number") return;
    event.preventDefault();
    this.#go(detail["step"]);
    this.#toSlider();
  }

  #toSlider(): void {
    (this.#scrubber.element.firstElementChild as HTMLElement | null)?.focus();
  }

  #next(): boolean {
    if (this.#position >= this.#total) return false;
    this.#go(this.#position + 1);
    return this.#position < this.#total;
  }

  #waited(): number | null {
    const [now, next] = [this.#book.step(this.#position), this.#book.step(this.#position + 1)];
    return now && next ? next.at - now.at : null;
  }

  #goLive(): void {
    this.#go(this.#total);
    this.#isFollowing = true;
  }

  #turnFull(): void {
    this.#variables.turnFull();
    set(this.#full, { "aria-pressed": String(this.#variables.isFull) });
  }

  #failure(way: 1 | -1): void {
    const failures = this.#picture?.failures ?? [];
    const next = way > 0 ? failures.find((at) => at > this.#position) : failures.filter((at) => at < this.#position).slice(-1)[0];
    const around = next ?? (way > 0 ? failures[0] : failures[failures.length - 1]);
    if (around !== undefined) this.#go(around);
  }

  /** To the step before or after in which the line of this step ran. */
  #sameLine(way: 1 | -1): void {
    const line = this.#book.step(this.#position)?.line ?? null;
    const at = line === null ? [] : this.#book.running(line);
    const next = way > 0 ? at.find((one) => one > this.#position) : at.filter((one) => one < this.#position).slice(-1)[0];
    if (next !== undefined) this.#go(next);
    else this.host.say(way > 0 ? "this line does not run again" : "this line has not run before");
  }

  #ofVariable(act: (frame: string, name: string) => void): void {
    const step = this.#book.step(this.#position);
    const focused = this.#variables.focused;
    const frame = focused?.frame ?? step?.frames[0]?.name;
    const name = focused?.name ?? step?.changed[0];
    if (frame !== undefined && name !== undefined) act(frame, name);
    else this.host.say("no variable is chosen");
  }

  async #explain(name: string): Promise<void> {
    const position = this.#position;
    this.#why.hidden = false;
    text(this.#why, "…");
    try {
      const data = await this.host.ask("explain", { name, step: position });
      const chain = isRecord(data) && Array.isArray(data["chain"]) ? (data["chain"] as readonly Link[]) : [];
      const parts = chain.flatMap((link, place): (HTMLElement | string)[] => {
        if (place === 0) return [html("strong", {}, link.text)];
        const at = link.step;
        const step = at === null ? [] : [" ", button(`step ${at}`, `to step ${at}`, "chain-step", () => this.#go(at))];
        return [" ← ", link.text, ...step];
      });
      replace(this.#why, ...parts);
    } catch (reason) {
      text(this.#why, reason instanceof Error ? reason.message : String(reason));
    }
  }

  /** To the first step at which the breakpoint holds and that is not passed yet. */
  #toHit(): void {
    const hits = this.#breakpoints.hits;
    const next = hits.find((at) => at >= this.#position) ?? hits[0];
    if (next !== undefined) this.#go(next);
    this.#drawScrubber();
  }

  #openFork(isEdit: boolean): void {
    if (this.host.blocked !== null) this.host.say(this.host.blocked);
    else if (this.#total > 0) void this.#forking.open(this.#position, isEdit);
  }

  async #exportTest(): Promise<void> {
    try {
      const data = await this.host.ask("export_test");
      text(this.#exported, isRecord(data) ? `written: ${String(data["path"])}` : "");
    } catch (reason) {
      text(this.#exported, reason instanceof Error ? reason.message : String(reason));
    }
  }
}

export const REPLAY: MakeView = viewOf("replay", style, (host) => new ReplayContent(host));
