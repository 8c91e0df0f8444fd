// The marks inside the table's cells: how runs ended, how sure a rate is, how it went over time. Each has words for it.
import { html, svg, tint } from "../../dom";
import { spanText } from "../../durations";
import type { WorkflowLine } from "../../protocol";

export const STATES = ["COMPLETED", "CONTINUED_AS_NEW", "RUNNING", "PENDING", "SUSPENDED", "STALLED", "CANCELED", "TERMINATED", "FAILED", "UNKNOWN"] as const;
export const DASH = "–";
const SURE_FROM = 200;
const TREND = { width: 96, height: 26, zero: 17 };

export function count(value: number): string {
  return value.toLocaleString("en");
}

export function seconds(value: number | null): string {
  return value === null ? DASH : spanText(value);
}

/** 100 % only where all of them were; – for nothing of nothing. The same words as rate_text of wflab/views/dashboard_picture.py. */
export function rateText(rate: number | null): string {
  if (rate === null) return DASH;
  if (rate === 1) return "100%";
  const shown = (rate * 100).toFixed(1);
  return shown === "100.0" ? "99.9%" : shown === "0.0" && rate > 0 ? "0.1%" : `${shown}%`;
}

export function titleOf(line: WorkflowLine): string {
  return line.version === "" ? line.name : `${line.name}@${line.version}`;
}

/** A bar of all states; a part of it, pressed, chooses the runs that it counts. */
export function outcomeBar(counts: Readonly<Record<string, number>>, of: string, choose: ((state: string) => void) | null): HTMLElement {
  const parts = STATES.filter((state) => (counts[state] ?? 0) > 0).map((state) => {
    const number = counts[state] ?? 0;
    const said = `${count(number)} ${state} of ${of}`;
    const part = html("button", { type: "button", class: "wf-part", title: said, "aria-label": `${said}: show them`, "data-wf-segment": state, "data-wf-count": number, disabled: choose === null });
    part.style.flexGrow = String(number);
    tint(part, state);
    part.addEventListener("click", () => choose?.(state));
    return part;
  });
  return html("div", { class: "wf-outcome", role: "group", "aria-label": `How runs of ${of} stand` }, ...parts);
}

/** The rate, with Wilson's interval as a whisker where it is wide. */
export function rateCell(line: WorkflowLine): HTMLElement {
  const said = `${rateText(line.rate)} (${count(line.numerator)}/${count(line.denominator)})`;
  const whole = html("span", { class: "wf-rate", title: line.rate === null ? "nothing ended yet" : `${said}; 95 % sure: ${rateText(line.low)} to ${rateText(line.high)}` }, html("b", {}, rateText(line.rate)), html("small", { class: "wf-muted" }, `${count(line.numerator)}/${count(line.denominator)}`));
  if (line.rate === null || line.low === null || line.high === null || line.denominator >= SURE_FROM) return whole;
  const x = (rate: number): number => 1 + rate * 46;
  whole.append(
    svg("svg", { viewBox: "0 0 48 8", class: "wf-whisker", "aria-hidden": "true" },
      svg("path", { d: "M1 4H47M1 2v4M47 2v4", class: "wf-grid" }),
      svg("path", { d: `M${x(line.low)} 1v6M${x(line.low)} 4H${x(line.high)}M${x(line.high)} 1v6` }),
      svg("circle", { cx: x(line.rate), cy: 4, r: 2 })),
  );
  return whole;
}

/** What ended well above a line, what badly below it, over time; a bar, pressed, chooses its stretch of time. */
export function trendCell(line: WorkflowLine, begin: number, end: number, choose: ((since: number, until: number) => void) | null): SVGElement {
  const most = Math.max(1, ...line.trend.map(([well, badly]) => Math.max(well, badly)));
  const bins = Math.max(1, line.trend.length);
  const step = TREND.width / bins;
  const marks = line.trend.flatMap(([well, badly], place) => {
    const up = (well / most) * (TREND.zero - 1);
    const down = (badly / most) * (TREND.height - TREND.zero - 1);
    const bar = (y: number, height: number, kind: string): SVGElement => svg("rect", { x: place * step + 0.4, y, width: Math.max(1, step - 0.8), height: Math.max(1.5, height), class: kind });
    const stretch = svg("rect", { x: place * step, y: 0, width: step, height: TREND.height, class: "wf-stretch" });
    stretch.addEventListener("click", () => choose?.(begin + (place * (end - begin)) / bins, begin + ((place + 1) * (end - begin)) / bins));
    return [...(well > 0 ? [bar(TREND.zero - Math.max(1.5, up), up, "wf-well")] : []), ...(badly > 0 ? [bar(TREND.zero + 1, down, "wf-badly")] : []), stretch];
  });
  const [well, badly] = line.trend.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  const worst = line.trend.reduce((found, [, bad], place) => (bad > (line.trend[found]?.[1] ?? 0) ? place : found), 0);
  const when = badly > 0 ? `, worst at ${clock(begin + (worst * (end - begin)) / bins)}` : "";
  return svg("svg", { viewBox: `0 0 ${TREND.width} ${TREND.height}`, class: "wf-trend", role: "img", "aria-label": `${spanText((end - begin) / 1000)}: ${count(well)} ended well, ${count(badly)} did not${when}` },
    svg("path", { d: `M0 ${TREND.zero + 0.5}H${TREND.width}`, class: "wf-thin" }), ...marks);
}

export function clock(moment: number): string {
  return new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function when(moment: number): string {
  return new Date(moment).toLocaleString([], { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
}
