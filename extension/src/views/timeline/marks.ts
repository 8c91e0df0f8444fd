// A row as marks: shapes at places in pixels, whatever then paints them. Texture and height say the phase, hue the state, and nothing else does.
import { spanText } from "../../durations";
import type { Axis } from "./axis";
import type { Row } from "./rows";
import { badness, type Span } from "./spans";

export const ROW = 24;
const MIDDLE = ROW / 2;
const NARROWEST = 3;

/** Solid shapes are filled, hollow and lines are stroked; `dash` is the stroke's pattern. `text` stands at `x`, in or behind the shape. */
export interface Mark {
  readonly look: "solid" | "hollow" | "line" | "text" | "ghost";
  readonly x: number;
  readonly width: number;
  readonly y: number;
  readonly height: number;
  readonly state: string;
  readonly path?: string;
  readonly dash?: string;
  readonly text?: string;
  readonly isOn?: boolean;
  readonly span?: Span;
  readonly count?: number;
  /** What it is, for tests and for style: `data-wf-phase`, `data-wf-attempt`, `data-wf-outcome`. */
  readonly hooks?: Readonly<Record<string, string | number>>;
}

/** The marks of a call's row. `usual` has the median and the 95th percentile of its duration, where it is compared. */
export function marksOf(row: Row, axis: Axis, now: number, usual?: readonly [number, number]): Mark[] {
  const marks: Mark[] = [];
  const shown = axis.window;
  if (usual && row.kind !== "workflow") {
    const from = axis.x(row.since);
    const path = `M${from} 21.5H${axis.x(row.since + usual[0])}M${axis.x(row.since + usual[1])} 19v4`;
    marks.push({ look: "ghost", x: from, width: 0, y: 19, height: 4, state: "", path, hooks: { "data-wf-ghost": usual[0] } });
  }
  let end = 0;
  for (const span of row.spans) {
    const until = Number.isNaN(span.ended) ? now : span.ended;
    const last = Math.max(until, span.phase === "backoff" || span.state === "FAILED" ? span.fire || 0 : 0);
    if (span.queued > shown[1] || last < shown[0]) continue;
    const before = marks[marks.length - 1];
    const made = (span.kind === "timer" ? timer(span, axis, until) : span.kind === "event_wait" || span.kind === "event_sent" ? wait(span, axis, until) : call(span, row, axis, until, now))
      .filter((mark) => !row.minor || mark.look !== "text"); // bars of many calls in one row: words would lie on each other
    const [first] = made;
    if (before?.span && first && made.length === 1 && (before.width <= NARROWEST || before.count !== undefined) && first.width <= NARROWEST && first.x < before.x + before.width + 1) {
      const worse = badness(first.state) < badness(before.state) ? first : before;
      marks[marks.length - 1] = { ...worse, x: before.x, width: Math.max(NARROWEST, first.x + first.width - before.x), count: (before.count ?? 1) + 1, hooks: { ...worse.hooks, "data-wf-count": (before.count ?? 1) + 1 } };
    } else marks.push(...made);
    end = Math.max(end, axis.x(until));
  }
  const said = remark(row, now);
  const x = Math.max(end, 0) + 8;
  if (said && x + said.length * 5.6 < axis.width) marks.push({ look: "text", x, width: said.length * 5.6, y: 0, height: ROW, state: "", text: said });
  return marks;
}

