// One group as a node. Elements are kept from picture to picture, so that a change of state recolours and moves nothing.
import { badge, html, kindIcon, paintBadge, replace, set, text, tint } from "../../dom";
import { stateLook } from "../../palette";
import type { GraphGroup, Place } from "../../protocol";
import { countsText } from "../captions";
import { segments } from "../waffle";
import { histogramOf, waffleOf } from "./figures";
import { caption, figures, number, spoken, topError } from "./words";

const LARGE_FROM = 100;
const PIPS_FROM = 2;

/** How much of a node is drawn: where there are many, each has fewer elements. */
export type Detail = "full" | "lean";

export class GroupNode {
  readonly element = html("div", { class: "wf-gnode", role: "treeitem", tabindex: -1 });
  readonly #badge = badge("UNKNOWN");
  readonly #sign = html("span", { class: "wf-sign", "aria-hidden": "true" });
  readonly #name = html("span", { class: "wf-name", dir: "auto" });
  readonly #caption = html("span", { class: "wf-caption", dir: "auto" });
  #group: GraphGroup | null = null;
  #drawn = "";
  #isLarge = false;
  #place = "";

  get group(): GraphGroup | null {
    return this.#group;
  }

  draw(group: GraphGroup, place: Place, isFrame: boolean, detail: Detail, now: number): void {
    this.#group = group;
    const [x, y, width, height] = place;
    const style = `left:${x}px;top:${y}px;width:${width}px;height:${height}px`;
    if (style !== this.#place) for (const [name, value] of Object.entries({ left: x, top: y, width, height })) this.element.style.setProperty(name, `${value}px`);
    this.#place = style;
    const drawn = JSON.stringify([group, isFrame, detail, height]);
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#isLarge = height >= LARGE_FROM;
      this.#paint(group, isFrame, height >= LARGE_FROM, detail);
    }
    this.tick(now);
  }

  tick(now: number): void {
    const group = this.#group;
    if (group === null) return;
    const counts = group.count > 1 && !this.#isLarge && !["race", "scope"].includes(group.kind) ? `${countsText(group.counts)} · ` : "";
    text(this.#caption, counts + (topError(group) || caption(group, now)));
  }

  #paint(group: GraphGroup, isFrame: boolean, isLarge: boolean, detail: Detail): void {
    tint(this.element, group.state);
    set(this.element, {
      "data-wf-node": group.name,
      "data-wf-id": group.id,
      "data-wf-state": group.state,
      "data-wf-count": group.count,
      "data-wf-kind": group.kind,
      "data-wf-planned": group.planned || undefined,
      "aria-label": spoken(group),
      "aria-expanded": group.can_expand && group.kind === "child" ? String(group.is_expanded) : undefined,
    });
    const classes = ["wf-gnode", `wf-is-${/^[a-z_]+$/.test(group.kind) ? group.kind : "unknown"}`];
    if (isFrame) classes.push("wf-frame");
    if (group.count > 1 && !isFrame && group.kind !== "race") classes.push("wf-stack");
    if (group.errors.length > 0) classes.push("wf-error");
    if (group.planned) classes.push(group.planned === "planned" ? "wf-planned" : "wf-nottaken");
    for (const kept of ["wf-marked", "wf-dim"]) if (this.element.classList.contains(kept)) classes.push(kept);
    this.element.className = classes.join(" ");
    text(this.#name, group.name || group.kind);
    if (detail === "lean") this.#paintLean(group);
    else {
      paintBadge(this.#badge, group.state);
      this.#paintFull(group, isFrame, isLarge);
    }
  }

  #paintLean(group: GraphGroup): void {
    text(this.#sign, `${stateLook(group.state).glyph}\uFE0E`);
    replace(this.element, this.#sign, this.#name, group.count > 1 ? html("span", { class: "wf-count" }, `×${number(group.count)}`) : null, group.count > 1 ? bar(group) : null, this.#caption);
  }

  #paintFull(group: GraphGroup, isFrame: boolean, isLarge: boolean): void {
    const count = group.count > 1 && !["race", "scope"].includes(group.kind) ? html("span", { class: "wf-count" }, `×${number(group.count)}`) : null;
    const title = html("span", { class: "wf-title" }, this.#badge, this.#name, count);
    if (isFrame) {
      replace(this.element, title);
    } else if (isLarge) {
      const told = html("span", { class: "wf-told" }, html("span", { class: "wf-counts" }, countsText(group.counts)), html("span", { class: "wf-figures" }, figures(group)));
      const cells = group.cells ? waffleOf(group.cells) : null;
      replace(this.element, title, bar(group), cells, told, group.durations && group.durations.count > 1 ? histogramOf(group.durations) : null, this.#caption);
    } else {
      const foot = html("span", { class: "wf-gfoot" }, this.#caption, pips(group), group.kind === "race" ? null : kindIcon(group.kind));
      replace(this.element, title, foot);
    }
  }
}

export function bar(group: Pick<GraphGroup, "counts">): HTMLElement {
  const parts = segments(group.counts).map(({ state, share }) => {
    const part = html("span", { class: "wf-part", "data-wf-state": state, style: `width:${share}%` });
    tint(part, state);
    return part;
  });
  return html("span", { class: "wf-bar", "aria-hidden": "true" }, ...parts);
}

function pips(group: GraphGroup): HTMLElement | null {
  if (group.attempts.length < PIPS_FROM) return null;
  const shown = group.attempts.map((state) => {
    const pip = html("span", { class: "wf-pip", "data-state": state });
    tint(pip, state);
    return pip;
  });
  return html("span", { class: "wf-pips", "aria-hidden": "true" }, ...shown);
}
