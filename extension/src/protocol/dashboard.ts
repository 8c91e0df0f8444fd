// What the dashboard shows: the twin of wflab/protocol/dashboard.py, where the meaning of each field is told.
import type { AnyPicture } from "./messages";

export interface DashboardFilter {
  readonly since: string;
  readonly until: string;
  readonly name: string;
  readonly version: string | null;
  readonly tag: string;
  readonly text: string;
  readonly children: boolean;
  readonly canceled: boolean;
  readonly status: string;
  readonly error: string;
  readonly reached: string;
  readonly reached_state: string;
}

export interface Kpi {
  readonly key: "success" | "p95" | "running" | "stuck" | "burn";
  readonly title: string;
  readonly value: string;
  readonly note: string;
  readonly tip: string;
  readonly standing: "" | "good" | "bad";
}

export interface WorkflowLine {
  readonly name: string;
  readonly version: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly numerator: number;
  readonly denominator: number;
  readonly rate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly trend: readonly (readonly [well: number, badly: number])[];
  readonly per_hour: number | null;
  readonly failure: string;
  readonly oldest: number | null;
}

export interface FailureLine {
  readonly fingerprint: string;
  readonly activity: string;
  readonly count: number;
  readonly share: number;
  readonly first: number;
  readonly last: number;
  readonly workflows: readonly string[];
  readonly sample: string;
  readonly message: string;
  readonly frame: string;
  readonly new_since: string;
}

export interface StuckLine {
  readonly instance_id: string;
  readonly name: string;
  readonly status: string;
  readonly reason: string;
  readonly since: number;
  readonly why: string;
  readonly remedy: string;
}

export interface HeatGrid {
  readonly columns: number;
  readonly edges: readonly number[];
  readonly cells: readonly (readonly [column: number, row: number, runs: number, badly: number])[];
}

export interface RunRow {
  readonly instance_id: string;
  readonly name: string;
  readonly version: string;
  readonly status: string;
  readonly created: number;
  readonly ended: number | null;
  readonly note: string;
}

export interface TypeNode {
  readonly name: string;
  readonly kind: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly column: number;
  readonly row: number;
}

export interface TypeGraph {
  readonly runs: number;
  readonly total: number;
  readonly nodes: readonly TypeNode[];
  readonly edges: readonly (readonly [from: number, to: number, runs: number])[];
}

export interface DashboardPicture extends AnyPicture {
  readonly lab: string;
  readonly filter: DashboardFilter;
  readonly code: string;
  readonly definition: string;
  readonly states: Readonly<Record<string, number>>;
  readonly everything: number;
  readonly kpis: readonly Kpi[];
  readonly names: readonly string[];
  readonly versions: readonly string[];
  readonly tags: readonly string[];
  readonly begin: number;
  readonly end: number;
  readonly workflows: readonly WorkflowLine[];
  readonly workflows_total: number;
  readonly failures: readonly FailureLine[];
  readonly failures_total: number;
  readonly stuck: readonly StuckLine[];
  readonly stuck_total: number;
  readonly curve: readonly (readonly [seconds: number, share: number])[];
  readonly curve_count: number;
  readonly heat: HeatGrid;
  readonly instances: readonly RunRow[];
  readonly total: number;
  readonly first: number;
  readonly order: string;
  readonly chosen: readonly string[];
  readonly graph: TypeGraph | null;
  readonly trouble: string | null;
}

export interface ExplainedNumber {
  readonly title: string;
  readonly definition: string;
  readonly sql: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly code: string;
}

export interface DashboardBulk {
  readonly verb: string;
  readonly count: number;
  readonly unfit: number;
  readonly would: readonly (readonly [run: string, workflow: string, state: string])[];
  readonly done: number;
  readonly failed: number;
  readonly errors: readonly (readonly [run: string, reason: string])[];
}

export function isDashboardPicture(picture: unknown): picture is DashboardPicture {
  const found = picture as Partial<DashboardPicture> | null;
  return (
    found !== null &&
    typeof found === "object" &&
    found.view === "dashboard" &&
    typeof found.filter === "object" &&
    typeof found.heat === "object" &&
    [found.kpis, found.workflows, found.failures, found.stuck, found.instances].every(Array.isArray)
  );
}