/** Queued, executing, and the pause before the next attempt. */
function call(span: Span, row: Row, axis: Axis, until: number, now: number): Mark[] {
  const marks: Mark[] = [];
  const isKnown = !Number.isNaN(span.started);
  const isRun = span.kind === "workflow";
  const begun = isKnown ? Math.max(span.started, span.queued) : span.phase === "queued" ? until : span.queued;
  const mark = (look: Mark["look"], from: number, to: number, height: number, hooks: Mark["hooks"] = {}): Mark => ({ look, x: axis.x(from), width: Math.max(axis.x(to) - axis.x(from), 0), y: MIDDLE - height / 2, height, state: span.state, span, hooks });
  if (axis.x(begun) - axis.x(span.queued) >= 2) {
    const queued = mark("hollow", span.queued, begun, 6, { "data-wf-phase": "queued" });
    marks.push({ ...queued, state: "PENDING", dash: "2 2" });
  }
  if (span.phase !== "queued") {
    const skew = isKnown ? Math.min(until, span.ended || until) - span.started : 0;
    const height = isRun ? 7 : 12;
    const bar = mark("solid", begun, until, height, { "data-wf-attempt": span.attempt, "data-wf-phase": "executing", "data-wf-outcome": span.outcome });
    const width = Math.max(bar.width, NARROWEST);
    // a compensation goes the other way: its left end is open
    const path = span.compensates ? `M${bar.x + Math.min(6, width)} ${bar.y}H${bar.x + width}v${height}H${bar.x + Math.min(6, width)}L${bar.x} ${MIDDLE}z` : undefined;
    marks.push({ ...bar, width, ...(path === undefined ? {} : { path }) });
    if (!isKnown && !isRun && width > 8) marks.push({ ...bar, look: "line", path: `M${bar.x + 1} ${bar.y}v${height}M${bar.x + 3.5} ${bar.y}v${height}`, dash: "1.5 1.5", state: "", hooks: { "data-wf-unknown": "queue" } });
    if (skew < 0) marks.push({ ...bar, look: "text", x: bar.x + 5, text: `⚠ clock skew ${Math.round(-skew)} ms`, state: "", hooks: { "data-wf-skew": -skew } });
    else if (width >= 16 && !isRun) marks.push({ ...bar, look: "text", x: bar.x + width / 2, text: row.spans.length > 1 ? String(span.attempt) : "", isOn: true, hooks: {} });
    if (Number.isNaN(span.ended) && until >= now) marks.push({ ...bar, look: "line", x: bar.x + width, width: 8, path: `M${bar.x + width + 1} 8h5M${bar.x + width + 1} 12h8M${bar.x + width + 1} 16h5`, hooks: { "data-wf-open": "" } });
  }
  if (span.fire > until) {
    const to = Math.min(span.fire, Math.max(now, until));
    marks.push({ ...mark("line", until, to, 8, { "data-wf-phase": "backoff" }), path: `M${axis.x(until)} ${MIDDLE}H${axis.x(to)}`, dash: "2 2.5" });
  }
  return marks;
}

/** A comb that ends in a diamond (it came) or a cross (it did not). */
function wait(span: Span, axis: Axis, until: number): Mark[] {
  const from = axis.x(span.queued);
  const to = axis.x(until);
  const base = { x: from, width: Math.max(to - from, NARROWEST), y: MIDDLE - 5, height: 10, span };
  const hooks = { "data-wf-phase": "wait", "data-wf-outcome": span.outcome };
  const isPoint = span.outcome === "buffered" || span.kind === "event_sent";
  const comb: Mark[] = isPoint ? [] : [{ ...base, look: "line", state: "SUSPENDED", path: `M${from} ${MIDDLE}H${Math.max(to, from + 2)}`, dash: "2 2", hooks: { ...hooks, "data-wf-comb": "" } }];
  if (Number.isNaN(span.ended)) return comb;
  const isRaised = isPoint || span.outcome === "raised";
  return [...comb, { ...base, x: to - 6, width: 12, look: isRaised ? "solid" : "line", state: span.state, path: isRaised ? diamond(to) : cross(to), hooks: isPoint ? hooks : {} }];
}

