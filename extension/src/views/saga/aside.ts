// Beside the ladder: the verdict, what is left, and what a person can do about it. Every act takes two presses, and the second one names the count.
import { badge, html, paintBadge, replace, set, text, tint } from "../../dom";
import { refocus } from "../../keys";
import { isRecord, type SagaActed, type SagaResidual, type SagaStory } from "../../protocol";
import type { Host } from "../../shell/content";
import { number } from "./words";

const LABELS: Readonly<Record<string, string>> = { retry: "Retry", skip: "Skip…", resolve: "Mark resolved…" };
const TITLES: Readonly<Record<string, string>> = {
  retry: "call the undo again, with the same input and idempotency key",
  skip: "leave the effect as it is, and say why",
  resolve: "say how the effect was taken back by other means",
};
const SURE: Readonly<Record<string, string>> = { retry: "Retry", skip: "Skip", resolve: "Resolve" };

interface Asked {
  readonly verb: string;
  readonly pairs: readonly string[];
  readonly names: string;
  readonly count: number;
}

export class Aside {
  readonly element: HTMLElement;
  readonly #badge = badge("UNKNOWN");
  readonly #word = html("strong", { class: "wf-verdictword", "data-wf-verdict": "" });
  readonly #banner = html("p", { class: "wf-dry", hidden: true, "data-wf-dry": "" });
  readonly #sentence = html("p", { class: "wf-muted", dir: "auto" });
  readonly #card: HTMLElement;
  readonly #residual = html("section", { class: "wf-residual", hidden: true, "data-wf-residual": "", "aria-label": "Residual effects" });
  readonly #said = html("p", { class: "wf-actsaid", role: "status" });
  #asked: Asked | null = null;
  #story: SagaStory | null = null;
  #isDry = false;
  #drawn = "";

