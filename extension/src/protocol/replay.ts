// What the replay shows: the twin of wflab/protocol/replay.py, where the meaning of each field is told.
import type { RunHead } from "./head";
import { isRecord } from "./messages";

export type Change = "added" | "changed" | "removed" | "same";
/** A value: its text, and the parts of a container or object by name. */
export type Value = readonly [text: string, inner?: readonly (readonly [name: string, value: Value])[]];
export type Variable = readonly [name: string, change: Change, value: number, old: number];

export interface SourceText {
  readonly name: string;
  readonly text: string;
  readonly first: number;
  readonly hits: readonly (readonly [line: number, count: number])[];
}

export interface FrameView {
  readonly name: string;
  readonly source: number | null;
  readonly line: number;
  readonly variables: readonly Variable[];
}

export type StepCall = readonly [span_id: string, group: string, attempt: number | null];

export interface StepNote {
  readonly id: string;
  readonly step: number;
  readonly seq: number;
  readonly line: number | null;
  readonly event: string;
  readonly text: string;
  readonly who: string;
  readonly at: number;
}

export interface TakenLine {
  readonly seq: number;
  readonly type: string;
  readonly text: string;
  readonly payload: boolean;
}

export interface AskedLine {
  readonly text: string;
  readonly line: number | null;
}

export interface OpenLine {
  readonly kind: string;
  readonly name: string;
  readonly attempt: number;
  readonly since: number;
  readonly until: number | null;
}

export interface HeardLine {
  readonly level: string;
  readonly text: string;
}

export interface StepDetail {
  readonly number: number;
  readonly seq: number;
  readonly turn: number;
  readonly event: string;
  readonly outcome: string;
  readonly at: number;
  readonly clock: number;
  readonly line: number | null;
  readonly waits: number | null;
  readonly lines: readonly (readonly [source: number, line: number])[];
  readonly changed: readonly string[];
  readonly frames: readonly FrameView[];
  readonly call: StepCall | null;
  readonly taken: readonly TakenLine[];
  readonly asked: readonly AskedLine[];
  readonly open: readonly OpenLine[];
  readonly open_total: number;
  readonly heard: readonly HeardLine[];
  readonly is_replaying: boolean;
  readonly code_ran: boolean;
  readonly ends: boolean;
}

export interface Details {
  readonly steps: readonly StepDetail[];
  readonly values: readonly Value[];
}

export interface Divergence {
  readonly step: number;
  readonly seq: number;
  readonly event_id: number;
  readonly expected: string;
  readonly produced: string;
  readonly line: number | null;
  readonly source_line: string;
  readonly cause: string;
  readonly edit: string;
  readonly recipe: string;
  readonly message: string;
}

export interface ReplayPicture extends RunHead {
  readonly view: "replay";
  readonly why: string;
  readonly level: "code" | "events";
  readonly is_reading: boolean;
  readonly position: number;
  readonly label: string;
  readonly banners: readonly string[];
  readonly diff: string;
  readonly sources: readonly SourceText[];
  readonly steps_total: number;
  readonly outcomes: string;
  readonly sizes: string;
  readonly marks: string;
  readonly failures: readonly number[];
  readonly details: Details;
  readonly divergence: Divergence | null;
  readonly notes: readonly StepNote[];
  readonly left_out: readonly string[];
}

export interface Link {
  readonly text: string;
  readonly step: number | null;
  readonly line: number | null;
}

export interface ForkPlan {
  readonly at: number;
  readonly reused: readonly string[];
  readonly reused_total: number;
  readonly again: readonly string[];
  readonly again_total: number;
  readonly edits: string | null;
  readonly payload: string | null;
}

export function isReplayPicture(picture: unknown): picture is ReplayPicture {
  return isRecord(picture) && picture["view"] === "replay" && typeof picture["outcomes"] === "string" && isDetails(picture["details"]);
}

export function isDetails(value: unknown): value is Details {
  return isRecord(value) && Array.isArray(value["steps"]) && Array.isArray(value["values"]);
}

export function isForkPlan(value: unknown): value is ForkPlan {
  return isRecord(value) && typeof value["at"] === "number" && Array.isArray(value["reused"]) && Array.isArray(value["again"]);
}
