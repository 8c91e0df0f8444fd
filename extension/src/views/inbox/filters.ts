// What of the questions is shown: words, whether those put off are shown too, and filters that were saved under a name.
import { html, replace, set } from "../../dom";
import type { InboxItem } from "../../protocol";
import { LONGEST_NAME, type SavedFilter, SavedFilters } from "./saved";

type Group = SavedFilter["group"];

export interface Shows {
  changed(): void;
  /** The group that is shown, and to show one. */
  group(): Group;
  turnTo(group: Group): void;
}

export class Filters {
  readonly tools: readonly HTMLElement[];
  readonly #words = html("input", { type: "search", class: "wf-field", placeholder: "filter (/)", "aria-label": "Filter questions", "data-wf-field": "filter" });
  readonly #hidden = html("input", { type: "checkbox" });
  readonly #names = html("select", { class: "wf-field", "aria-label": "Saved filters", "data-wf-field": "saved" });
  readonly #save = html("button", { type: "button", class: "wf-small", "data-wf-action": "save-filter", title: "keep this filter under a name" }, "Save filter…");
  readonly #forget = html("button", { type: "button", class: "wf-small", "data-wf-action": "forget-filter" }, "Forget it");
  readonly #name = html("input", { type: "text", class: "wf-field", "aria-label": "Name of the filter", placeholder: "name, then Enter", maxlength: LONGEST_NAME, "data-wf-field": "filter-name", hidden: true });
  readonly #saved: SavedFilters;
  #drawn = "";

  constructor(lab: () => string, private readonly shows: Shows) {
    this.#saved = new SavedFilters(lab);
    const hidden = html("label", { class: "wf-toggle" }, this.#hidden, "also snoozed and ignored");
    this.tools = [this.#words, hidden, this.#names, this.#name, this.#save, this.#forget];
    for (const [field, event] of [[this.#words, "input"], [this.#hidden, "change"]] as const) field.addEventListener(event, () => this.#touched());
    this.#names.addEventListener("change", () => this.#choose());
    this.#save.addEventListener("click", () => this.#ask());
    this.#forget.addEventListener("click", () => this.#drop());
    this.#name.addEventListener("keydown", (event) => this.#typed(event));
    this.#name.addEventListener("blur", () => set(this.#name, { hidden: true }));
  }

  /** The names of the filters; to be called with each picture, as the lab is known from then on. */
  draw(): void {
    const names = this.#saved.all().map((one) => one.name);
    if (JSON.stringify(names) !== this.#drawn) {
      this.#drawn = JSON.stringify(names);
      const chosen = this.#names.value;
      replace(this.#names, html("option", { value: "" }, "saved filters"), ...names.map((name) => html("option", { value: name }, name)));
      this.#names.value = names.includes(chosen) ? chosen : "";
    }
    this.#names.hidden = names.length === 0;
    this.#forget.hidden = this.#names.value === "";
    set(this.#save, { disabled: this.#isBlank() });
  }

  focus(): void {
    this.#words.focus();
  }

  /** Whether an item is shown; the one that is open stays when it is put off. */
  fits(item: InboxItem, now: number, open: string | undefined): boolean {
    const isAway = item.is_ignored || (item.snoozed !== null && item.snoozed > now);
    if (isAway && !this.#hidden.checked && item.id !== open) return false;
    const all = [item.title, item.workflow, item.event, item.instance_id, item.assignee, item.requester, item.risk === null ? "" : `${item.risk} risk`].join(" ").toLowerCase();
    return this.#words.value.toLowerCase().split(/\s+/).every((word) => all.includes(word));
  }

  #isBlank(): boolean {
    return this.#words.value.trim() === "" && !this.#hidden.checked && this.shows.group() === null;
  }

  #touched(): void {
    this.#names.value = "";
    this.draw();
    this.shows.changed();
  }

  #choose(): void {
    const filter = this.#saved.all().find((one) => one.name === this.#names.value);
    this.#words.value = filter?.words ?? "";
    this.#hidden.checked = filter?.hidden ?? false;
    this.draw();
    this.shows.turnTo(filter?.group ?? null);
    this.shows.changed();
  }

  #ask(): void {
    this.#name.hidden = false;
    this.#name.value = this.#names.value || this.#words.value.trim().slice(0, LONGEST_NAME);
    this.#name.focus();
    this.#name.select();
  }

  #typed(event: KeyboardEvent): void {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation(); // Escape leaves the name, not the view
    const name = this.#name.value.trim();
    if (event.key === "Enter" && name !== "") {
      this.#saved.keep({ name, words: this.#words.value.trim(), hidden: this.#hidden.checked, group: this.shows.group() });
      this.draw();
      this.#names.value = name;
      this.draw();
    }
    this.#name.hidden = true;
    (this.#names.hidden ? this.#words : this.#names).focus();
  }

  #drop(): void {
    this.#saved.forget(this.#names.value);
    this.#names.value = "";
    this.draw();
    this.#words.focus();
  }
}
