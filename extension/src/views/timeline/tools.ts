// The buttons and the field above the timeline, and what they show of how things stand.
import { html, set, text } from "../../dom";
import type { TimelinePicture } from "../../protocol";

const COMPARE = "with what these calls usually take (b)";

export interface Presses {
  readonly hides: () => void;
  readonly breaks: () => void;
  readonly mode: () => void;
  readonly critical: () => void;
  readonly compare: () => void;
  readonly before: () => void;
  readonly after: () => void;
  readonly closer: () => void;
  readonly wider: () => void;
  readonly whole: () => void;
}

export interface Standing {
  readonly hides: boolean;
  readonly isCollapsed: boolean;
  readonly mode: string;
  readonly isCritical: boolean;
  readonly baseline: string | null;
  readonly failures: number;
}

export class Tools {
  readonly filter = html("input", { class: "wf-field", type: "search", placeholder: "filter: name, state, kind, error", "aria-label": "Filter rows" });
  readonly elements: readonly HTMLElement[];
  readonly #buttons: Readonly<Record<keyof Presses, HTMLButtonElement>>;

  constructor(presses: Presses) {
    this.#buttons = {
      hides: button("Hide done", "hide completed calls (h)", "hide-completed", presses.hides),
      breaks: button("Idle gaps", "break out idle gaps, or show all time on one scale (i)", "idle", presses.breaks),
      mode: button("relative", "times since the start, local, or UTC (l)", "axis", presses.mode),
      critical: button("Critical", "the chain of calls that determines the end (c)", "critical", presses.critical),
      compare: button("Compare", COMPARE, "baseline", presses.compare),
      before: button("▲", "previous failure ([)", "previous-failure", presses.before),
      after: button("▼", "next failure (])", "next-failure", presses.after),
      closer: button("+", "closer (+, w)", "zoom-in", presses.closer),
      wider: button("−", "more time (-, s)", "zoom-out", presses.wider),
      whole: button("Fit", "the whole (0)", "fit", presses.whole),
    };
    this.elements = [this.filter, ...Object.values(this.#buttons)];
  }

  draw(picture: TimelinePicture, standing: Standing): void {
    const { hides, breaks, mode, critical, compare, before, after } = this.#buttons;
    set(hides, { "aria-pressed": String(standing.hides) });
    set(breaks, { "aria-pressed": String(standing.isCollapsed), disabled: picture.gaps.length === 0 });
    text(mode, standing.mode);
    set(critical, { "aria-pressed": String(standing.isCritical) });
    set(compare, { "aria-pressed": String(standing.baseline !== null) });
    text(compare, standing.baseline === null ? "Compare" : `vs ${standing.baseline}`);
    text(before, standing.failures ? `${standing.failures} failed ▲` : "▲");
    before.disabled = after.disabled = standing.failures === 0;
  }

  /** Without a kernel nothing more can be compared; what is compared can be put away. */
  block(reason: string | null, isCompared: boolean): void {
    set(this.#buttons.compare, { disabled: reason !== null && !isCompared, title: reason ?? `compare ${COMPARE}` });
  }
}

function button(label: string, title: string, action: string, press: () => void): HTMLButtonElement {
  const made = html("button", { type: "button", class: "wf-small", title, "aria-label": title, "data-wf-action": action }, label);
  made.addEventListener("click", press);
  return made;
}
