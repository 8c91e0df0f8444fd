// Spans as rows: one for each logical call, attempts inside; children below their call; many calls of one call-site folded. The twin of
// wflab/views/timeline_rows.py; tests/protocol/timeline_rows.json holds both to it.
import type { Density } from "../../protocol";
import { badness, bytesOf, type Span } from "./spans";

export const BANDS = ["suspend", "stall", "can"];

export interface Row {
  readonly key: string;
  readonly name: string;
  readonly kind: string;
  readonly depth: number;
  readonly state: string;
  readonly count: number;
  readonly since: number;
  readonly spans: readonly Span[];
  /** Where it is a folded group. */
  readonly density: Density | null;
  /** Where it is the fold of the minor calls below one run. */
  readonly minor: Minor | null;
  /** Its place in its group, where that is opened. */
  readonly index: number | null;
  /** Whether what is below it is shown; null where nothing is. */
  readonly isOpen: boolean | null;
}

export interface Minor {
  /** How many calls stand in which state. */
  readonly counts: Readonly<Record<string, number>>;
  /** What is folded: groups by their keys, and calls. */
  readonly groups: readonly string[];
  readonly calls: readonly string[];
}

export interface Choice {
  /** Rows whose children are shown, or not, against their habit: a call's are, those of a group and minor ones are not. */
  readonly turned: ReadonlySet<string>;
  readonly filter: string;
  readonly hidesCompleted: boolean;
}

interface Item {
  row: Omit<Row, "depth" | "isOpen">;
  readonly below: Item[];
}

const PLAIN = { density: null, minor: null, index: null };

export function bandsOf(spans: readonly Span[]): Span[] {
  return spans.filter((span) => BANDS.includes(span.kind));
}

/** The last attempt's state; between two attempts the call goes on. */
export function stateOf(attempts: readonly Span[]): string {
  const last = attempts[attempts.length - 1];
  return last?.phase === "backoff" ? "RUNNING" : (last?.state ?? "UNKNOWN");
}

export class RowTree {
  readonly #top: Item[] = [];
  readonly #groups = new Map<string, string>();

