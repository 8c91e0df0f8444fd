// What the drawer tells of a call: what the picture has at once, payloads and traces from the kernel.
import { badge, html, replace, text } from "../../dom";
import { isRecord, type Payload } from "../../protocol";
import type { Host } from "../../shell/content";
import type { Tab } from "../../shell/drawer";
import { spanText } from "../../durations";
import type { Row } from "./rows";
import type { Span } from "./spans";
import { countsOf, factsOf, word } from "./words";

export function tabsOf(row: Row, span: Span | undefined, begin: number, host: Host): Tab[] {
  const { density, minor } = row;
  if (minor) return [{ name: "Summary", body: () => facts([["calls", row.count.toLocaleString("en")], ["attempts seen", row.spans.length.toLocaleString("en")], ["states", countsOf(minor).join(", ")], ["importance", "low, as their activities say"]]) }];
  if (!span) return [{ name: "Summary", body: () => facts(density ? [["calls", row.count.toLocaleString("en")], ["attempts", density.attempts.toLocaleString("en")], ["states", countsOf(density).join(", ")], ["median", density.median_ms === null ? "" : spanText(density.median_ms / 1000)]] : []) }];
  const asked = new Map<string, Promise<unknown>>();
  const detail = (part: "input" | "output" | "error"): HTMLElement => {
    const pre = html("pre", { class: "wf-code", tabindex: 0, dir: "auto" }, host.blocked ?? "…");
    if (host.blocked !== null) return pre;
    const answer = asked.get(span.id) ?? host.ask("detail", { span_id: span.id });
    asked.set(span.id, answer);
    answer.then((data) => text(pre, shown(isRecord(data) ? data[part] : null)), (reason: Error) => text(pre, reason.message));
    return pre;
  };
  const attempts = (): HTMLElement => {
    const lines = row.spans.map((one) => html("tr", {}, html("th", { scope: "row" }, `#${one.attempt}`), html("td", {}, badge(one.state), ` ${word(one.state)}`), html("td", {}, Number.isNaN(one.ended) ? "" : spanText((one.ended - (one.started || one.queued)) / 1000)), html("td", { dir: "auto" }, one.error)));
    return html("table", {}, html("tbody", {}, ...lines));
  };
  const error = (): HTMLElement => html("div", {}, span.error ? html("p", { dir: "auto" }, html("strong", {}, span.error)) : "no error", span.error ? detail("error") : null);
  return [
    { name: "Summary", body: () => facts(factsOf(span, begin)) },
    { name: "Input", body: () => detail("input") },
    { name: "Output", body: () => detail("output") },
    { name: "Error", body: error },
    { name: `Attempts`, body: attempts },
    { name: "Raw", body: () => html("pre", { class: "wf-code", tabindex: 0 }, JSON.stringify(span, null, 1)) },
  ];
}

function facts(pairs: readonly (readonly [string, string])[]): HTMLElement {
  const list = html("dl", { class: "wf-facts" });
  replace(list, ...pairs.flatMap(([name, value]) => [html("dt", {}, name), html("dd", { dir: "auto" }, value)]));
  return list;
}

function shown(part: unknown): string {
  if (typeof part === "string") return part;
  const payload = part as Payload | null;
  return payload?.text === undefined ? "none" : payload.text + (payload.cut ? `\n… (${payload.size.toLocaleString("en")} characters are recorded)` : "");
}
