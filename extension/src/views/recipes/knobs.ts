// The knobs of a recipe as fields, each with its type and limits. What does not fit is said beside the field.
import { html, set, text } from "../../dom";
import type { Knobs, KnobValue, RecipeCard, RecipeKnob } from "../../protocol";

interface Field {
  readonly knob: RecipeKnob;
  readonly input: HTMLInputElement | HTMLSelectElement;
  readonly wrong: HTMLElement;
}

let count = 0;

export class KnobFields {
  readonly element = html("fieldset", { class: "wf-knobs" }, html("legend", {}, "Knobs"));
  readonly #fields: readonly Field[];

  constructor(card: RecipeCard, given: Knobs, private readonly changed: () => void) {
    this.#fields = card.knobs.map((knob) => this.#field(knob, given[knob.name] ?? knob.default));
    this.element.hidden = this.#fields.length === 0;
  }

  /** All values; what is not valid stands as its default. */
  get values(): Knobs {
    return Object.fromEntries(this.#fields.map((field) => [field.knob.name, wrongWith(field) === "" ? read(field) : field.knob.default]));
  }

  /** Whether all fit; if not, the first that does not is focused. */
  check(): boolean {
    const bad = this.#fields.filter((field) => this.#show(field) !== "");
    bad[0]?.input.focus();
    return bad.length === 0;
  }

  put(values: Knobs): void {
    for (const field of this.#fields) {
      const value = values[field.knob.name];
      if (value === undefined) continue;
      write(field.input, value);
      this.#show(field);
    }
    this.changed();
  }

  block(reason: string | null): void {
    for (const { input } of this.#fields) set(input, { disabled: reason !== null, title: reason ?? undefined });
  }

  #field(knob: RecipeKnob, value: KnobValue): Field {
    const id = `wf-knob-${++count}-${Math.random().toString(36).slice(2, 8)}`;
    const input = inputFor(knob, id);
    const wrong = html("span", { class: "wf-knobwrong", id: `${id}-wrong`, role: "alert" });
    const hint = html("span", { class: "wf-muted", id: `${id}-hint` }, knob.kind === "bool" || knob.choices.length > 0 ? "" : knob.told);
    set(input, { "aria-describedby": `${id}-hint ${id}-wrong`, "data-wf-knob": knob.name });
    write(input, value);
    const field = { knob, input, wrong };
    input.addEventListener("input", () => {
      this.#show(field);
      this.changed();
    });
    const label = html("label", { for: id }, knob.label, " ", html("code", {}, knob.name));
    this.element.append(html("div", { class: `wf-knob wf-${knob.kind}` }, label, input, hint, wrong));
    return field;
  }

  #show(field: Field): string {
    const told = wrongWith(field);
    text(field.wrong, told);
    set(field.input, { "aria-invalid": told === "" ? undefined : "true" });
    return told;
  }
}

function inputFor(knob: RecipeKnob, id: string): HTMLInputElement | HTMLSelectElement {
  if (knob.choices.length > 0) return html("select", { id, class: "wf-field" }, ...knob.choices.map((choice) => html("option", { value: choice }, choice)));
  if (knob.kind === "bool") return html("input", { id, type: "checkbox" });
  if (knob.kind === "text") return html("input", { id, type: "text", class: "wf-field" });
  return html("input", {
    id,
    type: "number",
    class: "wf-field",
    step: knob.kind === "int" ? "1" : "any",
    min: knob.low ?? undefined,
    max: knob.high ?? undefined,
  });
}

function read({ knob, input }: Field): KnobValue {
  if (input instanceof HTMLInputElement && input.type === "checkbox") return input.checked;
  return knob.kind === "text" ? input.value : Number(input.value);
}

function write(input: HTMLInputElement | HTMLSelectElement, value: KnobValue): void {
  if (input instanceof HTMLInputElement && input.type === "checkbox") input.checked = value === true;
  else input.value = String(value);
}

function wrongWith({ knob, input }: Field): string {
  if (knob.kind === "text" || knob.kind === "bool") return "";
  const value = Number(input.value);
  const isNumber = input.value.trim() !== "" && Number.isFinite(value) && (knob.kind === "float" || Number.isInteger(value));
  const fits = isNumber && (knob.low === null || value >= knob.low) && (knob.high === null || value <= knob.high);
  return fits ? "" : `must be ${knob.told}`;
}
