// What the saga trace shows: the twin of wflab/protocol/saga.py, where the meaning of each field is told.
import type { RunHead } from "./head";
import { type AnyPicture, isRecord } from "./messages";
import type { Payload } from "./run";

export interface SagaNode {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly word: string;
  readonly look: string;
  readonly caption: string;
  readonly order: string;
  readonly count: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly cells: string;
  readonly since: number | null;
  readonly span_id: string | null;
  readonly is_doubtful: boolean;
  readonly is_slight: boolean;
}

export interface SagaRow {
  readonly id: string;
  readonly kind: "pair" | "group" | "fold";
  readonly y: number;
  readonly height: number;
  readonly comp: string;
  readonly forward: SagaNode | null;
  readonly back: SagaNode | null;
  readonly link: string;
  readonly token: string;
  readonly residual: string;
  readonly count: number;
  readonly at: number | null;
  readonly is_pivot: boolean;
}

export interface SagaBridge {
  readonly row: string;
  readonly path: string;
  readonly look: string;
  readonly link: string;
}

export interface SagaLayout {
  readonly width: number;
  readonly forward: readonly [x: number, width: number];
  readonly back: readonly [x: number, width: number];
  readonly bridges: readonly SagaBridge[];
  readonly turn: string;
}

export interface SagaLadder {
  readonly rows: readonly SagaRow[];
  readonly height: number;
  readonly wide: SagaLayout;
  readonly narrow: SagaLayout;
  readonly shown: number;
  readonly total: number;
}

export interface SagaResidual {
  readonly pair: string;
  readonly step: string;
  readonly undo: string;
  readonly text: string;
  readonly token: string;
  readonly needs_attention: boolean;
  readonly can: readonly string[];
  readonly act: string;
}

export interface SagaStory {
  readonly word: string;
  readonly look: string;
  readonly sentence: string;
  readonly to_undo: number;
  readonly undone: number;
  readonly attention: number;
  readonly is_saga: boolean;
  readonly is_inferred: boolean;
  readonly ladder: SagaLadder;
  readonly whole: SagaLadder | null;
  readonly timed: SagaLadder;
  readonly residuals: readonly SagaResidual[];
  readonly residuals_total: number;
  readonly others: readonly string[];
}

export interface SagaPicture extends RunHead {
  readonly view: "saga";
  readonly why: string;
  readonly story: SagaStory;
  readonly failing: readonly (readonly [place: number, name: string])[];
  readonly example: string;
}

export interface SagaSide {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly input: Payload | null;
  readonly output: Payload | null;
  readonly error: string;
}

export interface PairDetail {
  readonly title: string;
  readonly forward: SagaSide;
  readonly back: SagaSide;
  readonly acts: readonly (readonly [at: number, who: string, what: string, why: string])[];
}

export interface SagaActed {
  readonly count: number;
  readonly pairs: readonly string[];
  readonly done: boolean;
  readonly told: string;
}

export interface SagaMember {
  readonly id: string;
  readonly step: string;
  readonly forward: string;
  readonly undo: string;
  readonly backward: string;
}

export function isSagaStory(value: unknown): value is SagaStory {
  return isRecord(value) && typeof value["word"] === "string" && isRecord(value["ladder"]) && isRecord(value["timed"]);
}

export function isSagaPicture(value: unknown): value is SagaPicture {
  return isRecord(value) && (value as Partial<AnyPicture>).view === "saga" && isSagaStory(value["story"]);
}

export function isPairDetail(value: unknown): value is PairDetail {
  return isRecord(value) && isRecord(value["forward"]) && isRecord(value["back"]);
}
