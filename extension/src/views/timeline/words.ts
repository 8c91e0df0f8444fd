// What a row, a span and a selection say in words. spoken() is the twin of wflab/views/timeline_rows.py.
import { spanText } from "../../durations";
import type { Density } from "../../protocol";
import type { Minor, Row } from "./rows";
import type { Span } from "./spans";

export function word(state: string): string {
  return state.toLowerCase().replaceAll("_", " ");
}

/** How long it took, from the first begin to the last end; null while it is open. */
export function tookOf(row: Row): number | null {
  if (row.density) return row.density.until === null ? null : row.density.until - row.since;
  const ends = row.spans.map((span) => span.ended);
  return ends.some(Number.isNaN) || row.spans[row.spans.length - 1]?.phase === "backoff" ? null : Math.max(0, Math.max(...ends) - row.since);
}

/** What a row is called where there is no room for more: `score #17`. */
export function titleOf(row: Row): string {
  return row.index === null ? row.name : `${row.name} #${row.index}`;
}

/** `charge_card, 3 attempts, failed, failed, completed, total 2.4 s, 1.9 s of backoff`. */
export function spoken(row: Row, now: number): string {
  const words = [row.minor ? `${row.count.toLocaleString("en")} minor calls` : titleOf(row)];
  const [only] = row.spans;
  if (row.minor) words.push(...countsOf(row.minor));
  else if (row.density) words.push(`group of ${row.count.toLocaleString("en")}`, ...countsOf(row.density));
  else if (row.spans.length > 1) words.push(`${row.spans.length} attempts`, ...row.spans.map((span) => word(span.state)));
  else if (only) words.push(word(row.state), ...(["", "returned", "failed"].includes(only.outcome) ? [] : [word(only.outcome)]));
  const took = tookOf(row);
  words.push(took === null ? `${spanText(Math.max(0, Math.floor((now - row.since) / 1000)))} so far` : `total ${spanText(took / 1000)}`);
  const pauses = row.spans.reduce((sum, span) => sum + (isPause(span) ? span.fire - span.ended : 0), 0);
  if (pauses > 0 && !row.minor) words.push(`${spanText(pauses / 1000)} of backoff`);
  return words.join(", ");
}

export function countsOf({ counts }: Density | Minor): string[] {
  return Object.entries(counts).map(([state, count]) => `${count.toLocaleString("en")} ${word(state)}`);
}

export function isPause(span: Span): boolean {
  return (span.kind === "activity" || span.kind === "child") && span.fire > span.ended;
}

/** What is known of a span, name by name. */
export function factsOf(span: Span, begin: number): [name: string, value: string][] {
  const at = (time: number): string => (Number.isNaN(time) ? "" : `+${spanText((time - begin) / 1000)} (${new Date(time).toISOString().replace("T", " ").slice(0, 23)} UTC)`);
  const isKnown = !Number.isNaN(span.started);
  const facts: [string, string | number][] = [
    ["state", span.state],
    ["outcome", word(span.outcome)],
    ["attempt", span.attempt],
    ["asked for", at(span.queued)],
    ["started", isKnown || span.kind !== "activity" ? at(span.started) : "not recorded: the bar includes queue time"],
    ["ended", at(span.ended)],
    [span.kind === "activity" ? "next attempt" : "due", at(span.fire)],
    ["queued for", isKnown ? spanText((span.started - span.queued) / 1000) : ""],
    ["took", Number.isNaN(span.ended) ? "" : spanText((span.ended - (isKnown ? span.started : span.queued)) / 1000)],
    ["worker", span.worker],
    ["raised by", span.raised_by],
    ["child", span.child],
    ["undoes", span.compensates],
    ["restarts", span.restarts || ""],
    ["line", span.line > 0 ? span.line : ""],
    ["note", span.note],
  ];
  return facts.filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)]);
}

