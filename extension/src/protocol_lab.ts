// What kernel and page say to each other about a whole lab: the twin of wflab/protocol/lab.py, where the meaning of each field is told.
// tests/protocol/ holds samples that both suites read.
import { type Act, type Failure, type Focus, type FromPage, isRecord, type Notice, type Recoloured, type SetFocus, type ViewName } from "./protocol";

export interface RunLine {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly started: number;
  readonly ended: number | null;
  readonly waits_for: string;
}

export interface Approval {
  readonly key: number;
  readonly instance_id: string;
  readonly workflow: string;
  readonly wait_id: string;
  readonly event: string;
  readonly since: number;
  readonly title: string | null;
  readonly until: number | null;
  readonly schema: string | null;
  readonly risk: string | null;
  readonly requester: string | null;
}

export interface Overview {
  readonly type: "overview";
  readonly lab: string;
  readonly now: number;
  readonly ticks: boolean;
  readonly runs: readonly RunLine[];
  readonly runs_total: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly approvals: readonly Approval[];
  readonly approvals_total: number;
  readonly stuck: number;
  readonly trouble: string | null;
  readonly palette: Recoloured;
}

export interface Source {
  readonly file: string | null;
  readonly line: number | null;
  readonly text: string;
}

export interface Focused {
  readonly type: "focused";
  readonly focus: Focus | null;
  readonly title: string;
  readonly state: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly failure: Failure | null;
  readonly source: Source | null;
}

export interface ShowView {
  readonly type: "view";
  readonly id: string;
  readonly snapshot: unknown;
  readonly error: string | null;
}

export interface OpenView {
  readonly type: "open_view";
  readonly id: string;
  readonly view: ViewName;
  readonly instance_id: string | null;
}

export interface CloseView {
  readonly type: "close_view";
  readonly id: string;
}

export interface FromView {
  readonly type: "from_view";
  readonly id: string;
  readonly message: FromPage;
}

export interface ToView {
  readonly type: "to_view";
  readonly id: string;
  readonly message: unknown;
}

export type LabToPage = Overview | Focused | ShowView | ToView | Notice;
/** Page to kernel: the page's theme, at first and when it changes; figures that are made from then on follow it. */
export interface SetTheme {
  readonly type: "set_theme";
  readonly theme: "light" | "dark";
}

export type PageToLab = Act | SetFocus | SetTheme | OpenView | CloseView | FromView;

/** The message of a kernel; null for what is no message of ours, or of a newer kernel. */
export function readFromLab(value: unknown): LabToPage | null {
  if (!isRecord(value)) return null;
  switch (value["type"]) {
    case "overview":
      return Array.isArray(value["runs"]) && Array.isArray(value["approvals"]) && isRecord(value["counts"]) ? (value as unknown as Overview) : null;
    case "focused":
      return Array.isArray(value["facts"]) ? (value as unknown as Focused) : null;
    case "to_view":
      return typeof value["id"] === "string" && isRecord(value["message"]) ? (value as unknown as ToView) : null;
    case "view":
      return typeof value["id"] === "string" ? (value as unknown as ShowView) : null;
    case "notice":
      return typeof value["text"] === "string" ? (value as unknown as Notice) : null;
    default:
      return null;
  }
}
