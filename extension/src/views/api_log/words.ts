// The words of the API log: the same as those of wflab/views/api_log_card.py.
import type { ApiLogFilter, ApiLogPicture } from "../../protocol";

export const DASH = "–";
export const LAB = "the lab";

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** A length of time with as many digits as it deserves. */
export function tookText(ms: number | null): string {
  if (ms === null) return DASH;
  if (ms >= 1000) return `${Number((ms / 1000).toPrecision(3))} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}

export function bytesText(bytes: number | null): string {
  if (bytes === null) return DASH;
  return bytes < 1024 ? `${count(bytes)} bytes` : bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

export function counted(total: number, failed: number): string {
  return `${count(total)} ${total === 1 ? "call" : "calls"}, ${failed === 0 ? "none failed" : `${count(failed)} failed`}`;
}

export function emptyText(picture: ApiLogPicture): string {
  if (picture.everything > 0) return "No call fits the filter.";
  if (picture.served !== "") return `No calls yet. Programs reach the lab at ${picture.served}.`;
  return "No calls yet. lab.serve() opens the lab to Dapr's SDKs; lab.run_app() starts a program beside it.";
}

export function sentence(picture: ApiLogPicture): string {
  if (picture.total + picture.newer === 0) return emptyText(picture);
  const took = picture.p50 === null || picture.p95 === null ? "" : `, half took up to ${tookText(picture.p50)}, 95% up to ${tookText(picture.p95)}`;
  return `${counted(picture.total + picture.newer, picture.failed)}${took}.`;
}

/** To the millisecond, in the reader's time zone; with the day where it is another one. */
export function timeText(at: number, now: number): string {
  const moment = new Date(at);
  const clock = `${moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false })}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
  return moment.toDateString() === new Date(now).toDateString() ? clock : `${moment.toLocaleDateString([], { month: "short", day: "numeric" })} ${clock}`;
}

export type Change = Partial<ApiLogFilter>;
export const NOTHING: ApiLogFilter = { app: null, api: "", outcome: "", since: "", until: "", text: "", trace: "" };

/** The filter's parts in words, each with the change that drops it. */
export function said(filter: ApiLogFilter): readonly (readonly [words: string, drop: Change])[] {
  const parts: (readonly [string, Change])[] = [];
  if (filter.app !== null) parts.push([`app=${filter.app || LAB}`, { app: null }]);
  if (filter.api !== "") parts.push([`api=${filter.api}`, { api: "" }]);
  if (filter.outcome !== "") parts.push([filter.outcome, { outcome: "" }]);
  if (filter.text !== "") parts.push([`text=${filter.text}`, { text: "" }]);
  if (filter.trace !== "") parts.push([`trace ${filter.trace.slice(0, 8)}…`, { trace: "" }]);
  if (filter.since !== "" || filter.until !== "") parts.push([`${moment(filter.since)}${filter.until === "" ? "" : ` to ${moment(filter.until)}`}`, { since: "", until: "" }]);
  return parts;
}

function moment(value: string): string {
  if (value === "") return "any time";
  return value.includes("-") ? new Date(value).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" }) : `last ${value}`;
}
