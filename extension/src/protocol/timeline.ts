// What the timeline shows: the twin of wflab/protocol/timeline.py, where the meaning of each field is told.
import type { RunHead } from "./head";
import { isRecord } from "./messages";

/** Bytes: from a kernel as they are, in a snapshot as base64. */
export type Bytes = DataView | string;
export type Stretch = readonly [since: number, until: number, columns: number];

export interface Density {
  readonly key: string;
  readonly name: string;
  readonly kind: string;
  readonly parent: string;
  readonly count: number;
  readonly sent: number;
  readonly attempts: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly since: number;
  readonly until: number | null;
  readonly median_ms: number | null;
  readonly worst: Bytes;
  readonly many: Bytes;
  readonly members: Bytes;
}

export interface Limit {
  readonly name: string;
  readonly most: number;
}

export interface Strip {
  readonly running: Bytes;
  readonly queued: Bytes;
  readonly failed: Bytes;
}

export interface TimelinePicture extends RunHead {
  readonly view: "timeline";
  readonly why: string;
  readonly scheduled: number | null;
  readonly begin: number;
  readonly end: number;
  readonly gaps: readonly (readonly [since: number, until: number])[];
  readonly stretches: readonly Stretch[];
  readonly strip: Strip;
  readonly groups: readonly Density[];
  /** Columns: `columns.ts` reads them. */
  readonly spans: unknown;
  readonly parents: Readonly<Record<string, string>>;
  readonly limits: readonly Limit[];
  readonly minor: readonly string[];
  readonly major: readonly string[];
  readonly spans_total: number;
  readonly turns: readonly number[];
  readonly critical: readonly string[];
  readonly blame: Readonly<Record<string, number>>;
  readonly left_out: readonly string[];
}

export interface Baseline {
  readonly label: string;
  readonly runs: number;
  readonly usual: Readonly<Record<string, readonly [median: number, p95: number]>>;
}

export function isTimelinePicture(picture: unknown): picture is TimelinePicture {
  return isRecord(picture) && picture["view"] === "timeline" && isRecord(picture["spans"]) && Array.isArray(picture["stretches"]);
}
