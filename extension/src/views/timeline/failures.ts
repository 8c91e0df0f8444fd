// Rows that somebody has to look at, and the way from one to the next.
import type { Row } from "./rows";

/** The places of rows that have failed, or have an attempt that has. */
export function failuresIn(rows: readonly Row[]): number[] {
  const isBad = (row: Row): boolean => row.kind !== "workflow" && (row.state === "FAILED" || row.state === "STALLED" || row.spans.some((span) => span.state === "FAILED"));
  return rows.flatMap((row, place) => (isBad(row) ? [place] : []));
}

/** The next one after, or before, this place; at an end it begins again. `here` is -1 where nobody has chosen a row. */
export function nextFailure(rows: readonly Row[], here: number, step: 1 | -1): number | undefined {
  const failures = failuresIn(rows);
  if (step > 0) return failures.find((place) => place > here) ?? failures[0];
  return failures.filter((place) => place < here).pop() ?? failures[failures.length - 1];
}
