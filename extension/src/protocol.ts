// The messages between kernel and page: the twin of wflab/protocol.py, where the meaning of each field is told.
// tests/protocol/ holds samples that both suites read.

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

export interface Picture {
  readonly view: "run";
  readonly key: number;
  readonly instance_id: string;
  readonly name: string;
  readonly status: string;
  readonly is_over: boolean;
  readonly generation: number;
  readonly created: number;
  readonly started: number | null;
  readonly ended: number | null;
  readonly now: number;
  readonly ticks: boolean;
  readonly why: string;
  readonly custom_status: string | null;
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

export interface ShowPicture {
  readonly type: "picture";
  readonly seq: number;
  readonly picture: Picture;
}

export interface Notice {
  readonly type: "notice";
  readonly text: string;
  readonly token: string | null;
  readonly level: "info" | "error";
}

export interface Act {
  readonly type: "act";
  readonly act: "raise";
  readonly token: string;
  readonly wait_id: string;
  readonly event: string;
  readonly data: unknown;
}

export interface Ready {
  readonly type: "ready";
  readonly theme: "light" | "dark";
}

export type ToPage = ShowPicture | Notice;
export type FromPage = Act | Ready;

/** The message of a kernel; null for what is no message of ours, or of a newer kernel. */
export function readFromKernel(value: unknown): ToPage | null {
  if (!isRecord(value)) return null;
  if (value["type"] === "picture") {
    const picture = value["picture"];
    const whole = typeof value["seq"] === "number" && isRecord(picture) && picture["view"] === "run" && isRecord(picture["graph"]);
    return whole ? (value as unknown as ShowPicture) : null;
  }
  if (value["type"] === "notice" && typeof value["text"] === "string") return value as unknown as Notice;
  return null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
