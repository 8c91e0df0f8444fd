// What stands in a group's node, and what is said of it; the same words as wflab/views/graph_words.py.
import { spanText, tickingText } from "../../durations";
import { stateLook } from "../../palette";
import type { GraphGroup, GraphPicture } from "../../protocol";

const standing: Readonly<Record<string, string>> = { SUSPENDED: "waiting", PENDING: "not started", RUNNING: "running" };

export const number = (value: number): string => value.toLocaleString("en");

/** One line; it changes with the clock while the group is open. */
export function caption(group: GraphGroup, now: number): string {
  if (group.planned) return group.planned;
  if (group.kind === "scope") return `${group.note}, ${number(group.count)} calls`;
  const parts: string[] = [];
  if (group.since !== null) parts.push(openCaption(group, group.since, now));
  else {
    if (group.note) parts.push(group.note);
    if (group.took_ms !== null && group.note !== "received") parts.push(spanText(group.took_ms / 1000));
  }
  if (group.count === 1 && group.attempts_total > 1) parts.push(`${group.attempts_total} attempts`);
  if (group.is_loop && group.rounds > 1) parts.push(`loop ×${number(group.rounds)}`);
  if (group.eta) parts.push(`done in ${spanText(group.eta[0] / 1000)} to ${spanText(group.eta[1] / 1000)}`);
  return parts.join(" · ");
}

function openCaption(group: GraphGroup, since: number, now: number): string {
  if (group.until !== null) {
    const left = tickingText(group.until - now);
    if (group.note === "backoff") return `tries again in ${left}`;
    return group.kind === "timer" ? `fires in ${left}` : `waiting · ${left} left`;
  }
  return `${group.note || (standing[group.state] ?? "open")} ${tickingText(now - since)}`;
}

/** `p50 1.2 s  p95 4 s`. */
export function figures(group: GraphGroup): string {
  const found = group.durations;
  return found === null ? "" : `p50 ${spanText(found.p50 / 1000)}  p95 ${spanText(found.p95 / 1000)}`;
}

/** `12× ValueError: no`. */
export function topError(group: GraphGroup): string {
  const error = group.errors[0];
  if (error === undefined) return "";
  return error.count > 1 || group.count > 1 ? `${number(error.count)}× ${error.message}` : error.message;
}

/** `score_chunk, group of 1,000: 863 completed, 64 running`. */
export function spoken(group: GraphGroup): string {
  const name = group.name || group.kind;
  if (group.planned) return `${name}, ${group.planned}`;
  if (group.kind === "race") return `race, ${group.note}`;
  if (group.kind === "patch") return `patch ${name}`;
  if (group.count === 1 && group.kind !== "scope") return [name, lower(group.state), group.note, topError(group)].filter((part) => part !== "").join(", ");
  const counts = Object.entries(group.counts).map(([state, count]) => `${number(count)} ${lower(state)}`);
  return `${name}, group of ${number(group.count)}: ${counts.join(", ")}`;
}

/** What is told where the pointer rests: counts, examples, errors, when the rest will be done. */
export function hoverText(group: GraphGroup, now: number): string {
  const lines = [`${group.name}${group.line === null ? "" : ` · line ${group.line}`}`];
  if (group.count > 1) lines.push(Object.entries(group.counts).map(([state, count]) => `${number(count)} ${state}`).join(" · "));
  lines.push(caption(group, now));
  if (group.durations && group.durations.count > 1) lines.push(figures(group));
  for (const error of group.errors) lines.push(`${number(error.count)}× ${error.message} (such as #${error.index})`);
  const bad = group.worst.filter((row) => row.state !== "COMPLETED");
  if (group.count > 1 && bad.length > 0) lines.push(`worst: ${bad.map((row) => `#${row.index} ${row.state} ${row.span_id}`).join(", ")}`);
  return lines.filter((line) => line !== "").join("\n");
}

/** `Execution graph of order 7f3a, running, 1,000 score_chunk calls, 12 failed`. */
export function sentenceOf(picture: GraphPicture): string {
  const called = picture.groups.filter((group) => group.count > 0 && !["workflow", "race"].includes(group.kind));
  const [largest] = [...called].sort((one, other) => other.count - one.count);
  const failed = called.reduce((sum, group) => sum + (group.counts["FAILED"] ?? 0), 0);
  const parts = [`Execution graph of ${picture.name} ${picture.instance_id.slice(0, 8)}`, lower(picture.status)];
  if (largest && largest.count > 1) parts.push(`${number(largest.count)} ${largest.name} calls`);
  else parts.push(called.length === 0 ? "nothing has run yet" : `${called.length} calls`);
  if (failed > 0) parts.push(`${number(failed)} failed`);
  return parts.join(", ");
}

export function stateText(group: GraphGroup): string {
  if (group.planned) return group.planned;
  if (Object.keys(group.counts).length < 2) return `${stateLook(group.state).glyph}\uFE0E ${group.state}`;
  return Object.entries(group.counts).map(([state, count]) => `${number(count)} ${state}`).join(", ");
}

/** The line of Python that finds the runs that came to this node, in this state if one is worth asking for. */
export function reachedCode(group: GraphGroup): string {
  const failed = (group.counts["FAILED"] ?? 0) > 0 ? ', status="FAILED"' : "";
  return `lab.runs.reached(${pythonText(group.name)}${failed})`;
}

/** A string as Python reads it. */
export function pythonText(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function lower(state: string): string {
  return state.toLowerCase().replaceAll("_", " ");
}
