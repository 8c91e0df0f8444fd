// Time along the page. Broken gaps have a fixed width, whatever their length; all other time has one scale.
import { spanText } from "../../durations";

export const BREAK = 26;
const APART = 90;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5];
const LADDER = [1e3, 2e3, 5e3, 1e4, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 108e5, 216e5, 864e5, 2592e5, 6048e5];

export type Gap = readonly [since: number, until: number];
export type Mode = "relative" | "local" | "UTC";
export type Tick = readonly [x: number, label: string];

export class Axis {
  readonly scale: number;
  /** The gaps in sight. */
  readonly breaks: readonly Gap[];
  readonly #from: number;
  readonly #to: number;
  readonly #left: number;

  /** `window` is the time shown, of all the time from `begin`; `gaps` are those that are broken out, in their order. */
  constructor(readonly begin: number, readonly window: Gap, readonly gaps: readonly Gap[], readonly width: number) {
    const [since, until] = window;
    this.breaks = gaps.filter((gap) => gap[0] < until && gap[1] > since);
    this.#from = this.#used(since);
    this.#to = Math.max(this.#used(until), this.#from + 1e-3);
    this.scale = Math.max(1, width - this.#broken(until) + this.#broken(since)) / (this.#to - this.#from);
    this.#left = this.#place(since);
  }

  x(time: number): number {
    return this.#place(time) - this.#left;
  }

  time(x: number): number {
    let [low, high] = this.window;
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (this.x(middle) < x) low = middle;
      else high = middle;
    }
    return high;
  }

  /** The window moved by so many pixels, within the whole. */
  panned(pixels: number, end: number): Gap {
    const by = pixels / this.scale;
    const last = this.#used(end);
    const from = Math.max(0, Math.min(this.#from + by, last - (this.#to - this.#from)));
    return [this.#unused(from), this.#unused(from + this.#to - this.#from)];
  }

  /** The window that has so many times the time in it, around a place that stays. */
  zoomed(factor: number, x: number, end: number): Gap {
    const at = this.#used(this.time(x));
    const from = Math.max(0, at - (at - this.#from) * factor);
    const to = Math.min(this.#used(end), at + (this.#to - at) * factor);
    return to - from < 0.5 ? this.window : [this.#unused(from), this.#unused(to)];
  }

  ticks(mode: Mode): Tick[] {
    const step = STEPS.find((step) => step * this.scale >= APART) ?? 864e5 * Math.ceil(APART / this.scale / 864e5);
    const offset = mode === "local" ? new Date(this.window[0]).getTimezoneOffset() * 6e4 : 0;
    const origin = mode === "relative" ? this.begin : offset;
    const ticks: Tick[] = [];
    const borders = [this.window[0], ...this.breaks.flat(), this.window[1]];
    let room = -APART;
    for (let at = 0; at + 1 < borders.length; at += 2) {
      const [since = 0, until = 0] = borders.slice(at, at + 2);
      for (let time = origin + Math.ceil((since - origin) / step) * step; time <= until; time += step) {
        const x = this.x(time);
        const label = mode === "relative" ? sinceBegin(time - this.begin, step) : clock(time - offset, step);
        if (x < room || x + label.length * 6.5 > this.width) continue;
        room = x + Math.max(APART * 0.8, label.length * 6.5);
        ticks.push([x, label]);
      }
    }
    return ticks;
  }

  #place(time: number): number {
    return this.#used(time) * this.scale + this.#broken(time);
  }

  #broken(time: number): number {
    return this.breaks.reduce((sum, [since, until]) => sum + BREAK * Math.max(0, Math.min(1, (time - since) / (until - since))), 0);
  }

  #used(time: number): number {
    return this.gaps.reduce((used, [since, until]) => used - Math.max(0, Math.min(time, until) - since), time - this.begin);
  }

  #unused(used: number): number {
    let time = this.begin + used;
    for (const [since, until] of this.gaps) if (time > since) time += until - since;
    return time;
  }
}

/** How much time an axis shows of a run that goes on: it grows in steps, so that nothing slides while one looks. */
export function roomFor(elapsed: number): number {
  return LADDER.find((length) => length >= elapsed * 1.02) ?? Math.ceil(elapsed / 6048e5) * 6048e5;
}

function sinceBegin(elapsed: number, step: number): string {
  if (elapsed < 6e4 || step >= 6e4) return elapsed === 0 ? "0 s" : `+${elapsed < 6e4 ? `${+(elapsed / 1000).toFixed(3)} s` : spanText(elapsed / 1000)}`;
  const days = Math.floor(elapsed / 864e5);
  return `+${days ? `${days} d ` : ""}${clock(elapsed % 864e5, step)}`;
}

function clock(time: number, step: number): string {
  const iso = new Date(time).toISOString();
  if (step >= 864e5) return iso.slice(0, 10);
  return step >= 6e4 ? iso.slice(11, 16) : step >= 1e3 ? iso.slice(11, 19) : iso.slice(11, 23);
}
