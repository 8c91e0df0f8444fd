// What stands above the graph: why the run goes on, what is to be known of the picture, its generations, the way into folded groups.
import { html, replace, text } from "../../dom";
import { spanText } from "../../durations";
import type { GraphPicture } from "../../protocol";
import { number } from "./words";

export class Above {
  readonly #why = html("p", { class: "wf-muted wf-why", dir: "auto" });
  readonly #strips = html("div", { class: "wf-strips" });
  readonly #crumbs = html("nav", { class: "wf-crumbs", "aria-label": "Folded groups", hidden: true });
  readonly #ribbon = html("div", { class: "wf-ribbon", role: "list", "aria-label": "Generations", hidden: true });
  readonly elements = [this.#why, this.#strips, this.#ribbon, this.#crumbs];

  /** `go` hears of the folded groups that a person wants to see, outermost first. */
  constructor(private readonly go: (path: readonly string[]) => void) {}

  draw(picture: GraphPicture, blocked: string | null): void {
    text(this.#why, picture.is_over ? "" : picture.why);
    once(this.#strips, picture.strips, () => picture.strips.map((strip) => html("p", { class: "wf-strip", "data-wf-strip": "" }, strip)));
    this.#crumbs.hidden = picture.path.length === 0;
    once(this.#crumbs, [picture.path, blocked], () => this.#crumbsOf(picture, blocked));
    this.#ribbon.hidden = picture.generations.length === 0;
    once(this.#ribbon, picture.generations, () => ribbonOf(picture));
  }

  #crumbsOf(picture: GraphPicture, blocked: string | null): readonly HTMLElement[] {
    const parts = picture.path.map((crumb, place) => {
      const isLast = place === picture.path.length - 1;
      const button = html("button", { type: "button", class: "wf-small", disabled: isLast || blocked !== null, title: blocked ?? undefined, "data-wf-crumb": crumb.id }, crumb.label);
      button.addEventListener("click", () => this.go(picture.path.slice(1, place + 1).map((one) => one.id)));
      return button;
    });
    return parts.flatMap((part, place) => (place === 0 ? [part] : [html("span", { "aria-hidden": "true" }, "/"), part]));
  }
}

function ribbonOf(picture: GraphPicture): readonly HTMLElement[] {
  const hidden = picture.generations_total - picture.generations.length;
  const chips = picture.generations.map((one) => {
    const took = one.ended === null ? "" : `, ${spanText((one.ended - one.began) / 1000)}`;
    const chip = html("span", { class: "wf-generation", role: "listitem", title: `generation ${one.number}: ${one.state}${took}`, "data-wf-generation": one.number, "data-wf-state": one.state }, String(one.number));
    chip.style.setProperty("--c", `var(--wf-${one.state.toLowerCase().replaceAll("_", "-")})`);
    return chip;
  });
  return [html("span", { class: "wf-muted" }, hidden > 0 ? `generations · ${number(hidden)} earlier` : "generations"), ...chips];
}

/** Fill an element only where what is told differs from what is there, so that a pointer's and a reader's place is kept. */
function once(element: HTMLElement, told: unknown, make: () => readonly HTMLElement[]): void {
  const drawn = JSON.stringify(told);
  if (element.dataset["drawn"] === drawn) return;
  element.dataset["drawn"] = drawn;
  replace(element, ...make());
}