  /** `minor` are the names of activities of low importance. */
  constructor(spans: readonly Span[], groups: readonly Density[], minor: readonly string[] = []) {
    const known = new Map<string, Span>();
    for (const span of spans) known.set(span.id, span);
    const calls = new Map<string, Span[]>();
    for (const span of known.values()) {
      if (BANDS.includes(span.kind) || (span.kind === "workflow" && known.has(span.parent))) continue;
      const attempts = calls.get(span.callId);
      if (attempts) attempts.push(span);
      else calls.set(span.callId, [span]);
    }
    const folded = new Map<string, Item>();
    const items = new Map<string, Item>();
    for (const density of groups) {
      const { key, name, kind, count, since, counts } = density;
      const state = worstOf(counts);
      folded.set(density.parent + key, { row: { ...PLAIN, key, name, kind, state, count, since, spans: [], density }, below: [] });
    }
    for (const [key, attempts] of calls) {
      const [first] = attempts;
      const last = attempts[attempts.length - 1];
      if (first && last) items.set(key, { row: { ...PLAIN, key, name: last.name, kind: last.kind, state: stateOf(attempts), count: 1, since: first.queued, spans: attempts }, below: [] });
    }
    const above = (parent: string): Item[] => items.get(known.get(known.get(parent)?.parent ?? "")?.callId ?? "")?.below ?? this.#top;
    for (const [key, item] of items) {
      const [first] = calls.get(key) ?? [];
      const group = first && folded.get(first.parent + first.group);
      if (group) this.#groups.set(key, group.row.key);
      (group ? group.below : first && first.kind !== "workflow" ? above(first.parent) : this.#top).push(item);
    }
    for (const group of folded.values()) {
      above(group.row.density?.parent ?? "").push(group);
      number(group);
    }
    const lists = [this.#top, ...[...items.values()].map((item) => item.below)];
    if (minor.length > 0) for (const list of lists) this.#fold(list, new Set(minor));
    for (const list of [...lists, ...[...folded.values()].map((item) => item.below)]) {
      list.sort((one, other) => Number(other.row.kind === "workflow") - Number(one.row.kind === "workflow") || one.row.since - other.row.since);
    }
  }

  /** The keys of what a call is folded into, from the inside out. */
  foldsOf(call: string): string[] {
    const found: string[] = [];
    for (let key = this.#groups.get(call); key !== undefined; key = this.#groups.get(key)) found.push(key);
    return found;
  }

  /** Several minor calls beside each other are one row. */
  #fold(list: Item[], minor: ReadonlySet<string>): void {
    const small = list.filter(({ row }) => row.kind === "activity" && minor.has(row.name)).sort((one, other) => one.row.since - other.row.since);
    const [first] = small;
    if (!first || (small.length < 2 && !first.row.density)) return;
    const key = `minor ${first.row.density?.parent ?? first.row.spans[0]?.parent ?? ""}`;
    const counts: Record<string, number> = {};
    for (const { row } of small) for (const [state, count] of Object.entries(row.density?.counts ?? { [row.state]: 1 })) counts[state] = (counts[state] ?? 0) + count;
    const count = small.reduce((sum, { row }) => sum + row.count, 0);
    const spans = small.flatMap(({ row, below }) => [...row.spans, ...below.flatMap((item) => item.row.spans)]).sort((one, other) => one.queued - other.queued);
    const folded: Minor = { counts, groups: small.flatMap(({ row }) => row.density?.key ?? []), calls: small.flatMap(({ row }) => (row.density ? [] : row.key)) };
    for (const { row } of small) this.#groups.set(row.key, key);
    const row = { ...PLAIN, key, name: `+${count.toLocaleString("en")} minor`, kind: "activity", state: worstOf(counts), count, since: first.row.since, spans, minor: folded };
    list.splice(0, list.length, ...list.filter((item) => !small.includes(item)), { row, below: small });
  }

  rows(choice: Choice): Row[] {
    const words = choice.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = ({ row }: Item): boolean => {
      if (choice.hidesCompleted && row.state === "COMPLETED" && row.kind !== "workflow") return false;
      const text = `${row.name} ${row.kind} ${row.density ? Object.keys(row.density.counts).join(" ") : row.state} ${row.spans.map((span) => `${span.error} ${span.outcome}`).join(" ")}`.toLowerCase();
      return words.every((word) => text.includes(word));
    };
    const rows: Row[] = [];
    const lay = (items: readonly Item[], depth: number): boolean => {
      let any = false;
      for (const item of items) {
        const isFold = item.row.density !== null || item.row.minor !== null;
        // who looks for a minor call does not have to open them first
        const isOpen = item.below.length === 0 ? null : (item.row.minor !== null && words.length > 0) || choice.turned.has(item.row.key) === isFold;
        const place = rows.length;
        rows.push({ ...item.row, depth, isOpen });
        const isBelow = isOpen === true && lay(item.below, depth + 1);
        if (fits(item) || isBelow) any = true;
        else rows.length = place;
      }
      return any;
    };
    lay(this.#top, 0);
    return rows;
  }
}

function worstOf(counts: Readonly<Record<string, number>>): string {
  return Object.keys(counts).reduce((worst, other) => (badness(other) < badness(worst) ? other : worst), "COMPLETED");
}

/** Calls of a group are asked for in the order of their numbers. */
function number(group: Item): void {
  const { density } = group.row;
  const sent = density && density.sent < density.count ? new Uint32Array(bytesOf(density.members).buffer) : null;
  const asked = (item: Item): number => Number(/\d+$/.exec(item.row.key)?.[0] ?? 0);
  [...group.below].sort((one, other) => asked(one) - asked(other)).forEach((item, place) => (item.row = { ...item.row, index: sent ? (sent[place] ?? null) : place }));
}