/** A thin line from a circle to a diamond (fired) or a cross (cancelled), with a tick where it would fire. */
function timer(span: Span, axis: Axis, until: number): Mark[] {
  const from = axis.x(span.queued);
  const to = axis.x(until);
  const base = { x: from, width: Math.max(to - from, NARROWEST), y: MIDDLE - 5, height: 10, span, state: span.state };
  const ghost = span.fire > until ? `M${Math.min(axis.x(span.fire), axis.width - 2)} 8v8` : "";
  const line: Mark = { ...base, look: "line", path: `M${from - 3} ${MIDDLE}a3 3 0 1 0 6 0a3 3 0 1 0-6 0M${from + 3} ${MIDDLE}H${Math.max(to, from + 3)}`, hooks: { "data-wf-phase": "timer", "data-wf-outcome": span.outcome } };
  const marks: Mark[] = ghost && span.phase !== "done" ? [line, { ...base, look: "ghost", path: ghost, hooks: { "data-wf-fires": span.fire } }] : [line];
  if (!Number.isNaN(span.ended)) marks.push({ ...base, x: to - 5, width: 10, look: span.outcome === "fired" ? "solid" : "line", path: span.outcome === "fired" ? diamond(to) : cross(to), hooks: {} });
  return marks;
}

/** A folded group: per pixel column the worst state as colour and how many as height. `worst` and `many` lie between `edges`. */
export function densityMarks(edges: readonly number[], worst: Uint8Array, many: Uint16Array, states: readonly string[], axis: Axis): Mark[] {
  const width = Math.ceil(axis.width);
  const states_ = new Uint8Array(width).fill(255);
  const heights = new Float64Array(width);
  let most = 1;
  const [begin, end] = axis.window;
  many.forEach((count, at) => {
    if ((edges[2 * at + 1] ?? 0) < begin || (edges[2 * at] ?? 0) > end) return;
    const state = (worst[at] ?? 0) - 1; // 0 is none
    if (state < 0) return;
    most = Math.max(most, count);
    const from = Math.max(0, Math.floor(axis.x(edges[2 * at] ?? 0)));
    const to = Math.min(width - 1, Math.max(from, Math.ceil(axis.x(edges[2 * at + 1] ?? 0)) - 1));
    for (let x = from; x <= to; x++) {
      heights[x] = Math.max(heights[x] ?? 0, count);
      const other = states_[x] ?? 255;
      if (other === 255 || badness(states[state] ?? "") < badness(states[other] ?? "")) states_[x] = state;
    }
  });
  const marks: Mark[] = [];
  const height = (x: number): number => Math.round(4 + 12 * Math.sqrt((heights[x] ?? 0) / most));
  for (let x = 0, from = 0; x <= width; x++) {
    if (x < width && states_[x] === states_[from] && height(x) === height(from)) continue;
    if (states_[from] !== 255) marks.push({ look: "solid", x: from, width: Math.max(x - from, 1), y: 20 - height(from), height: height(from), state: states[states_[from] ?? 0] ?? "UNKNOWN", count: heights[from] ?? 0, hooks: { "data-wf-phase": "density" } });
    from = x;
  }
  return marks;
}

/** What is said behind the last mark. */
function remark(row: Row, now: number): string {
  const last = row.spans[row.spans.length - 1];
  if (!last || row.kind === "workflow" || row.minor) return "";
  const waited = spanText(((Number.isNaN(last.ended) ? now : last.ended) - last.queued) / 1000);
  switch (last.outcome) {
    case "raised":
      return `raised${last.raised_by ? ` by ${last.raised_by}` : ""} (waited ${waited})`;
    case "buffered":
      return "buffered, not consumed";
    case "cancelled":
      return `cancelled${last.note ? ` (${last.note})` : ""}`;
    case "timed_out":
      return "timed out";
    case "returned":
      return row.spans.length > 1 ? `#${last.attempt} ok` : "";
    case "failed":
      return last.error;
    case "":
      return last.kind === "timer" ? `fires in ${spanText((last.fire - now) / 1000)}` : "";
    default:
      return last.outcome;
  }
}

function diamond(x: number): string {
  return `M${x} ${MIDDLE - 5}l5 5l-5 5l-5-5z`;
}

function cross(x: number): string {
  return `M${x - 4} ${MIDDLE - 4}l8 8M${x + 4} ${MIDDLE - 4}l-8 8`;
}
