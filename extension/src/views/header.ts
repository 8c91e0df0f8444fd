// The first line: how the run stands, which one it is, how long it has taken, and whether what is shown is live.
import { badge, html, paintBadge, set, svg, text, tint } from "../dom";
import { spanText, tickingText } from "../durations";
import type { RunHead } from "../protocol";

const COPIED_FOR_MS = 1500;
const SHORT_ID = 8;
const COPY = "M5.5 5.5h7v8h-7zM3.5 10.5v-8h7";

export class Header {
  readonly element: HTMLElement;
  readonly #badge = badge("UNKNOWN");
  readonly #state = html("span", { class: "wf-state" });
  readonly #pill = html("span", { class: "wf-pill" }, this.#badge, this.#state);
  readonly #name = html("strong", { class: "wf-workflow", dir: "auto" });
  readonly #id = html("code", {});
  readonly #copy = html("button", { type: "button", class: "wf-copy", title: "Copy the instance id", "aria-label": "Copy the instance id" }, svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: COPY, class: "wf-thin" })));
  readonly #generation = html("span", { class: "wf-muted" });
  readonly #custom = html("span", { class: "wf-chip", dir: "auto", title: "custom status" });
  readonly #forked = html("span", { class: "wf-chip", dir: "auto", "data-wf-forked": "", hidden: true });
  readonly #time = html("span", { class: "wf-time" });
  readonly #dot = html("span", { class: "wf-dot", "aria-hidden": "true" });
  readonly #live = html("span", { class: "wf-muted" });
  #picture: RunHead | null = null;

  constructor() {
    const identity = html("span", { class: "wf-id" }, this.#id, this.#copy);
    const clock = html("span", { class: "wf-clock" }, this.#time, this.#dot, this.#live);
    this.element = html("div", { class: "wf-head" }, this.#pill, this.#name, identity, this.#generation, this.#forked, this.#custom, clock);
    this.#copy.addEventListener("click", () => void this.copyId());
  }

  draw(picture: RunHead, now: number, isThere: boolean): void {
    this.#picture = picture;
    paintBadge(this.#badge, picture.status);
    tint(this.#pill, picture.status);
    text(this.#state, picture.status);
    text(this.#name, picture.name);
    const id = picture.instance_id;
    text(this.#id, id.length > SHORT_ID + 2 ? `${id.slice(0, SHORT_ID)}…` : id);
    set(this.#id, { title: id });
    text(this.#generation, picture.generation > 0 ? `generation ${picture.generation}` : "");
    this.#drawFork(picture.forked_from ?? null);
    const custom = picture.custom_status ?? "";
    text(this.#custom, custom.replace(/^"(.*)"$/s, "$1"));
    this.#custom.hidden = custom === "" || custom === "null";
    this.#dot.classList.toggle("wf-lost", !isThere);
    this.#dot.hidden = picture.is_over;
    text(this.#live, picture.is_over ? "" : isThere ? "live" : `as of ${new Date(now).toLocaleTimeString()}`);
    this.tick(now);
  }

  #drawFork(source: readonly [instance: string, at: number] | null): void {
    this.#forked.hidden = source === null;
    if (source === null) return;
    const [id, at] = source;
    text(this.#forked, `forked from ${id.length > SHORT_ID + 2 ? `${id.slice(0, SHORT_ID)}…` : id} at event ${at}`);
    set(this.#forked, { title: `It shares the past of ${id} up to event ${at}: run.forked_from` });
  }

  /** The head of a view that is not of one run. */
  entitle(title: string, now: number, isThere: boolean): void {
    this.#pill.hidden = this.#copy.hidden = this.#custom.hidden = this.#forked.hidden = true;
    text(this.#name, title);
    this.#dot.classList.toggle("wf-lost", !isThere);
    text(this.#live, isThere ? "live" : `as of ${new Date(now).toLocaleTimeString()}`);
  }

  tick(now: number): void {
    const picture = this.#picture;
    if (picture === null) return;
    const since = picture.started ?? picture.created;
    text(this.#time, picture.ended === null ? tickingText(now - since) : spanText((picture.ended - since) / 1000));
  }

  /** Copy the whole id, or select it where there is no clipboard. */
  async copyId(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.#picture?.instance_id ?? "");
      this.#copy.classList.add("wf-copied");
    } catch {
      // no clipboard without a secure context: the whole id can be selected instead
      text(this.#id, this.#picture?.instance_id ?? "");
      getSelection()?.selectAllChildren(this.#id);
    }
    setTimeout(() => this.#copy.classList.remove("wf-copied"), COPIED_FOR_MS);
  }
}
