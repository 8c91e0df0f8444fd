// What a screen reader is told while a run goes on: one sentence at a time, and never more often than one can listen to.
import { html } from "../dom";
import type { Picture } from "../protocol";

const PAUSE_MS = 2000;

export class Announcer {
  readonly element = html("div", { class: "wf-heard", role: "status", "aria-live": "polite" });
  #said = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** What is to be known of the whole; told when it has changed and stays so for a moment. */
  follow(sentence: string): void {
    if (sentence === this.#said) return;
    this.#said = sentence;
    clearTimeout(this.#timer);
    this.element.textContent = "";
    this.#timer = setTimeout(() => void (this.element.textContent = this.#said), PAUSE_MS);
  }

  /** Said at once: the answer to something that a person did. */
  say(sentence: string): void {
    this.element.textContent = "";
    this.element.textContent = sentence;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** `order is running. It waits for human_approval.` */
export function sentenceOf(picture: Picture): string {
  const status = picture.status.toLowerCase().replaceAll("_", " ");
  const waits = picture.waits.length > 0 ? ` It waits for ${picture.waits.map((wait) => wait.event).join(" and ")}.` : "";
  return `${picture.name} is ${status}.${waits}`;
}
