// The line of times above the rows, and what each idle gap that is broken out is long.
import { html } from "../../dom";
import { spanText } from "../../durations";
import type { TimelinePicture } from "../../protocol";
import type { Axis, Tick } from "./axis";

const WIDE = 170;

/** `open` shows a gap, by when it begins, in full. */
export function labelsOf(picture: TimelinePicture, axis: Axis, ticks: readonly Tick[], now: number, open: (since: number) => void): HTMLElement[] {
  const breaks = axis.breaks.map(([since, until]) => {
    const length = spanText((until - since) / 1000);
    const button = html("button", { type: "button", class: "wf-gap", style: `left:${axis.x(since)}px`, "data-wf-break": until - since, title: `${length} in which nothing happened; click to show it`, "aria-label": `show the idle ${length}` }, html("span", {}, length));
    button.addEventListener("click", () => open(since));
    return button;
  });
  const { scheduled } = picture;
  if (scheduled === null) return [...ticks.map(([x, label]) => html("span", { class: "wf-tick", style: `left:${x}px` }, label)), ...breaks];
  const said = `scheduled for ${new Date(scheduled).toISOString().slice(11, 16)} UTC (in ${spanText((scheduled - now) / 1000)})`;
  return [html("span", { class: "wf-tick", "data-wf-scheduled": scheduled, style: `left:${Math.min(axis.x(scheduled), axis.width - WIDE)}px` }, said), ...breaks];
}

/** What the time went to, and why it does not go on: rows may hide what a band says of that. */
export function blamed(picture: TimelinePicture): string {
  const total = Object.values(picture.blame).reduce((sum, share) => sum + share, 0);
  const shares = Object.entries(picture.blame).filter(([, spent]) => spent / total >= 0.005);
  const told = total > 0 ? shares.map(([what, spent]) => `${what} ${Math.round((100 * spent) / total)}%`) : [];
  return [...told, picture.is_over ? "" : picture.why].filter(Boolean).join(" · ");
}
