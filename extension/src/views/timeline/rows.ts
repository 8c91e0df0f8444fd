// Spans as rows: one for each logical call, attempts inside; children below their call; many calls of one call-site folded. The twin of
// wflab/views/timeline_rows.py; tests/protocol/timeline_rows.json holds both to it.
import type { Density } from "../../protocol";
import { badness, type Span } from "./spans";

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
  /** Whether what is below it is shown; null where nothing is. */
  readonly isOpen: boolean | null;
}

export interface Choice {
  /** Rows whose children are shown, or not, against their habit: a call's are, a group's are not. */
  readonly turned: ReadonlySet<string>;
  readonly filter: string;
  readonly hidesCompleted: boolean;
}

interface Item {
  readonly row: Omit<Row, "depth" | "isOpen">;
  readonly below: Item[];
}

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

  constructor(spans: readonly Span[], groups: readonly Density[]) {
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
      const state = Object.keys(counts).reduce((worst, other) => (badness(other) < badness(worst) ? other : worst), "COMPLETED");
      folded.set(density.parent + key, { row: { key, name, kind, state, count, since, spans: [], density }, below: [] });
    }
    for (const [key, attempts] of calls) {
      const [first] = attempts;
      const last = attempts[attempts.length - 1];
      if (first && last) items.set(key, { row: { key, name: last.name, kind: last.kind, state: stateOf(attempts), count: 1, since: first.queued, spans: attempts, density: null }, below: [] });
    }
    const above = (parent: string): Item[] => items.get(known.get(known.get(parent)?.parent ?? "")?.callId ?? "")?.below ?? this.#top;
    for (const [key, item] of items) {
      const [first] = calls.get(key) ?? [];
      const group = first && folded.get(first.parent + first.group);
      if (group) this.#groups.set(key, group.row.key);
      (group ? group.below : first && first.kind !== "workflow" ? above(first.parent) : this.#top).push(item);
    }
    for (const group of folded.values()) above(group.row.density?.parent ?? "").push(group);
    for (const list of [this.#top, ...[...items.values(), ...folded.values()].map((item) => item.below)]) {
      list.sort((one, other) => Number(other.row.kind === "workflow") - Number(one.row.kind === "workflow") || one.row.since - other.row.since);
    }
  }

  /** The key of the folded group that a call is in. */
  groupOf(call: string): string | undefined {
    return this.#groups.get(call);
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
        const isOpen = item.below.length === 0 ? null : choice.turned.has(item.row.key) === (item.row.density !== null);
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
