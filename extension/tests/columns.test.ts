import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { applyDelta, callRow, counted, readColumns, spanId, type Spans, type TableName, undoneRow, wordOf } from "../src/columns";

interface Sample {
  readonly columns: Readonly<Record<string, unknown>>;
  readonly delta: Readonly<Record<string, unknown>>;
  readonly told: readonly unknown[];
  readonly told_then: readonly unknown[];
}

const TABLES: readonly TableName[] = ["kind", "state", "phase", "outcome", "name", "group", "error", "worker", "by", "child", "note"];
const sample = JSON.parse(readFileSync("../tests/protocol/columns.json", "utf8")) as Sample;

function read(value: unknown): Spans {
  const spans = readColumns(value);
  assert.ok(spans);
  return spans;
}

/** What Python's test says of each span, as read here. */
function told(spans: Spans): unknown[] {
  const { index, attempts } = counted(spans);
  return Array.from({ length: spans.count }, (_, row) => {
    const undone = undoneRow(spans, row);
    const words = Object.fromEntries(TABLES.map((table) => [table, wordOf(spans, table, row)]));
    const times = Object.fromEntries(
      (["queued", "started", "ended", "fire", "late"] as const).map((name) => {
        const time = spans.numbers[name][row] ?? NaN;
        return [name, Number.isNaN(time) ? null : time];
      }),
    );
    return {
      id: spanId(spans, row),
      call: spanId(spans, callRow(spans, row)),
      undoes: undone === null ? null : spanId(spans, undone),
      ...words,
      attempt: spans.codes.attempt[row],
      attempts: attempts[row],
      index: index[row],
      restarts: spans.codes.restarts[row],
      ...times,
    };
  });
}

/** The same message as a comm brings it: bytes apart, as views somewhere in a buffer. */
function withViews(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === "data" ? Object.fromEntries(Object.entries(inner as object).map(([name, text]) => [name, viewOf(String(text))])) : withViews(inner),
    ]),
  );
}

function viewOf(text: string): DataView {
  const bytes = Buffer.from(text, "base64");
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  return new DataView(shifted.buffer, 3);
}

test("columns are read as in the sample, from a saved notebook and from a comm", () => {
  assert.deepEqual(told(read(sample.columns)), sample.told);
  assert.deepEqual(told(read(withViews(sample.columns))), sample.told);
  assert.equal(read(sample.columns).now, sample.columns["now"]);
});

test("what has changed since makes the columns of then", () => {
  const then = applyDelta(read(sample.columns), sample.delta);
  assert.ok(then);
  assert.deepEqual(told(then), sample.told_then);
  assert.equal(then.now, sample.delta["now"]);
});

test("a delta for other columns asks for the whole", () => {
  const spans = read(sample.columns);
  assert.equal(applyDelta(spans, { ...sample.delta, start: 99 }), null);
  assert.equal(applyDelta(spans, { ...sample.delta, count: 2 }), null);
  assert.equal(applyDelta(spans, { ...sample.delta, changed_rows: "" }), null);
});

test("what is no columns is let pass", () => {
  const rows = sample.columns["rows"] as Readonly<Record<string, unknown>>;
  const data = rows["data"] as Readonly<Record<string, unknown>>;
  const broken = [
    null, 17, "columns", [], {},
    { ...sample.columns, now: "noon" },
    { ...sample.columns, rows: { ...rows, count: 99 } },
    { ...sample.columns, rows: { ...rows, data: { ...data, queued: undefined } } },
    { ...sample.columns, rows: { ...rows, types: { queued: "f16" } } },
  ];
  for (const value of broken) assert.equal(readColumns(value), null);
  for (const value of broken) assert.equal(applyDelta(read(sample.columns), value), null);
});

test("a place that a table does not have is no word", () => {
  const spans = read({ ...sample.columns, tables: {} });
  assert.equal(wordOf(spans, "name", 0), "");
});
