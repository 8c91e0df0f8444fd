// Notes about steps: the form that one is written in, the list of those that stand, and their way into the notebook.
import { html, replace, set, text } from "../../dom";
import { refocus } from "../../keys";
import type { ReplayPicture, StepNote } from "../../protocol";
import type { Host } from "../../shell/content";
import { copy } from "../../shell/exports";
import { asked, INSERT } from "../doors";
import { button } from "./button";
import { notesAsMarkdown } from "./note_links";
import { number, plural } from "./words";

const LONGEST = 2000;

export interface NoteActs {
  go(position: number): void;
  /** Whoever leaves the form goes there. */
  leave(): void;
}

export class Notes {
  readonly element: HTMLElement;
  readonly button = button("Note", "write a note about this step (n)", "note", () => this.openForm());
  readonly #form = html("div", { class: "wf-noteform", "data-wf-noteform": "", hidden: true });
  readonly #heading = html("span", {});
  readonly #field = html("textarea", { class: "wf-field wf-notefield", rows: 2, maxlength: LONGEST, dir: "auto", "data-wf-field": "note" });
  readonly #keep = button("Keep", "keep the note (Enter; Shift+Enter for a new line)", "note-keep", () => void this.#write());
  readonly #problem = html("span", { class: "wf-noteproblem", role: "alert" });
  readonly #list = html("ul", { class: "wf-notelist", "aria-label": "Notes" });
  readonly #told = html("span", { class: "wf-muted", role: "status", "data-wf-notestold": "" });
  readonly #source = html("textarea", { class: "wf-field wf-edit", rows: 4, readonly: true, "aria-label": "The notes as Markdown", hidden: true });
  readonly #standing: HTMLElement;
  readonly #title = html("h4", { class: "wf-panetitle" });
  #picture: ReplayPicture | null = null;
  #position = 0;
  #about = 0;
  #drawn = "";

  constructor(private readonly host: Host, private readonly acts: NoteActs) {
    const cancel = button("Cancel", "leave it (Escape)", "note-cancel", () => this.close());
    this.#form.append(html("label", { class: "wf-panetitle" }, this.#heading, this.#field), html("div", { class: "wf-forkacts" }, this.#keep, cancel, this.#problem));
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      void this.#write();
    });
    const insert = button("To the notebook", "insert a Markdown cell with these notes", "notes-insert", () => void this.#insert());
    this.#standing = html("section", { "aria-label": "Notes", hidden: true }, html("div", { class: "wf-forkacts" }, this.#title, insert, this.#told), this.#list, this.#source);
    this.element = html("div", { class: "wf-notes" }, this.#form, this.#standing);
  }

  get steps(): readonly number[] {
    return this.#notes.map((note) => note.step);
  }

  draw(picture: ReplayPicture, position: number): void {
    this.#picture = picture;
    this.#position = position;
    set(this.button, { disabled: this.host.blocked !== null || picture.steps_total === 0, title: this.host.blocked ?? this.button.getAttribute("aria-label") ?? "" });
    const notes = this.#notes;
    const drawn = JSON.stringify([notes, this.host.blocked, position]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#standing.hidden = notes.length === 0;
    text(this.#title, plural(notes.length, "note"));
    const had = this.#list.contains(document.activeElement) ? document.activeElement?.closest<HTMLElement>("[data-wf-note]")?.dataset["wfNote"] : undefined;
    replace(this.#list, ...notes.map((note) => this.#row(note, position)));
    if (had !== undefined) refocus(this.#list.querySelector<HTMLElement>(`[data-wf-note="${CSS.escape(had)}"] button`) ?? this.#list.querySelector("button"));
  }

  /** Open the form for the step that is looked at. */
  openForm(): void {
    if (this.host.blocked !== null) return this.host.say(this.host.blocked);
    if (this.#picture === null || this.#position === 0) return;
    if (this.#form.hidden || this.#field.value.trim() === "") this.#about = this.#position;
    text(this.#heading, `Note about step ${number(this.#about)}`);
    text(this.#problem, "");
    this.#form.hidden = false;
    this.#field.focus();
  }

  /** Leave the form, and what is written in it; whether it was open. */
  close(): boolean {
    if (this.#form.hidden) return false;
    this.#form.hidden = true;
    this.#field.value = "";
    this.acts.leave();
    return true;
  }

  get #notes(): readonly StepNote[] {
    return this.#picture?.notes ?? []; // a notebook may hold a picture that is older than notes are
  }

  #row(note: StepNote, position: number): HTMLElement {
    const at = button(`Step ${number(note.step)}`, `to step ${note.step}`, "note-step", () => this.acts.go(note.step));
    const remove = button("×", `remove the note about step ${note.step}`, "note-remove", () => void this.#ask("remove_note", { id: note.id }));
    set(remove, { disabled: this.host.blocked !== null, title: this.host.blocked ?? remove.title });
    const about = [note.line === null ? "" : `line ${note.line}`, note.event].filter(Boolean).join(" · ");
    return html(
      "li",
      { class: "wf-note", "data-wf-note": note.id, "data-wf-notestep": note.step, "aria-current": note.step === position ? "true" : undefined },
      at,
      html("div", { class: "wf-notebody" }, html("div", { class: "wf-notetext", dir: "auto" }, note.text), html("div", { class: "wf-muted", dir: "auto" }, about)),
      remove,
    );
  }

  async #write(): Promise<void> {
    const said = this.#field.value.trim();
    if (said === "") {
      text(this.#problem, "Write something first, or press Escape.");
      return;
    }
    this.#keep.disabled = true;
    if (await this.#ask("note", { step: this.#about, text: said })) {
      this.close();
      this.host.say(`noted at step ${this.#about}`);
    }
    this.#keep.disabled = false;
  }

  /** Ask the kernel; the picture with the other notes comes by itself. */
  async #ask(what: string, args: Readonly<Record<string, unknown>>): Promise<boolean> {
    try {
      await this.host.ask(what, args);
      return true;
    } catch (reason) {
      const said = reason instanceof Error ? reason.message : String(reason);
      text(this.#form.hidden ? this.#told : this.#problem, said);
      return false;
    }
  }

  async #insert(): Promise<void> {
    if (this.#picture === null) return;
    const source = notesAsMarkdown(this.#picture);
    this.#source.hidden = true;
    if (asked(this.element, INSERT, { source, kind: "markdown" })) {
      text(this.#told, "Inserted below.");
      return;
    }
    const why = "only wflab's JupyterLab extension can insert a cell, and it is not in this page";
    if (await copy(source)) text(this.#told, `Copied as Markdown, for a cell of your own: ${why}.`);
    else {
      text(this.#told, `Copy this into a Markdown cell: ${why}.`);
      this.#source.hidden = false;
      this.#source.value = source;
      this.#source.select();
    }
  }
}
