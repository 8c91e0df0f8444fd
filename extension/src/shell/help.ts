// The sheet of keys. Every one of them has a button, too.
import { html } from "../dom";
import type { KeyHelp } from "./content";

const SHARED: readonly KeyHelp[] = [
  { keys: "?", what: "this sheet" },
  { keys: "Escape", what: "close what is open; then back to the notebook's cell" },
  { keys: "v", what: "view as table, and back" },
  { keys: "o g t r", what: "show the run, its graph, its timeline, its replay" },
  { keys: "y", what: "copy the instance id" },
  { keys: "x", what: "export as SVG" },
];

export function helpSheet(own: readonly KeyHelp[], close: () => void): HTMLElement {
  const button = html("button", { type: "button", class: "wf-small", "data-wf-action": "close-help" }, "Close");
  button.addEventListener("click", close);
  const lines = [...own, ...SHARED].flatMap(({ keys, what }) => [html("dt", {}, keys), html("dd", {}, what)]);
  return html("section", { class: "wf-help", role: "dialog", "aria-label": "Keys", tabindex: -1 }, button, html("dl", {}, ...lines));
}
