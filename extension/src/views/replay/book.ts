// The steps that this page knows in all detail: those of the picture, and those that it has asked the kernel for since.
import { type Details, isDetails, type ReplayPicture, type StepDetail, type Value, type Variable } from "../../protocol";
import type { Host } from "../../shell/content";

const NEAR = 8;
const PIECE = 17;
const AROUND = 60;
const REST_MS = 300;
const MOST_KEPT = 1500;

interface Known {
  readonly step: StepDetail;
  readonly values: readonly Value[];
}

export class Book {
  readonly #known = new Map<number, Known>();
  readonly #asked = new Set<number>();
  #key = "";
  #resting: ReturnType<typeof setTimeout> | undefined;

  /** `came` is called when steps that were asked for are there. */
  constructor(private readonly host: Host, private readonly came: () => void) {}

  take(picture: ReplayPicture): void {
    const key = `${picture.key} ${picture.label} ${picture.divergence?.step ?? ""}`;
    if (key !== this.#key) this.#known.clear(); // another run of this id, or other code
    this.#key = key;
    this.#add(picture.details);
  }

  step(position: number): StepDetail | null {
    return this.#known.get(position)?.step ?? null;
  }

  value(position: number, place: number): Value | null {
    return place < 0 ? null : (this.#known.get(position)?.values[place] ?? null);
  }

  get size(): number {
    return this.#known.size;
  }

  /** All that is known, in order. */
  all(): StepDetail[] {
    return [...this.#known.values()].map(({ step }) => step).sort((one, other) => one.number - other.number);
  }

  /** The steps, of those that are known, in which this line of the workflow ran. */
  running(line: number): number[] {
    return this.all().filter((step) => step.lines.some(([source, own]) => source === 0 && own === line)).map((step) => step.number);
  }

  /** Whether all steps up to this one are known. */
  isWholeUpTo(position: number): boolean {
    for (let at = position; at > 0; at -= 1) if (!this.#known.has(at)) return false;
    return true;
  }

  /** Have the kernel send this step, if it is not there, with a few around it; more of them once the person rests there. */
  want(position: number, total: number): void {
    if (this.#known.has(position) || this.#asked.has(position) || this.host.blocked !== null || position < 1 || position > total) return;
    this.rest();
    void this.#ask(Math.max(1, position - NEAR), Math.min(total, position + NEAR), position);
    const resting = setTimeout(() => void this.#askAround(position, total, () => this.#resting === resting), REST_MS);
    this.#resting = resting;
  }

  /** Ask for nothing more ahead of time. */
  rest(): void {
    clearTimeout(this.#resting);
    this.#resting = undefined;
  }

  /** A piece at a time, the nearest first: the kernel answers in order, and nobody shall wait for what was only to be at hand. */
  async #askAround(position: number, total: number, isResting: () => boolean): Promise<void> {
    for (let from = NEAR + 1; from <= AROUND; from += PIECE) {
      const to = Math.min(AROUND, from + PIECE - 1);
      if (isResting()) await this.#ask(position + from, Math.min(total, position + to));
      if (isResting()) await this.#ask(Math.max(1, position - to), position - from);
    }
  }

  async #ask(first: number, last: number, at?: number): Promise<void> {
    const numbers = Array.from({ length: Math.max(0, last - first + 1) }, (_, place) => first + place);
    if (this.host.blocked !== null || numbers.every((at) => this.#known.has(at) || this.#asked.has(at))) return;
    for (const at of numbers) this.#asked.add(at);
    try {
      const data = await this.host.ask("steps", { first, last, ...(at === undefined ? {} : { at }) });
      if (isDetails(data)) this.#add(data);
    } catch {
      return; // it is asked for again when it is looked at again
    } finally {
      for (const at of numbers) this.#asked.delete(at);
    }
    this.came();
  }

  /** The text of a variable at each step that is known, for its strip: null where it is not there. */
  course(frame: string, name: string): { readonly position: number; readonly variable: Variable; readonly value: Value | null }[] {
    return this.all().flatMap((step) => {
      const variable = step.frames.find((one) => one.name === frame)?.variables.find(([own]) => own === name);
      return variable ? [{ position: step.number, variable, value: this.value(step.number, variable[2]) }] : [];
    });
  }

  #add(details: Details): void {
    for (const step of details.steps) {
      this.#known.delete(step.number);
      this.#known.set(step.number, { step, values: details.values });
    }
    for (const position of this.#known.keys()) {
      if (this.#known.size <= MOST_KEPT) break;
      this.#known.delete(position);
    }
  }
}