  constructor(private readonly host: Host, private readonly look: (pair: string) => void) {
    this.#card = html("section", { class: "wf-verdict", "aria-label": "Verdict" }, html("div", { class: "wf-verdicthead" }, this.#badge, this.#word), this.#banner, this.#sentence);
    this.element = html("aside", { class: "wf-sagaside" }, this.#card, this.#residual, this.#said);
  }

  /** `dry` is what was made to fail, where this is no story of what happened. */
  draw(story: SagaStory, dry: string | null): void {
    this.#story = story;
    this.#isDry = dry !== null;
    paintBadge(this.#badge, story.look);
    tint(this.#card, story.look);
    text(this.#word, story.word);
    text(this.#sentence, story.sentence);
    this.#banner.hidden = dry === null;
    text(this.#banner, dry === null ? "" : `Dry run: if ${dry} had failed. No activity ran.`);
    const drawn = JSON.stringify([story.residuals, story.residuals_total, dry, this.host.blocked]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#asked = null;
    this.#paint();
  }

  block(): void {
    this.#drawn = "";
    if (this.#story !== null) this.#paint();
  }

  #paint(): void {
    const story = this.#story;
    if (story === null) return;
    const had = document.activeElement instanceof HTMLElement && this.#residual.contains(document.activeElement) ? document.activeElement.dataset["wfKey"] : undefined;
    this.#residual.hidden = story.residuals.length === 0;
    tint(this.#residual, story.attention > 0 ? "FAILED" : "PENDING");
    const all = story.residuals.filter((one) => one.needs_attention && one.can.includes("retry"));
    const items = story.residuals.map((one) => this.#item(one));
    replace(
      this.#residual,
      html("strong", {}, `Residual effects: ${number(story.residuals_total)}`),
      html("ul", {}, ...items),
      all.length > 1 && !this.#isDry ? html("div", { class: "wf-sacts" }, this.#press("retry", all, `Retry all ${number(all.length)}…`)) : null,
      this.#confirm(),
    );
    if (had !== undefined) refocus(this.#residual.querySelector<HTMLElement>(`[data-wf-key="${CSS.escape(had)}"]`));
  }

  #item(one: SagaResidual): HTMLElement {
    const show = html("button", { type: "button", class: "wf-linkish", "data-wf-key": `show ${one.pair}`, dir: "auto" }, one.text);
    show.addEventListener("click", () => this.look(one.pair));
    const presses = this.#isDry ? [] : one.can.map((verb) => this.#press(verb, [one], LABELS[verb] ?? verb));
    return html(
      "li",
      { "data-wf-left": one.step, "data-wf-attention": one.needs_attention || undefined },
      show,
      one.token ? html("code", { dir: "auto", title: "what the step gave" }, one.token) : null,
      one.act ? html("span", { class: "wf-muted" }, one.act) : null,
      presses.length > 0 ? html("div", { class: "wf-sacts" }, ...presses) : null,
    );
  }

  #press(verb: string, pairs: readonly SagaResidual[], label: string): HTMLElement {
    const isMore = pairs.length > 1;
    const key = `${verb} ${isMore ? "all" : (pairs[0]?.pair ?? "")}`;
    const names = pairs.map((one) => one.undo || one.step);
    const button = html("button", {
      type: "button", class: "wf-small wf-sact", "data-wf-action": isMore ? `${verb}-all` : verb, "data-wf-key": key,
      title: this.host.blocked ?? TITLES[verb] ?? "", "aria-label": isMore ? label : `${(LABELS[verb] ?? verb).replace("…", "")} ${names[0] ?? ""}`, disabled: this.host.blocked !== null,
    }, label);
    button.addEventListener("click", () => void this.#ask(verb, pairs.map((one) => one.pair)));
    return button;
  }

  /** The first press: nothing is done but to ask how many it is for. */
  async #ask(verb: string, pairs: readonly string[]): Promise<void> {
    const answer = await this.#told({ verb, pairs });
    if (answer === null) return;
    if (answer.count === 0) return this.#say("There is nothing left to be done about it.");
    this.#asked = { verb, pairs, names: [...new Set(answer.pairs)].slice(0, 3).join(", "), count: answer.count };
    this.#say("");
    this.#paint();
    this.#residual.querySelector<HTMLElement>("[data-wf-why], [data-wf-action=sure]")?.focus();
  }

  #confirm(): HTMLElement | null {
    const asked = this.#asked;
    if (asked === null) return null;
    const { verb, count, names } = asked;
    const what = `${SURE[verb] ?? verb} ${number(count)} ${count === 1 ? "compensation" : "compensations"}`;
    const why = verb === "retry" ? null : html("input", { class: "wf-field", "data-wf-why": "", "aria-label": verb === "skip" ? "Why it is skipped" : "How it was settled", placeholder: verb === "skip" ? "why?" : "how was it settled?", maxlength: 500 });
    const sure = html("button", { type: "button", class: "wf-small wf-sure", "data-wf-action": "sure" }, what);
    const not = html("button", { type: "button", class: "wf-small", "data-wf-action": "not" }, "Cancel");
    const act = (): void => {
      if (why !== null && why.value.trim() === "") {
        set(why, { "aria-invalid": "true" });
        why.focus();
        return this.#say(verb === "skip" ? "Say why it is skipped." : "Say how it was settled.");
      }
      void this.#carryOut(asked, why?.value ?? "");
    };
    sure.addEventListener("click", act);
    why?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") act();
    });
    not.addEventListener("click", () => {
      this.#asked = null;
      this.#paint();
    });
    return html("div", { class: "wf-confirm", "data-wf-confirm": verb, role: "group", "aria-label": what }, html("span", { dir: "auto" }, `${what}: ${names}${asked.count > 3 ? ", …" : ""}`), why, html("div", { class: "wf-sacts" }, sure, not));
  }

  async #carryOut(asked: Asked, why: string): Promise<void> {
    const answer = await this.#told({ verb: asked.verb, pairs: asked.pairs, count: asked.count, why });
    if (answer === null) return;
    this.#asked = null;
    this.#paint();
    this.#say(answer.told);
  }

  async #told(args: Readonly<Record<string, unknown>>): Promise<SagaActed | null> {
    try {
      const answer = await this.host.ask("act", args);
      return isRecord(answer) && typeof answer["count"] === "number" ? (answer as unknown as SagaActed) : null;
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  #say(sentence: string): void {
    text(this.#said, sentence);
  }
}
