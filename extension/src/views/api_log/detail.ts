// All of one call: its fields, the run it was about, and the other calls of its trace.
import { type Child, html } from "../../dom";
import type { ApiCallDetail, ApiCallRow } from "../../protocol";
import type { Tab } from "../../shell/drawer";
import { lineOf } from "./calls";
import { bytesText, count, LAB, tookText } from "./words";

export interface DetailActs {
  openRun(instanceId: string, workflow: string): void;
  open(call: ApiCallRow): void;
  onlyTrace(trace: string): void;
}

export function titleOf(call: ApiCallRow): string {
  return `${call.app || LAB} · ${call.method}`;
}

export function tabsOf(detail: ApiCallDetail, now: number, acts: DetailActs): readonly Tab[] {
  const fields: Tab = { name: "Call", body: () => fieldsOf(detail, acts) };
  if (detail.trace === "") return [fields];
  return [fields, { name: `Trace (${count(detail.others_total)})`, body: () => traceOf(detail, now, acts) }];
}

function fieldsOf(detail: ApiCallDetail, acts: DetailActs): HTMLElement {
  const { call } = detail;
  const run = html("button", { type: "button", class: "wf-link", "data-wf-action": "open-run" }, `${detail.workflow} ${detail.instance_id}`);
  run.addEventListener("click", () => acts.openRun(detail.instance_id, detail.workflow));
  const trace = html("button", { type: "button", class: "wf-link", "data-wf-action": "only-trace", title: "only the calls of this trace" }, detail.trace);
  trace.addEventListener("click", () => acts.onlyTrace(detail.trace));
  const lines: readonly (readonly [string, Child])[] = [
    ["time", new Date(call.at).toISOString()],
    ["app", call.app || LAB],
    ["API", call.api],
    ["method", call.method],
    ["target", call.target],
    ["run", detail.workflow === "" ? "" : run],
    ["status", `${call.status}${call.is_failed ? " (failed)" : ""}`],
    ["error", call.error],
    ["took", tookText(call.took_ms)],
    ["request", bytesText(detail.request_bytes)],
    ["response", bytesText(detail.response_bytes)],
    ["caller", call.caller],
    ["trace", detail.trace === "" ? "" : trace],
  ];
  const shown = lines.filter(([, value]) => value !== "");
  return html("dl", { class: "wf-callfields" }, ...shown.flatMap(([name, value]) => [html("dt", {}, name), html("dd", { dir: "auto", "data-wf-value": name }, value)]));
}

function traceOf(detail: ApiCallDetail, now: number, acts: DetailActs): HTMLElement {
  const rows = detail.others.map((call) => {
    const row = lineOf(call, now);
    if (call.place === detail.call.place) row.setAttribute("aria-selected", "true");
    row.addEventListener("click", () => acts.open(call));
    return row;
  });
  const cut = detail.others_total > rows.length ? html("p", { class: "wf-muted" }, `the first ${count(rows.length)} of ${count(detail.others_total)}`) : null;
  return html("div", { class: "wf-sheet" }, html("table", { "data-wf-trace": detail.trace }, html("caption", { class: "wf-heard" }, "Calls of this trace, the oldest first"), html("tbody", {}, ...rows)), cut);
}
