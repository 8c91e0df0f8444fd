// A small button of the replay: its title is its label for whoever does not see it.
import { html } from "../../dom";

export function button(label: string, title: string, action: string, press: () => void): HTMLButtonElement {
  const made = html("button", { type: "button", class: "wf-small", title, "aria-label": title, "data-wf-action": action }, label);
  made.addEventListener("click", press);
  return made;
}
