// Which part of the run's time is shown, and how: the window, the idle gaps, the clock. What a person chose stays until they choose again.
import type { TimelinePicture } from "../../protocol";
import { Axis, type Gap, type Mode, roomFor } from "./axis";

const MODES: readonly Mode[] = ["relative", "local", "UTC"];
const LEAD_MS = 200;

export class Scope {
  #picture: TimelinePicture | null = null;
  #now = 0;
  #axis: Axis | null = null;
  /** What is shown; null is the whole, also as it grows. */
  #window: Gap | null = null;
  /** Whether idle gaps are broken out: null until a person has said so. */
  #breaks: boolean | null = null;
  readonly #turned = new Set<number>();
  #mode: Mode = "relative";

  get mode(): Mode {
    return this.#mode;
  }

  /** The axis of what is shown, once it has been laid out. */
  get axis(): Axis | null {
    return this.#axis;
  }

  get isCollapsed(): boolean {
    const picture = this.#picture;
    return this.#breaks ?? (picture !== null && (picture.is_over || picture.status === "SUSPENDED"));
  }

  /** Where the whole ends: for what goes on there is room left. */
  get end(): number {
    const picture = this.#picture;
    if (!picture) return 0;
    if (picture.is_over) return Math.max(picture.end, picture.begin + 1);
    const now = Math.max(picture.end, this.#now);
    return this.#gaps(picture).length > 0 ? now + LEAD_MS : picture.begin + roomFor(Math.max(now, picture.scheduled ?? now) - picture.begin);
  }

  follow(picture: TimelinePicture | null, now: number): void {
    this.#picture = picture;
    this.#now = now;
  }

  /** The axes of what is shown and of the whole, so many pixels wide. */
  lay(picture: TimelinePicture, width: number): readonly [shown: Axis, whole: Axis] {
    const gaps = this.#gaps(picture);
    const all: Gap = [picture.begin, this.end];
    const shown = new Axis(picture.begin, this.#window ?? all, gaps, width);
    this.#axis = shown;
    return [shown, this.#window ? new Axis(picture.begin, all, gaps, width) : shown];
  }

  show(window: Gap | null): void {
    this.#window = window;
  }

  zoom(factor: number, x?: number): void {
    const [axis, picture] = [this.#axis, this.#picture];
    if (!axis || !picture) return;
    const next = axis.zoomed(factor, x ?? axis.width / 2, this.end);
    this.#window = next[0] <= picture.begin && next[1] >= this.end ? null : next;
  }

  /** By so many pixels, where a part is shown. */
  pan(pixels: number): void {
    if (this.#axis && this.#window) this.#window = this.#axis.panned(pixels, this.end);
  }

  turnBreaks(): void {
    this.#breaks = !this.isCollapsed;
    this.#turned.clear();
    this.#window = null;
  }

  turnGap(since: number): void {
    if (!this.#turned.delete(since)) this.#turned.add(since);
    this.#breaks ??= this.isCollapsed; // what a person chose stays
    this.#window = null;
  }

  turnMode(): void {
    this.#mode = MODES[(MODES.indexOf(this.#mode) + 1) % MODES.length] ?? "relative";
  }

  #gaps(picture: TimelinePicture): Gap[] {
    const all = this.isCollapsed;
    const grown = picture.gaps.map(([since, until]): Gap => [since, until === picture.end && !picture.is_over ? Math.max(until, this.#now) : until]);
    return grown.filter(([since]) => all !== this.#turned.has(since));
  }
}
