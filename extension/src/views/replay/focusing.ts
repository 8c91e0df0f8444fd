// The replay and all other views of a lab look at the same thing. A step of a person here is told to the others a moment later, so that whoever runs
// through the steps does not drag them along; what others turn to is followed. The kernel tells each move to all, also to whoever made it: our own
// come back, perhaps after the next step, and are let pass.
import type { Focus, StepDetail } from "../../protocol";
import type { Host } from "../../shell/content";

const PAUSE_MS = 150;
const MOST_UNHEARD = 20;

/** What a step is about, for all views: the call whose end it took up; else the run alone. */
export function focusOfStep(instance_id: string, step: StepDetail | null): Focus {
  const [span_id, group, attempt] = step?.call ?? [null, null, null];
  return { instance_id, group, span_id, attempt };
}

/** Of these steps the one that took up the end of what a focus is on: of a call, a given attempt of it, or a group of calls the last one. */
export function stepFor(focus: Focus, steps: readonly StepDetail[]): number | null {
  const fits = ({ call }: StepDetail): boolean => {
    if (call == null) return false;
    const [span_id, group, attempt] = call;
    return focus.span_id === null ? group === focus.group : span_id === focus.span_id && (focus.attempt === null || focus.attempt === attempt);
  };
  return steps.filter(fits).slice(-1)[0]?.number ?? null;
}

export class Following {
  readonly #unheard: string[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #last = "";
  #isTelling = false;

  constructor(private readonly host: Host) {}

  /** Tell the others, in a moment, unless another step is made before; `focus` may find by then that there is nothing to tell yet. */
  tell(focus: () => Focus | null): void {
    this.stop();
    this.#timer = setTimeout(() => {
      const found = focus();
      if (found !== null) this.#tell(found);
    }, PAUSE_MS);
  }

  /** Whether a move that is heard of is another's, and to be followed. */
  hears(focus: Focus | null): boolean {
    const heard = wordOf(focus);
    if (this.#isTelling) return false;
    const place = this.#unheard.indexOf(heard);
    if (place >= 0) {
      this.#unheard.splice(0, place + 1);
      return false;
    }
    if (heard === this.#last) return false;
    this.#last = heard;
    this.#unheard.length = 0; // the kernel does not tell what it looks at already, and such a one must not be waited for for ever
    this.stop(); // somebody turned elsewhere after our step
    return true;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tell(focus: Focus): void {
    const told = wordOf(focus);
    if (told === this.#last) return;
    this.#last = told;
    if (this.host.blocked === null) {
      this.#unheard.push(told);
      if (this.#unheard.length > MOST_UNHEARD) this.#unheard.shift();
    }
    this.#isTelling = true;
    this.host.focusOn(focus);
    this.#isTelling = false;
  }
}

function wordOf(focus: Focus | null): string {
  return focus === null ? "" : JSON.stringify([focus.instance_id, focus.group, focus.span_id, focus.attempt]);
}
