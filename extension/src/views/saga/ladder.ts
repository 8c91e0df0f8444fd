// The ladder: a table whose rows have a step on the left and its undo on the right, with the lines between them drawn over it.
// Places come from Python; elements are made anew when the ladder has changed, and the node with the focus keeps it.
import { badge, html, paintBadge, replace, set, svg, text, tint } from "../../dom";
import { spanText, tickingText } from "../../durations";
import { refocus } from "../../keys";
import { stateLook } from "../../palette";
import type { SagaLadder, SagaLayout, SagaNode, SagaRow } from "../../protocol";
import { bar } from "../graph/node";
import { waffle } from "../waffle";
import { nameOf, number, spoken, standingOf } from "./words";

const NARROW_BELOW = 616;
const GAP = 10;

export interface LadderActs {
  choose(row: SagaRow, isBack: boolean): void;
  unfold(): void;
}

interface Ticking {
  readonly caption: HTMLElement;
  readonly node: SagaNode;
}

export class Ladder {
  readonly element = html("div", { class: "wf-ladderbox" });
  #drawn = "";
  #ladder: SagaLadder | null = null;
  #isTimed = false;
  #ticking: Ticking[] = [];

  constructor(private readonly acts: LadderActs) {}

  draw(ladder: SagaLadder, caption: string, isTimed: boolean, width: number, now: number): void {
    const isNarrow = width < NARROW_BELOW;
    const drawn = JSON.stringify([ladder, caption, isTimed, isNarrow]);
    this.#ladder = ladder;
    this.#isTimed = isTimed;
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      const focused = document.activeElement instanceof HTMLElement && this.element.contains(document.activeElement) ? document.activeElement.dataset["wfId"] : undefined;
      this.#ticking = [];
      replace(this.element, this.#plane(ladder, isNarrow ? ladder.narrow : ladder.wide, caption, isNarrow));
      if (focused !== undefined) refocus(this.#nodes().find((one) => one.dataset["wfId"] === focused));
    }
    this.tick(now);
  }

  tick(now: number): void {
    for (const { caption, node } of this.#ticking) text(caption, `${node.word} ${tickingText(now - (node.since ?? now))}`);
  }

  mark(id: string | null): void {
    for (const node of this.#nodes()) set(node, { "data-wf-focus": node.dataset["wfSpan"] === id && id !== null ? "true" : undefined });
  }

  turnTo(id: string): boolean {
    const node = this.#nodes().find((one) => one.dataset["wfId"] === id);
    node?.focus({ preventScroll: true });
    node?.scrollIntoView({ block: "nearest", inline: "nearest" });
    return node !== undefined;
  }

  /** The nodes in the order in which things happened: down the left, then the undos by their number. */
  inOrder(): HTMLElement[] {
    const nodes = this.#nodes();
    if (this.#isTimed) return nodes;
    const isBack = (node: HTMLElement): boolean => node.dataset["wfSide"] === "back";
    const place = (node: HTMLElement): number => Number.parseInt(node.dataset["wfOrder"] ?? "", 10) || Number.POSITIVE_INFINITY;
    const backs = nodes.filter(isBack).reverse(); // those that are still to come: from the bottom up
    return [...nodes.filter((node) => !isBack(node)), ...backs.sort((one, other) => Math.min(place(one), 1e9) - Math.min(place(other), 1e9))];
  }

  /** Where an arrow key leads from a node. */
  neighbour(id: string, key: string): string | null {
    const rows = this.#ladder?.rows ?? [];
    const [row, side] = [id.slice(0, -2), id.slice(-1)];
    if (key === "ArrowLeft" || key === "ArrowRight") {
      const other = `${this.#isTimed ? (side === "f" ? `${row}<` : row.replace(/<$/, "")) : row} ${key === "ArrowLeft" ? "f" : "b"}`;
      return other !== id && this.#nodes().some((node) => node.dataset["wfId"] === other) ? other : null;
    }
    const column = this.#nodes().filter((node) => node.dataset["wfSide"] === (side === "b" ? "back" : "forward"));
    const place = column.findIndex((node) => node.dataset["wfId"] === id);
    return rows.length === 0 ? null : (column[place + (key === "ArrowDown" ? 1 : -1)]?.dataset["wfId"] ?? null);
  }

  #nodes(): HTMLElement[] {
    return [...this.element.querySelectorAll<HTMLElement>("[data-wf-node]")];
  }

  #plane(ladder: SagaLadder, layout: SagaLayout, caption: string, isNarrow: boolean): HTMLElement {
    const [forward, back] = [layout.forward, layout.back];
    const widths = [forward[1], back[0] - forward[1], back[1]];
    const columns = html("colgroup", {}, ...widths.map((width) => html("col", { style: `width:${width}px` })), html("col", { style: "width:0" }));
    const heads = ["Forward", this.#isTimed ? "Time" : "Carried across", "Compensation"].map((head, place) =>
      html("th", { scope: "col" }, html("span", { class: isNarrow && place === 1 ? "wf-heard" : "" }, head)),
    );
    const residual = html("th", { scope: "col" }, html("span", { class: "wf-heard" }, "Residual"));
    let bottom = 0;
    const rows = ladder.rows.map((row) => {
      const made = this.#row(row, row.y + row.height + GAP / 2 - bottom, isNarrow);
      bottom = row.y + row.height + GAP / 2;
      return made;
    });
    const table = html(
      "table",
      { class: "wf-ladder", "data-wf-ladder": isNarrow ? "narrow" : "wide", style: `width:${layout.width}px` },
      html("caption", {}, html("span", { class: "wf-heard" }, caption)),
      columns,
      html("thead", {}, html("tr", {}, ...heads, residual)),
      html("tbody", {}, ...rows),
    );
    return html("div", { class: "wf-ladderplane", "data-wf-timed": this.#isTimed || undefined, style: `width:${layout.width}px` }, linesOf(layout, ladder.height), table);
  }

  #row(row: SagaRow, height: number, isNarrow: boolean): HTMLElement {
    const attributes = { "data-wf-row": row.id, "data-wf-comp": row.comp, "data-wf-forward": row.forward?.state, "data-wf-pivot": row.is_pivot || undefined, style: `height:${height}px` };
    if (row.kind === "fold") {
      const open = html("button", { type: "button", class: "wf-fold", "data-wf-action": "unfold", "data-wf-fold": row.count, title: "done and undone: show them", style: `height:${row.height}px` }, `${number(row.count)} clean pairs`);
      open.addEventListener("click", () => this.acts.unfold());
      return html("tr", attributes, html("th", { scope: "row" }, open), html("td", {}), html("td", {}, html("span", { class: "wf-fold", style: `height:${row.height}px` }, `${number(row.count)} undone`)), html("td", {}));
    }
    const forward = row.forward ? this.#node(row, row.forward, false) : null;
    const back = row.back === null ? null : row.back.is_slight ? remarkOf(row.back, row) : this.#node(row, row.back, true);
    return html(
      "tr",
      attributes,
      html("th", { scope: "row" }, forward),
      html("td", { class: "wf-lane" }, isNarrow && !this.#isTimed ? null : laneOf(row, this.#isTimed)),
      html("td", {}, back),
      html("td", { class: "wf-residualcell" }, html("span", { class: "wf-heard" }, row.residual)),
    );
  }

  #node(row: SagaRow, node: SagaNode, isBack: boolean): HTMLElement {
    const sign = badge(node.look);
    if (node.is_doubtful) {
      paintBadge(sign, "UNKNOWN");
      sign.classList.remove("wf-hollow");
      tint(sign, node.look);
    }
    const word = html("span", { class: "wf-caption", dir: "auto" });
    if (node.count > 1) text(word, node.caption);
    else replace(word, html("strong", { "data-wf-badge": node.state }, `${node.is_doubtful ? "?" : stateLook(node.look).glyph}\uFE0E ${node.word}`), node.caption ? ` · ${node.caption}` : null);
    if (node.since !== null) this.#ticking.push({ caption: word, node });
    const order = node.order ? html("span", { class: "wf-order", "data-wf-order-badge": node.order }, node.order) : null;
    const figures = node.cells ? [bar(node), waffle(node.cells)] : [];
    const title = html("span", { class: "wf-title" }, sign, html("span", { class: "wf-name", dir: "auto" }, node.name), node.count > 1 ? html("span", { class: "wf-count" }, `×${number(node.count)}`) : null);
    const made = html(
      "button",
      {
        type: "button",
        class: `wf-snode${isBack ? " wf-sback" : ""}${node.count > 1 ? " wf-stack" : ""}`,
        style: `height:${row.height}px`,
        title: [nameOf(node), standingOf(node)].join("\n"),
        "aria-label": spoken(node, row, isBack),
        "data-wf-node": node.name,
        "data-wf-id": `${row.id} ${isBack ? "b" : "f"}`,
        "data-wf-side": isBack ? "back" : "forward",
        "data-wf-order": isBack ? node.order : undefined,
        "data-wf-span": node.span_id ?? undefined,
        "data-wf-state": node.look,
        "data-wf-saga": node.state,
        "data-wf-count": node.count,
      },
      title,
      ...figures,
      html("span", { class: "wf-sfoot" }, word, order),
    );
    tint(made, node.look);
    made.addEventListener("click", () => this.acts.choose(row, isBack));
    return made;
  }
}

function remarkOf(node: SagaNode, row: SagaRow): HTMLElement {
  const made = html("span", { class: "wf-remark", dir: "auto", style: `height:${row.height}px` }, html("span", { "data-wf-badge": node.state }, node.word), node.name ? html("span", {}, node.name) : null);
  return made;
}

function laneOf(row: SagaRow, isTimed: boolean): HTMLElement {
  const style = `height:${row.height}px`;
  if (isTimed) return html("span", { class: "wf-lanetext wf-at", style }, html("span", {}, row.at === null ? "not yet" : `+${spanText(row.at / 1000)}`));
  if (row.link === "" || row.back?.is_slight) return html("span", { class: "wf-lanetext", style });
  const label = row.link === "explicit" ? "undoes" : row.link === "inferred" ? "inferred" : "would undo";
  return html("span", { class: "wf-lanetext", style }, html("span", {}, label), row.token ? html("code", { dir: "auto", title: "what the step gave, and the undo is told" }, row.token) : null);
}

/** The lines over the table: what undoes what, and where it turned around. */
function linesOf(layout: SagaLayout, height: number): SVGElement {
  const bridges = layout.bridges.map((bridge) => {
    const path = svg("path", { d: bridge.path, class: `wf-bridge wf-${bridge.link}`, "data-wf-bridge": bridge.row });
    tint(path, bridge.look);
    return path;
  });
  const turn = layout.turn ? svg("path", { d: layout.turn, class: "wf-turnaround", "data-wf-turn": "" }) : null;
  if (turn) tint(turn, "FAILED");
  return svg("svg", { class: "wf-ladderlines", width: layout.width, height, "aria-hidden": "true" }, ...bridges, turn);
}
