// What the API log shows: the twin of wflab/protocol/api_log.py, where the meaning of each field is told.
import type { AnyPicture } from "./messages";

export interface ApiLogFilter {
  readonly app: string | null;
  readonly api: string;
  readonly outcome: "" | "ok" | "failed";
  readonly since: string;
  readonly until: string;
  readonly text: string;
  readonly trace: string;
}

export interface CallGroup {
  readonly name: string;
  readonly count: number;
  readonly failed: number;
}

export interface ApiCallRow {
  readonly place: number;
  readonly at: number;
  readonly app: string;
  readonly api: string;
  readonly method: string;
  readonly target: string;
  readonly status: string;
  readonly is_failed: boolean;
  readonly took_ms: number | null;
  readonly caller: string;
  readonly error: string;
}

export interface ApiLogPicture extends AnyPicture {
  readonly lab: string;
  readonly filter: ApiLogFilter;
  readonly code: string;
  readonly apps: readonly CallGroup[];
  readonly apis: readonly CallGroup[];
  readonly total: number;
  readonly failed: number;
  readonly everything: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly begin: number;
  readonly end: number;
  readonly bins: readonly (readonly [ok: number, failed: number])[];
  readonly calls: readonly ApiCallRow[];
  readonly first: number;
  readonly page: number;
  readonly order: string;
  readonly is_paused: boolean;
  readonly newer: number;
  readonly dropped: number;
  readonly served: string;
  readonly trouble: string | null;
}

export interface ApiCallDetail {
  readonly call: ApiCallRow;
  readonly trace: string;
  readonly request_bytes: number | null;
  readonly response_bytes: number | null;
  readonly instance_id: string;
  readonly workflow: string;
  readonly others: readonly ApiCallRow[];
  readonly others_total: number;
}

export function isApiLogPicture(picture: unknown): picture is ApiLogPicture {
  const found = picture as Partial<ApiLogPicture> | null;
  return (
    found !== null &&
    typeof found === "object" &&
    found.view === "api_log" &&
    typeof found.filter === "object" &&
    [found.apps, found.apis, found.bins, found.calls].every(Array.isArray)
  );
}

export function isApiCallDetail(value: unknown): value is ApiCallDetail {
  const found = value as Partial<ApiCallDetail> | null;
  return found !== null && typeof found === "object" && typeof found.call === "object" && typeof found.trace === "string" && Array.isArray(found.others);
}
