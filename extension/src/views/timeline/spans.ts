// The spans one by one, each with words in place of codes, made when they are first asked for; and what all files here know of bytes and states.
import { callRow, spanId, type Spans as Wire, undoneRow, wordOf } from "../../columns";
import type { Bytes } from "../../protocol";

export const STATES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "TERMINATED", "SUSPENDED", "CONTINUED_AS_NEW", "CANCELED", "STALLED", "UNKNOWN"];
const BADNESS = [5, 4, 9, 0, 6, 3, 8, 7, 1, 2];
const WORDS = ["kind", "state", "phase", "outcome", "name", "group", "error", "worker", "child", "note"] as const;

/** One span; NaN is a time that is not known, "" such a word. */
export type Span = Readonly<Record<(typeof WORDS)[number], string>> & {
  readonly id: string;
  readonly callId: string;
  readonly parent: string;
  readonly raised_by: string;
  readonly compensates: string;
  readonly queued: number;
  readonly started: number;
  readonly ended: number;
  readonly fire: number;
  readonly attempt: number;
  readonly restarts: number;
  readonly line: number;
};

/** All spans. `parents` has the span of its caller for each execution that is a child. */
export function spansOf(wire: Wire, parents: Readonly<Record<string, string>>): Span[] {
  return Array.from({ length: wire.count }, (_, row) => {
    const word = (name: Parameters<typeof wordOf>[1]): string => wordOf(wire, name, row);
    const time = (name: keyof Wire["numbers"]): number => wire.numbers[name][row] ?? NaN;
    const run = word("run");
    const undone = undoneRow(wire, row);
    return {
      id: spanId(wire, row),
      callId: spanId(wire, callRow(wire, row)),
      parent: word("kind") === "workflow" ? (parents[run] ?? "") : run,
      compensates: undone === null ? "" : spanId(wire, callRow(wire, undone)),
      kind: word("kind"),
      state: word("state"),
      phase: word("phase"),
      outcome: word("outcome"),
      name: word("name"),
      group: word("group"),
      error: word("error"),
      worker: word("worker"),
      child: word("child"),
      note: word("note"),
      raised_by: word("by"),
      queued: time("queued"),
      started: time("started"),
      ended: time("ended"),
      fire: time("fire"),
      attempt: wire.codes.attempt[row] ?? 1,
      restarts: wire.codes.restarts[row] ?? 0,
      line: wire.codes.line[row] ?? 0,
    };
  });
}

/** The columns as they would have come, every number in full: for exports. */
export function packed(wire: Wire): unknown {
  const data: Record<string, Bytes> = {};
  const types: Record<string, string> = {};
  const put = (name: string, type: string, values: Uint32Array | Float64Array): void => {
    data[name] = new DataView(values.buffer, values.byteOffset, values.byteLength);
    types[name] = type;
  };
  for (const [name, codes] of Object.entries(wire.codes)) put(name, "u4", codes);
  const rows = Uint32Array.from({ length: wire.count }, (_, row) => row);
  for (const [name, numbers] of Object.entries(wire.numbers)) {
    put(name, "u4", new Uint32Array(wire.count));
    put(`${name}.rows`, "u4", rows);
    put(`${name}.far`, "f8", name === "seq" || name === "event" ? numbers : numbers.map((time) => Math.round(time * 1000)));
  }
  return { rows: { count: wire.count, types, data }, now: wire.now, tables: wire.tables };
}

/** A smaller number is worse. */
export function badness(state: string): number {
  return BADNESS[STATES.indexOf(state)] ?? 2;
}

export function bytesOf(bytes: Bytes): Uint8Array {
  if (typeof bytes === "string") return Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice(); // numbers must lie at multiples of their size
}
