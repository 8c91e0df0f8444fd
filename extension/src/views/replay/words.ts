// What the replay says of a step, in words and colours.
import { spanText } from "../../durations";
import type { OpenLine, ReplayPicture, StepDetail } from "../../protocol";

/** The palette's state for a letter of `outcomes`. */
export const STATES: Readonly<Record<string, string>> = { S: "COMPLETED", C: "COMPLETED", F: "FAILED", T: "PENDING", E: "SUSPENDED", R: "SUSPENDED", X: "FAILED" };
/** Worst first: of several steps in one column this is the one that is drawn. */
export const BADNESS = "XFERTCS";

export function number(count: number): string {
  return count.toLocaleString("en");
}

export function plural(count: number, one: string): string {
  return `${number(count)} ${one}${count === 1 ? "" : "s"}`;
}

/** `step 5 of 9, line 5, charge_card completed, pay added` */
export function spokenStep(step: StepDetail | null, position: number, total: number, notes = 0): string {
  const noted = notes > 0 ? [plural(notes, "note")] : [];
  if (step === null) return [`step ${number(position)} of ${number(total)}`, ...noted].join(", ");
  const kinds = new Map(step.frames.flatMap((frame) => frame.variables.map(([name, change]) => [name, change] as const)));
  const changed = step.changed.slice(0, 6).map((name) => `${name} ${kinds.get(name) ?? "changed"}`);
  return [`step ${number(position)} of ${number(total)}`, ...(step.line === null ? [] : [`line ${step.line}`]), step.event, ...changed, ...noted].join(", ");
}

export function clockText(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 23)}`;
}

export function openText(open: OpenLine, at: number): string {
  const left = open.until === null ? "" : `, until ${clockText(open.until)} (${spanText((open.until - at) / 1000)} then)`;
  const attempt = open.attempt > 1 && open.kind !== "backoff" ? `, attempt ${open.attempt}` : "";
  const kinds: Readonly<Record<string, string>> = { wait: "waits for event", backoff: `pause before attempt ${open.attempt} of`, child: "child workflow", timer: "", activity: "activity" };
  return `${kinds[open.kind] ?? open.kind} ${open.name}${attempt}${left}`.trim();
}

export function sentenceOf(picture: ReplayPicture): string {
  const failures = picture.failures.length;
  const parted = picture.divergence;
  const told = parted === null ? "" : `; from step ${parted.step} on the code disagrees: history expected ${parted.expected}, the code produced ${parted.produced}`;
  return `Replay of ${picture.name}, ${picture.status.toLowerCase()}, ${plural(picture.steps_total, "step")}${failures ? `, ${number(failures)} of them took a failure` : ""}${told}`;
}

export function pythonText(value: string): string {
  return `'${value.replace(/[\\']/g, "\\$&").replace(/[\n\r\t]/g, " ")}'`;
}
