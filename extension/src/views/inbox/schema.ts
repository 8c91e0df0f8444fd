// A JSON Schema as far as a form needs it: what kind of field a part is, what it begins with, and whether a value fits. The kernel checks again.
import { isRecord } from "../../protocol";

export type Schema = Readonly<Record<string, unknown>>;
export type Kind = "boolean" | "integer" | "number" | "text" | "choice" | "date" | "moment" | "list" | "object" | "json";

export interface Complaint {
  /** The place of the part, such as `note` or `address.street`; empty for the whole. */
  readonly path: string;
  readonly text: string;
}

/** Names of a property that says yes or no by itself. */
const FLAGS = ["approved", "approve", "accepted", "ok"];
const DAY = /^\d{4}-\d\d-\d\d$/;

export function readSchema(text: string | undefined): Schema | null {
  if (text === undefined) return null;
  try {
    const read: unknown = JSON.parse(text);
    return isRecord(read) ? read : null;
  } catch {
    return null;
  }
}

/** A part with its references followed, and without "or null". */
export function resolved(part: unknown, root: Schema, depth = 0): Schema {
  if (!isRecord(part) || depth > 8) return {};
  const reference = part["$ref"];
  if (typeof reference === "string" && reference.startsWith("#/")) {
    const target = reference.slice(2).split("/").reduce<unknown>((at, name) => (isRecord(at) ? at[name.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined), root);
    const { $ref: _, ...own } = part;
    return { ...resolved(target, root, depth + 1), ...own };
  }
  const either = [part["anyOf"], part["oneOf"], part["allOf"]].find(Array.isArray);
  if (Array.isArray(either)) {
    const others = either.filter((one) => !(isRecord(one) && one["type"] === "null"));
    if (others.length === 1) {
      const { anyOf: _a, oneOf: _o, allOf: _l, ...own } = part;
      return { ...resolved(others[0], root, depth + 1), ...own, nullable: others.length < either.length };
    }
  }
  return part;
}

export function kindOf(part: Schema): Kind {
  if (Array.isArray(part["enum"])) return "choice";
  const types = [part["type"]].flat().filter((type) => type !== "null");
  const type = types.length === 1 ? types[0] : isRecord(part["properties"]) ? "object" : null;
  if (type === "boolean" || type === "integer" || type === "number") return type;
  if (type === "string") return part["format"] === "date" ? "date" : part["format"] === "date-time" ? "moment" : "text";
  if (type === "object") return isRecord(part["properties"]) ? "object" : "json";
  if (type === "array") return isRecord(part["items"]) && part["items"]["type"] === "string" ? "list" : "json";
  return "json";
}

export function propertiesOf(part: Schema, root: Schema): [name: string, part: Schema][] {
  const properties = part["properties"];
  return isRecord(properties) ? Object.entries(properties).map(([name, inner]) => [name, resolved(inner, root)]) : [];
}

export function requiredOf(part: Schema): readonly string[] {
  return Array.isArray(part["required"]) ? part["required"].map(String) : [];
}

/** The property that an approval sets to true and a rejection to false; null where there is none. */
export function flagOf(schema: Schema | null): string | null {
  if (schema === null) return null;
  const whole = resolved(schema, schema);
  return propertiesOf(whole, schema).find(([name, part]) => FLAGS.includes(name) && kindOf(part) === "boolean")?.[0] ?? null;
}

/** Whether the answer is a plain yes or no. */
export function isPlain(schema: Schema | null): boolean {
  return schema === null || kindOf(resolved(schema, schema)) === "boolean";
}

/** What a form begins with: the declared defaults. */
export function initial(part: Schema, root: Schema): unknown {
  if ("default" in part) return part["default"];
  if ("const" in part) return part["const"];
  if (kindOf(part) !== "object") return undefined;
  const begun = propertiesOf(part, root).map(([name, inner]): [string, unknown] => [name, initial(inner, root)]);
  return Object.fromEntries(begun.filter(([, value]) => value !== undefined));
}

/** What is wrong with a value, part by part; nothing: it fits. */
export function complaintsOf(schema: Schema, value: unknown, root: Schema = schema, path = ""): Complaint[] {
  const part = resolved(schema, root);
  const say = (text: string): Complaint[] => [{ path, text }];
  if (value === undefined) return [];
  if (value === null && (part["nullable"] === true || [part["type"]].flat().includes("null"))) return [];
  if (Array.isArray(part["enum"])) return part["enum"].some((one) => same(one, value)) ? [] : say("choose one of the list");
  if ("const" in part) return same(part["const"], value) ? [] : say(`must be ${JSON.stringify(part["const"])}`);
  const types = [part["type"]].flat().filter((type) => typeof type === "string");
  if (types.length > 0 && !types.some((type) => isOf(String(type), value))) return say(`must be ${article(types.join(" or "))}`);
  if (typeof value === "string") return textComplaint(part, value).flatMap(say);
  if (typeof value === "number") return numberComplaint(part, value).flatMap(say);
  if (Array.isArray(value)) {
    const count = bounded(value.length, part["minItems"], part["maxItems"], "entries").flatMap(say);
    return [...count, ...value.flatMap((one, index) => (isRecord(part["items"]) ? complaintsOf(part["items"], one, root, join(path, String(index))) : []))];
  }
  if (!isRecord(value)) return [];
  const missing = requiredOf(part).filter((name) => value[name] === undefined);
  const known = propertiesOf(part, root);
  return [
    ...missing.map((name) => ({ path: join(path, name), text: "is required" })),
    ...known.flatMap(([name, inner]) => complaintsOf(inner, value[name], root, join(path, name))),
    ...(part["additionalProperties"] === false ? Object.keys(value).filter((name) => !known.some(([own]) => own === name)) : []).map((name) => ({ path: join(path, name), text: "is not asked for" })),
  ];
}

export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

export function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "array":
      return Array.isArray(value);
    case "object":
      return isRecord(value);
    case "null":
      return value === null;
    default:
      return typeof value === type;
  }
}

function article(type: string): string {
  const words: Readonly<Record<string, string>> = { integer: "a whole number", number: "a number", string: "text", boolean: "yes or no", array: "a list", object: "an object" };
  return words[type] ?? type;
}

function textComplaint(part: Schema, value: string): string[] {
  const size = bounded([...value].length, part["minLength"], part["maxLength"], "characters");
  if (size.length > 0) return size;
  if (typeof part["pattern"] === "string" && !matches(part["pattern"], value)) return [`must look like ${part["pattern"]}`];
  if (part["format"] === "date" && (!DAY.test(value) || Number.isNaN(Date.parse(value)))) return ["must be a date, such as 2026-11-27"];
  if (part["format"] === "date-time" && Number.isNaN(Date.parse(value))) return ["must be a date and a time"];
  return [];
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true; // not a pattern of this language: the kernel decides
  }
}

function numberComplaint(part: Schema, value: number): string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = part;
  if (typeof minimum === "number" && value < minimum) return [`must be at least ${minimum}`];
  if (typeof maximum === "number" && value > maximum) return [`must be at most ${maximum}`];
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum) return [`must be more than ${exclusiveMinimum}`];
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum) return [`must be less than ${exclusiveMaximum}`];
  if (typeof multipleOf === "number" && Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9) return [`must be a multiple of ${multipleOf}`];
  return [];
}

function bounded(count: number, least: unknown, most: unknown, what: string): string[] {
  if (typeof least === "number" && count < least) return [count === 0 && least === 1 ? "is required" : `needs at least ${least} ${what}, not ${count}`];
  if (typeof most === "number" && count > most) return [`takes at most ${most} ${what}, not ${count}`];
  return [];
}
