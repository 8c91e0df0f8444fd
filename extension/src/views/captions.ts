// What stands under a node's name, and what a screen reader hears of it.
import { spanText, tickingText } from "../durations";
import { stateLook } from "../palette";
import type { Node } from "../protocol";

const standing: Readonly<Record<string, string>> = { SUSPENDED: "waiting", PENDING: "not started", RUNNING: "running" };

/** One line; it changes with the clock while the node is open. */
export function caption(node: Node, now: number): string {
  if (node.kind === "more") return "folded away to keep this readable";
  const parts: string[] = [];
  if (node.since !== null) parts.push(openCaption(node, node.since, now));
  else {
    if (node.note) parts.push(node.note);
    if (node.took_ms !== null && node.note !== "received") parts.push(spanText(node.took_ms / 1000));
  }
  if (node.attempts.length > 1) parts.push(`${node.attempts.length} attempts`);
  if (node.is_loop) parts.push("in a loop");
  return parts.join(" · ");
}

function openCaption(node: Node, since: number, now: number): string {
  if (node.until !== null) {
    const left = tickingText(node.until - now);
    if (node.note === "backoff") return `tries again in ${left}`;
    return node.kind === "timer" ? `fires in ${left}` : `waiting · ${left} left`;
  }
  return `${node.note || (standing[node.state] ?? "open")} ${tickingText(now - since)}`;
}

/** `score_chunk, group of 1,000: 863 completed, 12 failed`. */
export function spoken(node: Node): string {
  if (node.count > 1) {
    const counts = Object.entries(node.counts).map(([state, count]) => `${count.toLocaleString("en")} ${words(state)}`);
    return `${node.name}, group of ${node.count.toLocaleString("en")}: ${counts.join(", ")}`;
  }
  return [node.name, node.kind === "end" ? "" : words(node.state), node.note, node.error].filter((part) => part !== "").join(", ");
}

/** `863 ✓  12 ✕`, with the glyphs as text and not as pictures. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([state, count]) => `${count.toLocaleString("en")} ${stateLook(state).glyph}\uFE0E`)
    .join("  ");
}

function words(state: string): string {
  return state.toLowerCase().replaceAll("_", " ");
}
