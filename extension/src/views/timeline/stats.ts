// Figures of a selected area.
import { html } from "../../dom";
import { spanText } from "../../durations";
import type { Gap } from "./axis";
import type { Row } from "./rows";
import { word } from "./words";

export function statsCard(rows: readonly Row[], [since, until]: Gap, now: number, close: () => void): HTMLElement[] {
  const spans = rows.flatMap((row) => row.spans).filter((span) => span.kind !== "workflow" && span.queued <= until && (Number.isNaN(span.ended) ? now : span.ended) >= since);
  const took = spans.filter((span) => !Number.isNaN(span.ended)).map((span) => span.ended - (span.started || span.queued)).sort((one, other) => one - other);
  const states = new Map<string, number>();
  for (const span of spans) states.set(span.state, (states.get(span.state) ?? 0) + 1);
  const at = (share: number): string => spanText((took[Math.min(took.length - 1, Math.floor(share * took.length))] ?? 0) / 1000);
  const grouped = rows.reduce((sum, row) => sum + (row.density?.count ?? 0), 0);
  const button = html("button", { type: "button", class: "wf-small", "data-wf-action": "close-stats" }, "Close");
  button.addEventListener("click", close);
  return [
    html("p", {}, html("strong", {}, `${spanText((until - since) / 1000)}, ${rows.length} row${rows.length === 1 ? "" : "s"}`), button),
    html("p", { "data-wf-stats": spans.length }, `${spans.length.toLocaleString("en")} spans${grouped ? ` and groups of ${grouped.toLocaleString("en")} calls` : ""}: ${[...states].map(([state, count]) => `${count} ${word(state)}`).join(", ") || "none"}`),
    took.length > 0 ? html("p", {}, `took ${spanText(took.reduce((sum, one) => sum + one, 0) / 1000)} together · p50 ${at(0.5)} · p95 ${at(0.95)}`) : html("p", {}),
  ];
}
