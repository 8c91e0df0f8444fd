// Playing: one step after another, at one of three speeds.
import { html, set, text } from "../../dom";

const SPEEDS: readonly (readonly [name: string, ms: number | null])[] = [
  ["1×", 800],
  ["4×", 200],
  ["original", null],
];
const SHORTEST_MS = 40;
const LONGEST_MS = 1000;

export class Player {
  readonly button = html("button", { type: "button", class: "wf-small", "data-wf-action": "play", title: "play (Space)", "aria-label": "play" }, "Play");
  readonly speed = html("button", { type: "button", class: "wf-small", "data-wf-action": "speed", title: "speed: 1×, 4×, or as it was, at most 1 s a step" }, "1×");
  #chosen = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** `next` goes one step on and says whether there are more; `waited` is how long the next one was waited for, in ms, where that is known. */
  constructor(private readonly next: () => boolean, private readonly waited: () => number | null) {
    this.button.addEventListener("click", () => this.turn());
    this.speed.addEventListener("click", () => {
      this.#chosen = (this.#chosen + 1) % SPEEDS.length;
      text(this.speed, SPEEDS[this.#chosen]?.[0] ?? "");
    });
  }

  get isPlaying(): boolean {
    return this.#timer !== null;
  }

  turn(): void {
    if (this.isPlaying) this.stop();
    else this.#go();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#show();
  }

  #go(): void {
    const fixed = SPEEDS[this.#chosen]?.[1] ?? null;
    const ms = fixed ?? Math.max(SHORTEST_MS, Math.min(LONGEST_MS, this.waited() ?? LONGEST_MS));
    this.#timer = setTimeout(() => {
      if (this.next()) this.#go();
      else this.stop();
    }, ms);
    this.#show();
  }

  #show(): void {
    text(this.button, this.isPlaying ? "Pause" : "Play");
    set(this.button, { "aria-label": this.isPlaying ? "pause" : "play" });
  }
}
