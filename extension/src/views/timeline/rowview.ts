// One row as elements: name on the left, marks in the middle, duration on the right. It is kept while its row is in sight.
import { badge, html, kindIcon, paintBadge, replace, set, svg, text } from "../../dom";
import { spanText } from "../../durations";
import { ROW, type Mark } from "./marks";
import { svgMarks } from "./paint";
import type { Row } from "./rows";
import { spoken, tookOf } from "./words";

const ICONS: Readonly<Record<string, string>> = { event_wait: "event", event_sent: "event", workflow: "child" };

export class RowView {
  readonly element: HTMLElement;
  readonly #turn = html("span", { class: "wf-turn", "data-wf-turn": "" });
  readonly #badge = badge("UNKNOWN");
  readonly #name = html("span", { class: "wf-name", dir: "auto" });
  readonly #count = html("span", { class: "wf-count" });
  readonly #chart = svg("svg", { height: ROW, "aria-hidden": "true" });
  readonly #head: HTMLElement;
  readonly #took = html("span", { class: "wf-took", role: "gridcell" });

  constructor(kind: string) {
    this.#head = html("span", { class: "wf-rowhead", role: "rowheader" }, this.#turn, kindIcon(ICONS[kind] ?? kind), this.#badge, this.#name, this.#count);
    this.element = html("div", { class: "wf-r", role: "row" }, this.#head, html("span", { class: "wf-chart", role: "gridcell" }, this.#chart), this.#took);
  }

  draw(row: Row, place: number, now: number, isFocus: boolean, isCritical: boolean, ratio: string): void {
    set(this.element, {
      style: `top:${place * ROW}px`,
      tabindex: isFocus ? 0 : -1,
      "aria-level": row.depth + 1,
      "aria-expanded": row.isOpen === null ? undefined : String(row.isOpen),
      "aria-rowindex": place + 1,
      "aria-label": spoken(row, now),
      "data-wf-node": row.name,
      "data-wf-kind": row.kind,
      "data-wf-state": row.state,
      "data-wf-count": row.count,
      "data-wf-key": row.key,
      "data-wf-index": row.index ?? undefined,
      "data-wf-minor": row.minor ? "" : undefined,
      "data-wf-critical": isCritical ? "" : undefined,
    });
    set(this.#head, { style: `padding-left:${row.depth * 12}px` });
    text(this.#turn, row.isOpen === null ? "" : row.isOpen ? "▾" : "▸");
    paintBadge(this.#badge, row.state);
    text(this.#name, row.name);
    set(this.#name, { title: row.name });
    text(this.#count, row.index !== null ? `#${row.index}` : row.count > 1 && !row.minor ? `×${row.count.toLocaleString("en")}` : "");
    const took = tookOf(row);
    text(this.#took, ratio || (took === null ? spanText(Math.max(0, Math.floor((now - row.since) / 1000))) : spanText(took / 1000)));
    set(this.#took, { "data-wf-ratio": ratio || undefined });
  }

  /** On a canvas the row has no marks of its own. */
  chart(marks: readonly Mark[], width: number): void {
    set(this.#chart, { width });
    replace(this.#chart, ...svgMarks(marks));
  }
}
