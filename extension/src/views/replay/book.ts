// The steps that this page knows in all detail: those of the picture, and those that it has asked the kernel for since.
import { type Details, isDetails, type ReplayPicture, type StepDetail, type Value, type Variable } from "../../protocol";
import type { Host } from "../../shell/content";

const AROUND = 60;
const MOST_KEPT = 1500;

interface Known {
  readonly step: StepDetail;
  readonly values: readonly Value[];
}

export class Book {
  readonly #known = new Map<number, Known>();
  readonly #asked = new Set<number>();
  #key = "";

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

  /** Have the kernel send this step and those around it, if it is not there. */
  want(position: number, total: number): void {
    if (this.#known.has(position) || this.#asked.has(position) || this.host.blocked !== null || position < 1 || position > total) return;
    const first = Math.max(1, position - AROUND);
    const last = Math.min(total, position + AROUND);
    for (let at = first; at <= last; at += 1) this.#asked.add(at);
    const forget = (): void => {
      for (let at = first; at <= last; at += 1) this.#asked.delete(at);
    };
    this.host.ask("steps", { first, last }).then(
      (data) => {
        forget();
        if (isDetails(data)) this.#add(data);
        this.came();
      },
      () => forget(),
    );
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
