// What can be done with the group that is looked at, and the sentence that came of it: the bar under the graph.
import { html, set, text } from "../../dom";
import type { GraphGroup } from "../../protocol";

export interface GroupActs {
  details(): void;
  calls(): void;
  expand(): void;
  path(): void;
  reached(): void;
}

export class ActsBar {
  readonly element = html("div", { class: "wf-acts", role: "toolbar", "aria-label": "What can be done with the group", hidden: true });
  readonly #name = html("strong", { dir: "auto" });
  readonly #expand: HTMLButtonElement;
  readonly #said = html("code", { class: "wf-said", "data-wf-said": "" });

  constructor(acts: GroupActs) {
    this.#expand = button("Expand", "o", "expand", () => acts.expand());
    this.element.append(
      this.#name,
      button("Details", "Enter", "details", () => acts.details()),
      button("Calls", "e", "calls", () => acts.calls()),
      this.#expand,
      button("Path", "p", "path", () => acts.path()),
      button("Runs that reached it", "c", "reached", () => acts.reached()),
      this.#said,
    );
  }

  /** Show the bar for a group; null: nobody looks at one. */
  draw(group: GraphGroup | null, blocked: string | null): void {
    this.element.hidden = group === null;
    if (group === null) return;
    text(this.#name, group.name || group.kind);
    this.#expand.hidden = !group.can_expand;
    text(this.#expand, group.is_expanded ? "Fold" : "Expand");
    set(this.#expand, { disabled: blocked !== null, title: blocked ?? "o" });
  }

  say(sentence: string): void {
    if (sentence !== "") this.element.hidden = false;
    text(this.#said, sentence);
  }
}

function button(label: string, key: string, action: string, press: () => void): HTMLButtonElement {
  const made = html("button", { type: "button", class: "wf-small", title: key, "data-wf-action": action }, label);
  made.addEventListener("click", press);
  return made;
}
