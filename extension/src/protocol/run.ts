// What the run's card shows: the twin of wflab/protocol/run.py, where the meaning of each field is told.
import type { RunHead } from "./head";
import { type AnyPicture, isRecord } from "./messages";

export interface Payload {
  readonly text: string;
  readonly size: number;
  readonly cut: boolean;
}

export interface Failure {
  readonly error_type: string;
  readonly message: string;
  readonly trace: string | null;
}

export interface Node {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly count: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly cells: string;
  readonly attempts: readonly string[];
  readonly note: string;
  readonly error: string;
  readonly since: number | null;
  readonly until: number | null;
  readonly took_ms: number | null;
  readonly is_loop: boolean;
}

export interface Edge {
  readonly source: string;
  readonly target: string;
  readonly kind: "flow" | "join" | "loop" | "lost";
  readonly path: string;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly edges: readonly Edge[];
  readonly width: number;
  readonly height: number;
  readonly hidden: number;
}

export interface Wait {
  readonly id: string;
  readonly event: string;
  readonly since: number;
  readonly until: number | null;
  readonly title: string | null;
  readonly schema: string | null;
}

export interface StepLine {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly started: number;
  readonly took_ms: number | null;
  readonly count: number;
  readonly note: string;
  readonly result: string;
}

export interface Picture extends RunHead {
  readonly view: "run";
  readonly why: string;
  readonly input: Payload | null;
  readonly output: Payload | null;
  readonly failure: Failure | null;
  readonly graph: Graph;
  readonly waits: readonly Wait[];
  readonly answered: readonly string[];
  readonly steps: readonly StepLine[];
  readonly steps_total: number;
  readonly events_total: number;
  readonly attempts_total: number;
}

export function isRunPicture(picture: AnyPicture): picture is Picture {
  return picture.view === "run" && isRecord((picture as Partial<Picture>).graph);
}
