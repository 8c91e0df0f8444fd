// The states' looks, from the same file that Python reads.
import source from "../../wflab/views/palette.json";
import type { Recoloured } from "./protocol";

export interface StateLook {
  readonly letter: string;
  readonly light: string;
  readonly light_on: string;
  readonly dark: string;
  readonly dark_on: string;
  readonly glyph: string;
  readonly path: string;
  readonly solid?: boolean;
  readonly hollow?: boolean;
}

export interface KindLook {
  readonly label: string;
  readonly path: string;
}

export type Theme = "light" | "dark";

const states: ReadonlyMap<string, StateLook> = new Map(Object.entries(source.states));
const kinds: ReadonlyMap<string, KindLook> = new Map(Object.entries(source.kinds));

export const letters: ReadonlyMap<string, string> = new Map([...states].map(([state, look]) => [look.letter, state]));

/** The look of a state; of UNKNOWN for one that a newer kernel may have. */
export function stateLook(state: string): StateLook {
  return states.get(state) ?? source.states.UNKNOWN;
}

export function kindLook(kind: string): KindLook {
  return kinds.get(kind) ?? source.kinds.activity;
}

/** The CSS variables of a theme: `--wf-failed`, `--wf-failed-on` and so on, and the surface they are legible on; `changed` are a user's own colours. */
export function paletteVariables(theme: Theme, changed: Recoloured = {}): [name: string, value: string][] {
  const place = theme === "light" ? 0 : 2;
  const colours = [...states].flatMap(([state, look]): [string, string][] => [
    [variableOf(state), changed[state]?.[place] ?? look[theme]],
    [`${variableOf(state)}-on`, changed[state]?.[place + 1] ?? look[`${theme}_on`]],
  ]);
  return [["--wf-surface", source.surface[theme]], ...colours];
}

export function sameColours(one: Recoloured, other: Recoloured): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function variableOf(state: string): string {
  const known = states.has(state) ? state : "UNKNOWN";
  return `--wf-${known.toLowerCase().replaceAll("_", "-")}`;
}
