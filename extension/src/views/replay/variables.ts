// The variables as a diffed tree: added, changed (old → new), removed; what stayed is folded. What a person opens or pins stays so from step to step.
import { html, replace, svg } from "../../dom";
import { refocus } from "../../keys";
import type { Change, StepDetail, Value, Variable } from "../../protocol";
import type { Book } from "./book";
import { clockText, number } from "./words";

const SIGNS: Readonly<Record<Change, string>> = { added: "+", changed: "~", removed: "−", same: "" };
const SHORT = 160;
const STRIP = 120;

export interface VariableActs {
  why(name: string): void;
}

interface Named {
  readonly frame: string;
  readonly variable: Variable;
}

export class VariablesPane {
  readonly element: HTMLElement;
  readonly #title = html("h4", { class: "wf-panetitle" });
  readonly #list = html("div", { class: "wf-variables", "data-wf-locals": "" });
  readonly #open = new Set<string>();
  readonly #pins = new Set<string>();
  #isFull = false;
  #areSameOpen = false;
  #redraw: () => void = () => undefined;

  constructor(private readonly book: Book, private readonly acts: VariableActs) {
    this.element = html("section", { class: "wf-pane", "aria-label": "Variables" }, this.#title, this.#list);
  }

  get isFull(): boolean {
    return this.#isFull;
  }

  turnFull(): void {
    this.#isFull = !this.#isFull;
    this.#redraw();
  }

  /** The variable that has the focus. */
  get focused(): { readonly frame: string; readonly name: string } | null {
    const row = document.activeElement?.closest<HTMLElement>("[data-wf-variable]");
    if (!row || !this.element.contains(row)) return null;
    return { frame: row.dataset["wfFrame"] ?? "", name: row.dataset["wfVariable"] ?? "" };
  }

  pin(frame: string, name: string): void {
    const key = `${frame} ${name}`;
    if (!this.#pins.delete(key)) this.#pins.add(key);
    this.#redraw();
  }

  draw(step: StepDetail | null, position: number, why: string): void {
    this.#redraw = () => this.draw(step, position, why);
    const kept = this.focused;
    this.#title.textContent = step === null || step.code_ran ? `Variables after step ${number(position)}` : `Variables at step ${number(position)} (the code has not gone on)`;
    replace(this.#list, ...(step === null || step.frames.length === 0 ? [html("p", { class: "wf-muted" }, why)] : this.#rows(step, position)));
    if (kept !== null) refocus(this.#list.querySelector<HTMLElement>(`[data-wf-variable="${CSS.escape(kept.name)}"][data-wf-frame="${CSS.escape(kept.frame)}"] .wf-varname`));
  }

  #rows(step: StepDetail, position: number): HTMLElement[] {
    const all: Named[] = step.frames.flatMap((frame) => frame.variables.map((variable) => ({ frame: frame.name, variable })));
    const isPinned = (one: Named): boolean => this.#pins.has(`${one.frame} ${one.variable[0]}`);
    const isShown = (one: Named): boolean => this.#isFull || one.variable[1] !== "same";
    const found: HTMLElement[] = all.filter(isPinned).map((one) => this.#row(one, position, true));
    for (const frame of step.frames) {
      const own = all.filter((one) => one.frame === frame.name && isShown(one) && !isPinned(one));
      if (step.frames.length > 1) found.push(html("div", { class: "wf-framename" }, `${frame.name}, line ${frame.line}`));
      found.push(...own.map((one) => this.#row(one, position, false)));
    }
    const same = all.filter((one) => !isShown(one) && !isPinned(one));
    if (same.length > 0) {
      const folded = html("details", { class: "wf-same", open: this.#areSameOpen }, html("summary", {}, `${number(same.length)} unchanged`), ...same.map((one) => this.#row(one, position, false)));
      folded.addEventListener("toggle", () => (this.#areSameOpen = folded.open));
      found.push(folded);
    }
    found.push(html("div", { class: "wf-variable wf-clockrow" }, html("span", { class: "wf-sign" }), html("span", { class: "wf-varname" }, "ctx.now"), html("span", { class: "wf-value" }, `${clockText(step.clock)}${step.is_replaying ? " (replayed)" : ""}`)));
    return found;
  }

  #row({ frame, variable }: Named, position: number, isPinned: boolean): HTMLElement {
    const [name, change, place, oldPlace] = variable;
    const value = this.book.value(position, place);
    const old = this.book.value(position, oldPlace);
    const label = html("button", { type: "button", class: "wf-varname", title: "where it came from (w); pin (p)", dir: "auto", "aria-label": `${name}, ${change === "same" ? "unchanged" : change}` }, name);
    label.addEventListener("click", () => this.acts.why(name));
    const pin = html("button", { type: "button", class: "wf-small wf-pin", "aria-pressed": String(isPinned), "aria-label": `pin ${name}`, title: "keep on top (p)" }, isPinned ? "★" : "☆");
    pin.addEventListener("click", () => this.pin(frame, name));
    const texts = change === "changed" && old && old[0] !== value?.[0] ? [html("del", {}, short(old[0])), html("span", { "aria-hidden": "true" }, " → "), html("ins", {}, short(value?.[0] ?? ""))] : [html(change === "removed" ? "del" : "span", {}, short((value ?? old)?.[0] ?? "")), ...(change === "changed" ? [html("span", { class: "wf-muted" }, " (changed within)")] : [])];
    const path = `${frame}/${name}`;
    const row = html(
      "div",
      { class: "wf-variable", "data-wf-variable": name, "data-wf-frame": frame, "data-wf-diff": change },
      html("span", { class: "wf-sign", "aria-hidden": "true" }, SIGNS[change]),
      label,
      html("span", { class: "wf-value", dir: "auto" }, ...texts),
      pin,
    );
    if (isPinned) row.append(this.#strip(frame, name));
    const shown = value ?? old;
    if (shown?.[1] !== undefined || (shown?.[0].length ?? 0) > SHORT) row.append(this.#inner(shown as Value, path, old));
    return row;
  }

  #inner(value: Value, path: string, old: Value | null): HTMLElement {
    const [text, parts = []] = value;
    const before = new Map(old?.[1]?.map(([name, part]) => [name, part]) ?? []);
    const box = html("details", { class: "wf-parts", "data-wf-path": path, open: this.#open.has(path) }, html("summary", { "aria-label": `parts of ${path}` }, parts.length > 0 ? `${number(parts.length)} part${parts.length === 1 ? "" : "s"}` : `${number(text.length)} characters`));
    const fill = (): void => {
      if (box.childElementCount > 1) return;
      if (parts.length === 0) box.append(html("pre", { class: "wf-code", tabindex: 0, dir: "auto" }, text));
      for (const [name, part] of parts) {
        const was = before.get(name) ?? null;
        const change: Change = old === null || (was !== null && JSON.stringify(was) === JSON.stringify(part)) ? "same" : was === null ? "added" : "changed";
        const line = html("div", { class: "wf-part", "data-wf-diff": change }, html("span", { class: "wf-sign", "aria-hidden": "true" }, SIGNS[change]), html("span", { class: "wf-partname", dir: "auto" }, name), html("span", { class: "wf-value", dir: "auto" }, short(part[0])));
        if (part[1] !== undefined) line.append(this.#inner(part, `${path}/${name}`, was));
        box.append(line);
      }
    };
    if (box.open) fill();
    box.addEventListener("toggle", () => {
      if (box.open) {
        this.#open.add(path);
        fill();
      } else this.#open.delete(path);
    });
    return box;
  }

  /** The course of a pinned variable: a line where it is a number, else a mark where it changed. */
  #strip(frame: string, name: string): HTMLElement {
    const course = this.book.course(frame, name);
    const numbers = course.map(({ value }) => Number(value?.[0] ?? NaN));
    const box = html("span", { class: "wf-course", role: "img", "aria-label": `${name} over ${number(course.length)} steps` });
    const picture = svg("svg", { width: STRIP, height: 16, viewBox: `0 0 ${STRIP} 16`, "aria-hidden": "true" });
    const x = (index: number): number => Math.round((1 + (index * (STRIP - 2)) / Math.max(1, course.length - 1)) * 10) / 10;
    if (numbers.length > 1 && numbers.every(Number.isFinite)) {
      const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
      const y = (value: number): number => Math.round((14 - (12 * (value - low)) / (high - low || 1)) * 10) / 10;
      picture.append(svg("path", { class: "wf-courseline", d: numbers.map((value, index) => `${index === 0 ? "M" : "L"}${x(index)} ${y(value)}`).join("") }));
    } else for (const [index, { variable }] of course.entries()) if (variable[1] !== "same") picture.append(svg("path", { class: "wf-courseline", d: `M${x(index)} 2v12` }));
    box.append(picture);
    return box;
  }
}

function short(text: string): string {
  return text.length <= SHORT ? text : `${text.slice(0, SHORT - 1)}…`;
}
