// Breakpoints: a line or an expression, and the steps at which it holds.
import { html, replace } from "../../dom";
import { isRecord } from "../../protocol";
import type { Host } from "../../shell/content";
import type { Book } from "./book";
import { button } from "./button";
import { plural } from "./words";

export interface Breaks {
  /** How many steps there are. */
  total(): number;
  go(position: number): void;
  /** The steps found are other ones; `next` is the first that is not passed yet. */
  found(): void;
  /** Whoever leaves the field goes there. */
  leave(): void;
}

export class Breakpoints {
  readonly field = html("input", { type: "text", class: "wf-field wf-break", placeholder: "line, or pay > 10", "aria-label": "Breakpoint: a line or an expression", "data-wf-field": "breakpoint", spellcheck: "false" });
  readonly button = button("Break", "steps at which the breakpoint holds (b)", "breakpoint", () => void this.find());
  readonly list = html("div", { class: "wf-hitlist", "data-wf-hits": "", hidden: true });
  hits: readonly number[] = [];

  constructor(private readonly host: Host, private readonly book: Book, private readonly breaks: Breaks) {
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) void this.find();
      else if (event.key === "Escape") this.breaks.leave();
    });
  }

  at(line: number): Promise<void> {
    this.field.value = String(line);
    return this.find();
  }

  async find(): Promise<void> {
    const wanted = this.field.value.trim();
    if (wanted === "") {
      this.#show([], "");
      return;
    }
    try {
      const line = /^\d+$/.test(wanted) && this.book.isWholeUpTo(this.breaks.total()) ? Number(wanted) : null;
      if (line !== null) this.#show(this.book.running(line), wanted);
      else {
        const data = await this.host.ask("hits", { text: wanted });
        this.#show(isRecord(data) && Array.isArray(data["steps"]) ? (data["steps"] as number[]) : [], wanted);
      }
    } catch (reason) {
      this.list.hidden = false;
      replace(this.list, html("span", { role: "alert" }, reason instanceof Error ? reason.message : String(reason)));
    }
  }

  #show(hits: readonly number[], wanted: string): void {
    this.hits = hits;
    this.list.hidden = wanted === "";
    const buttons = hits.slice(0, 100).map((at) => button(String(at), `to step ${at}`, "hit", () => this.breaks.go(at)));
    replace(this.list, html("span", { class: "wf-muted", dir: "auto" }, hits.length === 0 ? `${wanted}: at no step` : `${wanted}: ${plural(hits.length, "step")} `), ...buttons);
    this.breaks.found();
  }
}
