// Where history and other code part: what was expected, what was asked for instead, the edit that explains it, and what keeps old runs going.
import { html, replace, set } from "../../dom";
import type { ReplayPicture } from "../../protocol";
import { copy } from "../../shell/exports";
import { button } from "./button";

export class Parted {
  readonly element = html("section", { class: "wf-parted", hidden: true });
  #drawn = "";

  constructor(private readonly go: (position: number) => void, private readonly say: (sentence: string) => void) {}

  draw(parted: ReplayPicture["divergence"]): void {
    this.element.hidden = parted === null;
    set(this.element, { "data-wf-divergence": parted !== null });
    const drawn = JSON.stringify(parted);
    if (parted === null || this.#drawn === drawn) return;
    this.#drawn = drawn;
    const go = button(`Step ${parted.step}`, "to the step where they part", "divergence", () => this.go(parted.step));
    const take = button("Copy", "copy the recipe", "copy-recipe", () => void copy(parted.recipe).then((isDone) => this.say(isDone ? "copied" : "not copied")));
    const line = parted.line === null ? "" : ` on line ${parted.line}`;
    replace(
      this.element,
      html("p", {}, html("strong", {}, "History and code part"), ` at event #${parted.seq}${line}. `, go),
      html("div", { class: "wf-split" }, half("history expected", parted.expected, "expected"), half("code produced", parted.produced, "produced")),
      parted.source_line ? html("pre", { class: "wf-code", tabindex: 0, "data-wf-sourceline": parted.line ?? "" }, `${parted.line ?? ""}  ${parted.source_line}`) : null,
      html("p", { dir: "auto" }, parted.cause),
      parted.edit ? html("details", {}, html("summary", {}, "The edit"), html("pre", { class: "wf-code", tabindex: 0 }, parted.edit)) : null,
      html("details", {}, html("summary", {}, "Keep old runs going"), html("pre", { class: "wf-code", tabindex: 0, "data-wf-recipe": "" }, parted.recipe), take),
    );
  }
}

function half(title: string, what: string, hook: string): HTMLElement {
  return html("div", { class: "wf-half" }, html("span", { class: "wf-muted" }, title), html("code", { dir: "auto", [`data-wf-${hook}`]: "" }, what));
}
