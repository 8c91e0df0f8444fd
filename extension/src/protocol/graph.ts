// What the execution graph shows: the twin of wflab/protocol/graph.py, where the meaning of each field is told.
import type { RunHead } from "./head";
import { isRecord } from "./messages";
import type { Failure, Payload } from "./run";

export interface Durations {
  readonly low: number;
  readonly high: number;
  readonly bins: readonly number[];
  readonly p50: number;
  readonly p95: number;
  readonly count: number;
}

export interface ErrorCount {
  readonly error_type: string;
  readonly message: string;
  readonly count: number;
  readonly index: number;
  readonly span_id: string;
}

export interface CallRow {
  readonly index: number;
  readonly span_id: string;
  readonly state: string;
  readonly attempts: number;
  readonly took_ms: number | null;
  readonly error: string;
  readonly input: string;
  readonly child_id: string | null;
}

export interface GraphGroup {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly line: number | null;
  readonly planned: "" | "planned" | "not taken";
  readonly count: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly cells: string;
  readonly durations: Durations | null;
  readonly errors: readonly ErrorCount[];
  readonly worst: readonly CallRow[];
  readonly attempts: readonly string[];
  readonly attempts_total: number;
  readonly note: string;
  readonly since: number | null;
  readonly until: number | null;
  readonly took_ms: number | null;
  readonly eta: readonly [number, number] | null;
  readonly rounds: number;
  readonly is_loop: boolean;
  readonly span_id: string | null;
  readonly child_id: string | null;
  readonly can_expand: boolean;
  readonly is_expanded: boolean;
  readonly members: readonly string[];
  readonly count_of_groups: number;
  readonly frame: string | null;
  readonly instance_id: string | null;
}

export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly kind: "flow" | "join" | "loop" | "won" | "lost" | "planned" | "mark";
  readonly path: string;
}

export type Place = readonly [x: number, y: number, width: number, height: number];

export interface Level {
  readonly places: Readonly<Record<string, Place>>;
  readonly edges: readonly GraphEdge[];
  readonly frames: readonly string[];
  readonly width: number;
  readonly height: number;
}

export interface Generation {
  readonly number: number;
  readonly state: string;
  readonly began: number;
  readonly ended: number | null;
}

export interface Crumb {
  readonly id: string;
  readonly label: string;
}

export interface GraphPicture extends RunHead {
  readonly view: "graph";
  readonly mode: "graph" | "matrix";
  readonly why: string;
  readonly groups: readonly GraphGroup[];
  readonly levels: readonly Level[];
  readonly strips: readonly string[];
  readonly path: readonly Crumb[];
  readonly generations: readonly Generation[];
  readonly generations_total: number;
  readonly calls_total: number;
  readonly groups_total: number;
  readonly events_total: number;
}

export interface CallPage {
  readonly first: number;
  readonly total: number;
  readonly rows: readonly CallRow[];
}

export interface AttemptLine {
  readonly number: number;
  readonly state: string;
  readonly scheduled: number;
  readonly took_ms: number | null;
  readonly worker: string;
  readonly error: string;
}

export interface CallDetail {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly input: Payload | null;
  readonly output: Payload | null;
  readonly failure: Failure | null;
  readonly attempts: readonly AttemptLine[];
  readonly raw: Payload | null;
}

export function isGraphPicture(picture: unknown): picture is GraphPicture {
  return isRecord(picture) && picture["view"] === "graph" && Array.isArray(picture["groups"]) && Array.isArray(picture["levels"]);
}

export function isCallPage(value: unknown): value is CallPage {
  return isRecord(value) && Array.isArray(value["rows"]) && typeof value["total"] === "number";
}

export function isCallDetail(value: unknown): value is CallDetail {
  return isRecord(value) && Array.isArray(value["facts"]) && Array.isArray(value["attempts"]);
}
