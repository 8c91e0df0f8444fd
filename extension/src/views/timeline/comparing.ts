// A call beside what it usually takes.
import type { Baseline } from "../../protocol";
import type { Row } from "./rows";
import { tookOf } from "./words";

/** The median and the 95th percentile of its duration, where they are known. */
export function usualOf(row: Row, baseline: Baseline | null): readonly [number, number] | undefined {
  return baseline?.usual[`${row.kind} ${row.name}`];
}

/** `2.3× p50`; "" where there is nothing to compare. */
export function ratioOf(row: Row, baseline: Baseline | null): string {
  const usual = usualOf(row, baseline);
  const took = row.density?.median_ms ?? tookOf(row);
  if (!usual || took === null || usual[0] <= 0) return "";
  const ratio = took / usual[0];
  return ratio >= 1 ? `${ratio.toFixed(1)}× p50` : `${(1 / ratio).toFixed(1)}× faster`;
}
