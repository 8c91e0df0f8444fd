// Spans as they come over the wire: the twin of wflab/views/columns.py, where each column is told, and of packing.py, which packs them.
// tests/protocol/columns.json is read by both suites.

const NONE = 0xffffffff;
const MICROSECONDS_PER_MS = 1000;
const FIXED = ["kind", "state", "phase", "outcome"] as const;
const WORDS = ["name", "group", "error", "worker", "by", "child", "note", "run"] as const;
const COUNTS = ["attempt", "restarts", "line"] as const;
const BACK = ["call", "undoes"] as const;
const TIMES = ["queued", "started", "ended", "fire", "late"] as const;
const PLACES = ["seq", "event"] as const;
const CODES = [...FIXED, ...WORDS, ...COUNTS, ...BACK] as const;

export type TableName = (typeof FIXED)[number] | (typeof WORDS)[number];
export type CodeName = (typeof CODES)[number];
export type TimeName = (typeof TIMES)[number];
export type NumberName = TimeName | (typeof PLACES)[number];

/** All spans of a view. Codes are places in `tables`; times are milliseconds since the epoch, `NaN` for none. `call` and `undoes` count rows back. */
export interface Spans {
  readonly count: number;
  readonly now: number;
  readonly tables: Readonly<Record<string, readonly string[]>>;
  readonly codes: Readonly<Record<CodeName, Uint32Array>>;
  readonly numbers: Readonly<Record<NumberName, Float64Array>>;
}

/** What a page can count by itself: each call's place among those of its group and its attempts so far, by row. */
export interface Counted {
  readonly index: Uint32Array;
  readonly attempts: Uint32Array;
}

type Bytes = DataView | string;

interface Rows {
  readonly count: number;
  readonly types: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, Bytes>>;
}

/** The spans of a kernel or of a saved notebook; null for what are none, or a newer kernel's. */
export function readColumns(value: unknown): Spans | null {
  if (!isRecord(value) || typeof value["now"] !== "number" || !isRows(value["rows"]) || !isTables(value["tables"])) return null;
  const unpacked = unpack(value["rows"]);
  return unpacked && { ...unpacked, now: value["now"], tables: value["tables"] };
}

/** The spans with what has changed since; null where that does not fit to them, so that the whole has to be asked for. */
export function applyDelta(spans: Spans, value: unknown): Spans | null {
  if (!isRecord(value) || typeof value["now"] !== "number" || typeof value["start"] !== "number" || !isBytes(value["changed_rows"])) return null;
  if (!isRows(value["tail"]) || !isRows(value["changed"]) || !isTables(value["tables"])) return null;
  const [start, tail, changed] = [value["start"], unpack(value["tail"]), unpack(value["changed"])];
  const rows = numbersOf(value["changed_rows"], "u4");
  if (!tail || !changed || rows.length !== changed.count || start > spans.count || start + tail.count !== value["count"]) return null;
  const tables: Record<string, readonly string[]> = { ...spans.tables };
  for (const [name, words] of Object.entries(value["tables"])) tables[name] = [...(tables[name] ?? []), ...words];
  const count = start + tail.count;
  const codes = mapped(CODES, (name) => joined(new Uint32Array(count), spans.codes[name], start, tail.codes[name], rows, changed.codes[name]));
  const numbers = mapped([...TIMES, ...PLACES], (name) =>
    joined(new Float64Array(count), spans.numbers[name], start, tail.numbers[name], rows, changed.numbers[name]),
  );
  return { count, now: value["now"], tables, codes, numbers };
}

/** The word of a row, "" for none; the last of its table for one that the table does not have. */
export function wordOf(spans: Spans, table: TableName, row: number): string {
  return spans.tables[table]?.[spans.codes[table][row] ?? 0] ?? "";
}

/** The `span_id` of a row. */
export function spanId(spans: Spans, row: number): string {
  const run = wordOf(spans, "run", row);
  const kind = wordOf(spans, "kind", row);
  if (kind === "workflow") return run;
  if (kind === "stall") return `${run}:stall`;
  const event = spans.numbers.event[row] ?? NaN;
  return Number.isNaN(event) ? `${run}:e${String(spans.numbers.seq[row])}` : `${run}:a${String(event)}`;
}

/** The row of the call's first attempt, which is the row itself for what is no later attempt. */
export function callRow(spans: Spans, row: number): number {
  return row - (spans.codes.call[row] ?? 0);
}

/** The row of the call that this one undoes; null for none. */
export function undoneRow(spans: Spans, row: number): number | null {
  const back = spans.codes.undoes[row] ?? 0;
  return back === 0 ? null : row - back;
}

