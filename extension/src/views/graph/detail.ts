// What the drawer shows of a call, and of a group.
import { badge, html } from "../../dom";
import { spanText } from "../../durations";
import type { CallDetail, Failure, GraphGroup, Payload } from "../../protocol";
import type { Tab } from "../../shell/drawer";
import { pieces } from "../json";
import { caption, figures, number, stateText } from "./words";

export function tabsOfCall(detail: CallDetail): Tab[] {
  return [
    { name: "Summary", body: () => facts(detail.facts) },
    { name: "Input", body: () => payload(detail.input, "no input") },
    { name: "Output", body: () => payload(detail.output, "no output") },
    { name: "Error", body: () => failure(detail.failure) },
    { name: "Attempts", body: () => attempts(detail) },
    { name: "Raw", body: () => payload(detail.raw, "nothing recorded") },
  ];
}

export function tabsOfGroup(group: GraphGroup, now: number): Tab[] {
  const told: [string, string][] = [
    ["state", stateText(group)],
    ["calls", group.count > 1 ? number(group.count) : ""],
    ["attempts", group.attempts_total > group.count ? number(group.attempts_total) : ""],
    ["line", group.line === null ? "" : String(group.line)],
    ["how", caption(group, now)],
    ["durations", group.durations && group.durations.count > 1 ? figures(group) : ""],
    ["group", group.id],
  ];
  const errors = group.errors.map((error) => html("li", { dir: "auto" }, `${number(error.count)}× ${error.message} (such as #${error.index})`));
  return [
    { name: "Summary", body: () => facts(told) },
    { name: "Error", body: () => (errors.length > 0 ? html("ul", {}, ...errors) : html("p", { class: "wf-muted" }, "no error")) },
  ];
}

function facts(pairs: readonly (readonly [string, string])[]): HTMLElement {
  const rows = pairs.filter(([, value]) => value !== "").flatMap(([label, value]) => [html("dt", {}, label), html("dd", { dir: "auto" }, value)]);
  return html("dl", { class: "wf-facts" }, ...rows);
}

function payload(shown: Payload | null, none: string): HTMLElement {
  if (shown === null) return html("p", { class: "wf-muted" }, none);
  const code = html("pre", { class: "wf-code", tabindex: 0 }, ...pieces(shown.text).map(({ kind, text }) => html("span", kind === "plain" ? {} : { class: `wf-${kind}` }, text)));
  return shown.cut ? html("div", {}, html("p", { class: "wf-muted" }, `first ${number(shown.text.length)} characters of ${number(shown.size)}`), code) : code;
}

function failure(found: Failure | null): HTMLElement {
  if (found === null) return html("p", { class: "wf-muted" }, "no error");
  return html("div", {}, html("strong", {}, found.error_type), html("p", { dir: "auto" }, found.message), found.trace ? html("pre", { class: "wf-code", tabindex: 0 }, found.trace) : null);
}

function attempts(detail: CallDetail): HTMLElement {
  const heads = ["Attempt", "State", "Asked for", "Took", "Worker", "Error"].map((head) => html("th", { scope: "col" }, head));
  const rows = detail.attempts.map((attempt) =>
    html(
      "tr",
      {},
      html("th", { scope: "row" }, String(attempt.number)),
      html("td", {}, badge(attempt.state), ` ${attempt.state}`),
      html("td", {}, new Date(attempt.scheduled).toLocaleTimeString()),
      html("td", {}, attempt.took_ms === null ? "" : spanText(attempt.took_ms / 1000)),
      html("td", { dir: "auto" }, attempt.worker),
      html("td", { dir: "auto" }, attempt.error),
    ),
  );
  return detail.attempts.length === 0 ? html("p", { class: "wf-muted" }, "no attempts") : html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
}
