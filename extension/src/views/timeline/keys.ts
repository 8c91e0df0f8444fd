// What each key does here, and how that is told.
import type { KeyHelp } from "../../shell/content";

export const KEYS: readonly KeyHelp[] = [
  { keys: "↑ ↓ , .", what: "previous and next row" },
  { keys: "← →", what: "close and open what is below a row" },
  { keys: "Enter", what: "details of the row" },
  { keys: "w s + -", what: "zoom; Ctrl and the wheel do, too" },
  { keys: "a d", what: "earlier and later; so does dragging" },
  { keys: "0 F", what: "the whole" },
  { keys: "f", what: "zoom to the row" },
  { keys: "i", what: "break out idle gaps, or one scale" },
  { keys: "l", what: "relative, local, UTC" },
  { keys: "[ ]", what: "previous and next failure" },
  { keys: "c", what: "critical path" },
  { keys: "b", what: "compare with earlier runs" },
  { keys: "h", what: "hide completed calls" },
  { keys: "/", what: "filter" },
  { keys: "Shift and drag", what: "figures of an area; its spans in .selection" },
];

/** What a person can do; what an act gives back is of no use to anybody. */
export interface Acts {
  readonly zoom: (isNear: boolean) => void;
  readonly pan: (share: number) => unknown;
  readonly whole: () => void;
  readonly fit: () => unknown;
  readonly critical: () => void;
  readonly compare: () => void;
  readonly hide: () => void;
  readonly gaps: () => void;
  readonly clock: () => void;
  readonly failure: (step: 1 | -1) => void;
  readonly filter: () => void;
  /** So many rows further; past an end is at the end. */
  readonly go: (by: number) => void;
  readonly turn: (isOpen: boolean) => unknown;
  readonly open: () => unknown;
}

export function doesOf(acts: Acts): Readonly<Record<string, () => unknown>> {
  const near = (): void => acts.zoom(true);
  const far = (): void => acts.zoom(false);
  const next = (): void => acts.go(1);
  const before = (): void => acts.go(-1);
  return {
    w: near, "+": near, "=": near, s: far, "-": far, a: () => acts.pan(-0.2), d: () => acts.pan(0.2), "0": acts.whole, F: acts.whole, f: acts.fit,
    c: acts.critical, b: acts.compare, h: acts.hide, i: acts.gaps, l: acts.clock, "/": acts.filter,
    "[": () => acts.failure(-1), "]": () => acts.failure(1),
    ArrowDown: next, ".": next, ArrowUp: before, ",": before, Home: () => acts.go(-Infinity), End: () => acts.go(Infinity),
    ArrowRight: () => acts.turn(true), ArrowLeft: () => acts.turn(false), Enter: acts.open,
  };
}
