// Elements in few words. Whatever a user or a workflow supplies goes through `text` or an attribute, never through markup.
import { kindLook, stateLook, variableOf } from "./palette";

const SVG = "http://www.w3.org/2000/svg";

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;
export type Child = Element | string | null;

export function html<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  set(element, attributes);
  append(element, children);
  return element;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag);
  set(element, attributes);
  append(element, children);
  return element;
}

/** Set, change or (with false or undefined) remove attributes; an unchanged one is not touched. */
export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : String(value));
  }
}

export function text(element: Element, value: string): void {
  if (element.textContent !== value) element.textContent = value;
}

export function replace(element: Element, ...children: readonly Child[]): void {
  element.replaceChildren(...children.filter((child) => child !== null));
}

/** The badge of a state: its colour, and its glyph drawn as a path. */
export function badge(state: string): HTMLElement {
  const element = html("span", { class: "wf-badge", "aria-hidden": "true" });
  paintBadge(element, state);
  return element;
}

export function paintBadge(element: HTMLElement, state: string): void {
  if (element.dataset["state"] === state) return;
  const look = stateLook(state);
  element.dataset["state"] = state;
  element.classList.toggle("wf-hollow", look.hollow === true);
  tint(element, state);
  replace(element, svg("svg", { viewBox: "0 0 16 16" }, svg("path", { d: look.path, class: look.solid ? "wf-solid" : "wf-stroke" })));
}

/** Give an element its state's colours, as `--c` and `--on`. */
export function tint(element: HTMLElement | SVGElement, state: string): void {
  element.style.setProperty("--c", `var(${variableOf(state)})`);
  element.style.setProperty("--on", `var(${variableOf(state)}-on)`);
}

export function kindIcon(kind: string): SVGElement {
  return svg("svg", { viewBox: "0 0 16 16", class: "wf-kind", "aria-hidden": "true" }, svg("path", { d: kindLook(kind).path, class: "wf-thin" }));
}

function append(element: Element, children: readonly Child[]): void {
  element.append(...children.filter((child) => child !== null));
}
