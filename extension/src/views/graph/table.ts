// The same as a table, and the line under the view.
import { spanText } from "../../durations";
import type { GraphPicture, Level } from "../../protocol";
import type { TableData } from "../../shell/content";
import { number, stateText } from "./words";

const MOST_ROWS = 200;
const HEADS = ["Group", "Kind", "Line", "State", "Calls", "Attempts", "p50", "p95", "Error"];

export function tableOf(picture: GraphPicture): TableData {
  const groups = picture.groups.filter((group) => group.kind !== "workflow");
  const span = (ms: number | undefined): string => (ms === undefined ? "" : spanText(ms / 1000));
  const rows = groups.slice(0, MOST_ROWS).map((group) => [
    group.name || group.kind,
    group.kind.replaceAll("_", " "),
    group.line === null ? "" : String(group.line),
    stateText(group),
    group.count ? number(group.count) : "",
    group.attempts_total ? number(group.attempts_total) : "",
    span(group.durations?.p50),
    span(group.durations?.p95),
    group.errors[0] ? `${number(group.errors[0].count)}× ${group.errors[0].message}` : "",
  ]);
  return { caption: `Groups of ${picture.name}`, heads: HEADS, rows, total: groups.length };
}

export function footnoteOf(picture: GraphPicture, level: Level | null): string {
  const shown = level ? Object.keys(level.places).length : picture.groups.length - 1;
  const groups = `${number(picture.groups_total)} group${picture.groups_total === 1 ? "" : "s"}`;
  return `${number(picture.calls_total)} calls, timers and waits in ${groups} · showing ${number(shown)} · ${number(picture.events_total)} events`;
}