/** Count calls and attempts, once for all rows. */
export function counted(spans: Spans): Counted {
  const index = new Uint32Array(spans.count);
  const attempts = new Uint32Array(spans.count);
  const perGroup = new Map<number, number>();
  for (let row = 0; row < spans.count; row++) {
    const first = callRow(spans, row);
    if (first === row) {
      const group = spans.codes.group[row] ?? 0;
      const place = perGroup.get(group) ?? 0;
      perGroup.set(group, place + 1);
      index[row] = place;
    } else {
      index[row] = index[first] ?? 0;
    }
    attempts[first] = (attempts[first] ?? 0) + 1;
  }
  for (let row = 0; row < spans.count; row++) attempts[row] = attempts[callRow(spans, row)] ?? 1;
  return { index, attempts };
}

function unpack(rows: Rows): Pick<Spans, "count" | "codes" | "numbers"> | null {
  try {
    const codes = mapped(CODES, (name) => Uint32Array.from(column(rows, name)));
    const queued = steps(rows, "queued");
    const numbers = {
      ...mapped(PLACES, (name) => steps(rows, name)),
      ...mapped(TIMES, (name) => (name === "queued" ? queued : offsets(rows, name, queued)).map((time) => time / MICROSECONDS_PER_MS)),
    };
    return { count: rows.count, codes, numbers };
  } catch (error) {
    if (error instanceof RangeError) return null; // a column is missing or too short
    throw error;
  }
}

function steps(rows: Rows, name: string): Float64Array {
  const values = column(rows, name);
  const far = farOf(rows, name);
  let total = 0;
  for (let row = 0; row < values.length; row++) {
    const known = far.get(row);
    if (known === undefined) total += values[row] ?? 0;
    else if (!Number.isNaN(known)) total = known;
    values[row] = known ?? total;
  }
  return values;
}

function offsets(rows: Rows, name: string, beside: Float64Array): Float64Array {
  const values = column(rows, name).map((offset, row) => (offset === NONE ? NaN : (beside[row] ?? NaN) + offset));
  for (const [row, value] of farOf(rows, name)) values[row] = value;
  return values;
}

function farOf(rows: Rows, name: string): ReadonlyMap<number, number> {
  const [places, values] = [rows.data[`${name}.rows`], rows.data[`${name}.far`]];
  if (places === undefined || values === undefined) return new Map();
  const far = numbersOf(values, "f8");
  return new Map(Array.from(numbersOf(places, "u4"), (row, place) => [row, far[place] ?? NaN]));
}

function column(rows: Rows, name: string): Float64Array {
  const bytes = rows.data[name];
  const type = rows.types[name];
  if (bytes === undefined || type === undefined) throw new RangeError(`no column ${name}`);
  const values = numbersOf(bytes, type);
  if (values.length === rows.count) return values;
  if (values.length !== 1) throw new RangeError(`column ${name} has ${String(values.length)} rows`);
  return new Float64Array(rows.count).fill(values[0] ?? 0);
}

function numbersOf(bytes: Bytes, type: string): Float64Array {
  const view = typeof bytes === "string" ? fromBase64(bytes) : bytes;
  switch (type) {
    case "u1":
      return filled(view.byteLength, (place) => view.getUint8(place));
    case "u2":
      return filled(view.byteLength >> 1, (place) => view.getUint16(place << 1, true));
    case "u4":
      return filled(view.byteLength >> 2, (place) => view.getUint32(place << 2, true));
    case "f8":
      return filled(view.byteLength >> 3, (place) => view.getFloat64(place << 3, true));
    default:
      throw new RangeError(`no type ${type}`);
  }
}

function filled(length: number, at: (place: number) => number): Float64Array {
  const values = new Float64Array(length);
  for (let place = 0; place < length; place++) values[place] = at(place);
  return values;
}

function fromBase64(text: string): DataView {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

function joined<A extends Uint32Array | Float64Array>(whole: A, before: A, start: number, tail: A, rows: Float64Array, changed: A): A {
  whole.set(before.subarray(0, start));
  whole.set(tail, start);
  rows.forEach((row, place) => (whole[row] = changed[place] ?? 0));
  return whole;
}

function mapped<Name extends string, Value>(names: readonly Name[], made: (name: Name) => Value): Record<Name, Value> {
  return Object.fromEntries(names.map((name) => [name, made(name)])) as Record<Name, Value>;
}

function isRows(value: unknown): value is Rows {
  return isRecord(value) && typeof value["count"] === "number" && isRecord(value["types"]) && isRecord(value["data"]);
}

function isTables(value: unknown): value is Record<string, readonly string[]> {
  return isRecord(value) && Object.values(value).every(Array.isArray);
}

function isBytes(value: unknown): value is Bytes {
  return typeof value === "string" || value instanceof DataView;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
