// A form from a JSON Schema. Each field has a label, what the schema says of it, and a line for what is wrong with it.
import { html, set, text } from "../../dom";
import { isRecord } from "../../protocol";
import { complaintsOf, type Complaint, initial, join, kindOf, propertiesOf, requiredOf, resolved, same, type Schema } from "./schema";

const LONG_TEXT = 80;
const PROSE = /note|comment|reason|descri|text|message|remark/i;
let forms = 0;

interface Field {
  readonly element: HTMLElement;
  /** The value; undefined for nothing entered. Throws where what was entered is no value at all. */
  read(): unknown;
  write(value: unknown): void;
}

export class Form {
  readonly element: HTMLElement;
  readonly #schema: Schema;
  readonly #root: Field;
  readonly #declared: unknown;
  readonly #begin: unknown;
  readonly #id = `wf-form-${++forms}-${Math.random().toString(36).slice(2, 8)}`;
  readonly #lines = new Map<string, { readonly line: HTMLElement; readonly control: Element | null }>();

  /** `hidden` are properties that somebody else sets; `changed` is called at each edit. */
  constructor(schema: Schema, private readonly hidden: readonly string[], changed: () => void) {
    this.#schema = schema;
    const whole = resolved(schema, schema);
    this.#declared = initial(whole, schema);
    this.#root = this.#field(whole, "", "", true);
    this.#root.write(this.#declared);
    this.#begin = this.draft();
    const own = html("p", { class: "wf-wrong", id: `${this.#id}-` });
    this.#lines.set("", { line: own, control: null });
    this.element = html("div", { class: "wf-form", role: "group", "aria-label": "Answer" }, this.#root.element, own);
    this.element.addEventListener("input", changed);
    this.element.addEventListener("change", changed);
  }

  /** What is entered, with `fixed` set in it; and what is wrong with it. */
  read(fixed: Readonly<Record<string, unknown>> = {}): { readonly value: unknown; readonly wrong: readonly Complaint[] } {
    try {
      const read = this.#root.read();
      const value = Object.keys(fixed).length > 0 ? { ...(isRecord(read) ? read : {}), ...fixed } : read;
      return { value, wrong: value === undefined && kindOf(resolved(this.#schema, this.#schema)) !== "object" ? [{ path: "", text: "is required" }] : complaintsOf(this.#schema, value) };
    } catch (error) {
      return { value: undefined, wrong: [error instanceof Unreadable ? error.complaint : { path: "", text: String(error) }] };
    }
  }

  /** What the fields begin with. */
  get initial(): unknown {
    return this.#begin;
  }

  /** Whether a declared default was changed. */
  get isEdited(): boolean {
    try {
      const now = this.#root.read();
      const begin = this.#begin;
      if (!isRecord(this.#declared) || !isRecord(begin)) return this.#declared !== undefined && !same(now, begin);
      return Object.keys(this.#declared).some((name) => !this.hidden.includes(name) && !same(begin[name], isRecord(now) ? now[name] : undefined));
    } catch {
      return true;
    }
  }

  draft(): unknown {
    try {
      return this.#root.read();
    } catch {
      return undefined;
    }
  }

  write(value: unknown): void {
    this.#root.write(value);
  }

  /** Show what is wrong beside each field, and take the focus to the first. */
  complain(wrong: readonly Complaint[], focus: boolean): void {
    for (const [path, { line, control }] of this.#lines) {
      const mine = wrong.filter((one) => one.path === path || (!this.#lines.has(one.path) && this.#nearest(one.path) === path));
      text(line, mine.map((one) => (one.path === path || path !== "" ? one.text : `${one.path} ${one.text}`)).join("; "));
      if (control) set(control, { "aria-invalid": mine.length > 0 ? "true" : undefined });
    }
    const first = [...this.#lines.values()].find(({ line, control }) => control !== null && line.textContent !== "")?.control;
    if (focus && first instanceof HTMLElement) first.focus();
  }

  lock(isLocked: boolean): void {
    for (const control of this.element.querySelectorAll("input, textarea, select")) set(control, { disabled: isLocked });
  }

  focus(): boolean {
    const first = this.element.querySelector<HTMLElement>("input:enabled, textarea:enabled, select:enabled");
    first?.focus();
    return first !== null;
  }

  #nearest(path: string): string {
    for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) if (this.#lines.has(at)) return at;
    return "";
  }

  #field(part: Schema, path: string, name: string, isRequired: boolean): Field {
    return kindOf(part) === "object" ? this.#fieldset(part, path, name) : this.#single(part, path, name, isRequired);
  }

  #fieldset(part: Schema, path: string, name: string): Field {
    const required = requiredOf(part);
    const parts = propertiesOf(part, this.#schema).filter(([own]) => path !== "" || !this.hidden.includes(own));
    const fields = parts.map(([own, inner]): [string, Field] => [own, this.#field(inner, join(path, own), own, required.includes(own))]);
    const legend = name === "" ? null : html("legend", { dir: "auto" }, labelOf(part, name));
    const element = html(name === "" ? "div" : "fieldset", { class: "wf-fields" }, legend, name === "" ? null : describe(part, null), ...fields.map(([, field]) => field.element));
    return {
      element,
      read: () => {
        const read = fields.map(([own, field]): [string, unknown] => [own, field.read()]).filter(([, value]) => value !== undefined);
        return read.length > 0 || name === "" ? Object.fromEntries(read) : undefined;
      },
      write: (value) => fields.forEach(([own, field]) => field.write(isRecord(value) ? value[own] : undefined)),
    };
  }

  #single(part: Schema, path: string, name: string, isRequired: boolean): Field {
    const id = `${this.#id}-${path}`;
    const control = controlOf(part, isRequired, name);
    const help = describe(part, `${id}-help`);
    const line = html("p", { class: "wf-wrong", id: `${id}-wrong` });
    set(control.element, { id, name: path, "aria-describedby": `${help ? `${id}-help ` : ""}${id}-wrong`, "aria-required": isRequired ? "true" : undefined, "data-wf-field": path || "value" });
    this.#lines.set(path, { line, control: control.element });
    const label = html("label", { for: id, dir: "auto" }, labelOf(part, name || "Answer"), isRequired && kindOf(part) !== "boolean" ? html("span", { class: "wf-muted" }, " (required)") : null);
    const isTick = kindOf(part) === "boolean";
    const element = html("div", { class: isTick ? "wf-entry wf-tick" : "wf-entry" }, ...(isTick ? [control.element, label] : [label, control.element]), help, line);
    return {
      element,
      read: () => {
        try {
          return control.read();
        } catch (error) {
          throw new Unreadable({ path, text: error instanceof Error ? error.message : String(error) });
        }
      },
      write: control.write,
    };
  }
}

class Unreadable extends Error {
  constructor(readonly complaint: Complaint) {
    super(complaint.text);
  }
}

interface Control {
  readonly element: HTMLElement;
  read(): unknown;
  write(value: unknown): void;
}

function controlOf(part: Schema, isRequired: boolean, name: string): Control {
  const kind = kindOf(part);
  if (kind === "boolean") {
    const box = html("input", { type: "checkbox" });
    return { element: box, read: () => box.checked, write: (value) => void (box.checked = value === true) };
  }
  if (kind === "choice") {
    const values = part["enum"] as readonly unknown[];
    const blank = isRequired && "default" in part ? [] : [html("option", { value: "" }, isRequired ? "choose…" : "–")];
    const choice = html("select", { class: "wf-field" }, ...blank, ...values.map((value, index) => html("option", { value: String(index) }, String(value))));
    return {
      element: choice,
      read: () => (choice.value === "" ? undefined : values[Number(choice.value)]),
      write: (value) => void (choice.value = value === undefined ? "" : String(values.findIndex((one) => same(one, value)))),
    };
  }
  if (kind === "integer" || kind === "number") {
    const field = html("input", { type: "text", inputmode: kind === "integer" ? "numeric" : "decimal", class: "wf-field", autocomplete: "off" });
    return {
      element: field,
      read: () => {
        const entered = field.value.trim();
        if (entered === "") return undefined;
        const value = Number(entered);
        if (!Number.isFinite(value)) throw new Error(kind === "integer" ? "must be a whole number" : "must be a number");
        return value;
      },
      write: (value) => void (field.value = value === undefined || value === null ? "" : String(value)),
    };
  }
  if (kind === "list" || kind === "json") {
    const area = html("textarea", { class: "wf-field", rows: 3, spellcheck: "false" });
    return kind === "list"
      ? {
          element: area,
          read: () => {
            const lines = area.value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
            return lines.length > 0 || isRequired ? lines : undefined;
          },
          write: (value) => void (area.value = Array.isArray(value) ? value.join("\n") : ""),
        }
      : {
          element: area,
          read: () => {
            if (area.value.trim() === "") return undefined;
            try {
              return JSON.parse(area.value) as unknown;
            } catch {
              throw new Error('must be JSON, such as {"a": 1}, 12 or "text"');
            }
          },
          write: (value) => void (area.value = value === undefined ? "" : JSON.stringify(value, null, 1)),
        };
  }
  const most = part["maxLength"];
  const isLong = kind === "text" && (typeof most === "number" ? most > LONG_TEXT : PROSE.test(name));
  const field = isLong
    ? html("textarea", { class: "wf-field", rows: 2 })
    : html("input", { type: kind === "date" ? "date" : kind === "moment" ? "datetime-local" : "text", class: "wf-field", autocomplete: "off" });
  return {
    element: field,
    read: () => (field.value === "" ? undefined : kind === "moment" ? new Date(field.value).toISOString() : field.value),
    write: (value) => void (field.value = typeof value !== "string" ? "" : kind === "moment" ? local(value) : value),
  };
}

/** A moment as the field for one wants it: local, without a zone. */
function local(moment: string): string {
  const at = new Date(moment);
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function labelOf(part: Schema, name: string): string {
  return typeof part["title"] === "string" && part["title"] !== "" ? part["title"] : name;
}

function describe(part: Schema, id: string | null): HTMLElement | null {
  const limits = [
    typeof part["minimum"] === "number" ? `at least ${part["minimum"]}` : "",
    typeof part["maximum"] === "number" ? `at most ${part["maximum"]}` : "",
    typeof part["maxLength"] === "number" ? `up to ${part["maxLength"]} characters` : "",
    kindOf(part) === "list" ? "one a line" : kindOf(part) === "json" ? "as JSON" : "",
  ].filter((limit) => limit !== "");
  const told = [typeof part["description"] === "string" ? part["description"] : "", limits.join(", ")].filter((one) => one !== "").join(" · ");
  return told === "" ? null : html("p", { class: "wf-help-line", id: id ?? undefined, dir: "auto" }, told);
}
