// The dashboard as one SVG text that stands alone, in both themes: the twin of wflab/views/dashboard_svg.py; tests/protocol/dashboard.svg holds both to it.
import source from "../../../../wflab/views/palette.json";
import { spanText } from "../../durations";
import { escaped, legible } from "../../markup";
import { stateLook, type Theme } from "../../palette";
import type { DashboardPicture, FailureLine, Kpi, WorkflowLine } from "../../protocol";
import { count, DASH, rateText, STATES, titleOf } from "./cells";

const WIDTH = 720;
const MOST_DRAWN = 16;
const MOST_FAILURES = 8;
const EDGE = 16;
const ROW = 22;
const TWO_LINES = 32;
const BAR_AT = 190;
const BAR = 270;
const TILE = 132;
const GAP = 7;
const GLYPH_FROM = 14;
const LINE = 124;
const LEAST = 3;
const INK: Readonly<Record<Theme, readonly [ink: string, muted: string]>> = { light: ["#1f2328", "#57606a"], dark: ["#f0f3f6", "#9aa4ae"] };
const FIXED =
  "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}.b{font-weight:600}.h{font-size:14px;font-weight:600}.v{font-size:19px;font-weight:600}.k{stroke-width:1}.bad{stroke-width:2}";

export function svgOf(picture: DashboardPicture): string {
  const lines = picture.workflows.slice(0, MOST_DRAWN);
  const failures = picture.failures.slice(0, MOST_FAILURES);
  const parts = [...headingOf(picture), ...picture.kpis.map(tile)];
  let y = 118;
  parts.push(words(EDGE, y + 14, shownOf("Workflows", lines.length, picture.workflows_total), "b", 60));
  y += 20;
  for (const line of lines) {
    parts.push(workflow(line, y));
    y += ROW;
  }
  if (failures.length > 0) {
    parts.push(words(EDGE, y + 20, shownOf("Top failures", failures.length, picture.failures_total), "b", 60));
    y += 26;
    for (const failure of failures) {
      parts.push(failed(failure, y));
      y += TWO_LINES;
    }
  }
  y += 6;
  for (const told of wrapped(picture.definition)) {
    parts.push(words(EDGE, y + 12, told, "s", LINE));
    y += 14;
  }
  y += 8;
  const states = [...new Set([...lines.flatMap((line) => Object.keys(line.counts)), "FAILED"])].sort();
  const rules = (theme: Theme): string => themeRules(theme) + stateRules(states, theme);
  const style = `${FIXED}${rules("light")}@media (prefers-color-scheme:dark){${rules("dark")}}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"><style>${style}</style><rect class="n" width="100%" height="100%"/>${parts.join("")}</svg>`;
}

/** The widths of a bar's parts by state; none of them so small that it could not be seen. */
function segments(counts: Readonly<Record<string, number>>): readonly (readonly [state: string, width: number])[] {
  const present = STATES.filter((state) => (counts[state] ?? 0) > 0).map((state) => [state, counts[state] ?? 0] as const);
  const total = present.reduce((sum, [, number]) => sum + number, 0);
  const widths = present.map(([, number]) => Math.max(LEAST, (BAR * number) / total));
  const spare = widths.reduce((sum, width) => sum + width, 0) - BAR;
  const largest = widths.indexOf(Math.max(...widths));
  return present.map(([state], place) => [state, (widths[place] ?? 0) - (place === largest ? spare : 0)]);
}

function themeRules(theme: Theme): string {
  const [ink, muted] = INK[theme];
  const surface = source.surface[theme];
  return `text{fill:${ink}}.s{fill:${muted}}.k{stroke:${muted}}.n{fill:${surface}}.g{stroke:${surface}}`;
}

function stateRules(states: readonly string[], theme: Theme): string {
  const looks = states.map(stateLook);
  return `${looks.map((look) => `.f${look.letter}{fill:${look[theme]}}.o${look.letter}{fill:${look[`${theme}_on`]}}`).join("")}.bad{stroke:${stateLook("FAILED")[theme]}}`;
}

function headingOf(picture: DashboardPicture): readonly string[] {
  const moment = new Date(picture.now).toISOString().slice(0, 19).replace("T", " ");
  return [
    words(EDGE, 24, `Dashboard of ${picture.lab}`, "h", 60),
    `<text class="s" x="${WIDTH - EDGE}" y="24" text-anchor="end">as of ${moment} UTC</text>`,
    words(EDGE, 41, picture.code, "s", LINE),
  ];
}

function tile(kpi: Kpi, place: number): string {
  const x = EDGE + place * (TILE + GAP);
  const sign = kpi.standing === "good" ? " ✓\uFE0E" : kpi.standing === "bad" ? " ✕\uFE0E" : "";
  const box = `<rect class="n k${kpi.standing === "bad" ? " bad" : ""}" x="${x}" y="52" width="${TILE}" height="58" rx="5"/>`;
  return box + words(x + 8, 66, kpi.title, "s", 24) + words(x + 8, 89, kpi.value + sign, "v", 11) + words(x + 8, 104, kpi.note, "s", 23);
}

function workflow(line: WorkflowLine, y: number): string {
  let x = BAR_AT;
  const parts = segments(line.counts).flatMap(([state, width]) => {
    const { letter, glyph } = stateLook(state);
    const box = `<rect class="f${letter}" x="${tenth(x)}" y="${y + 4}" width="${tenth(Math.max(width - 0.6, 1))}" height="14"/>`;
    const sign = width >= GLYPH_FROM ? [`<text class="o${letter}" x="${tenth(x + width / 2)}" y="${y + 15}" text-anchor="middle">${glyph}\uFE0E</text>`] : [];
    x += width;
    return [box, ...sign];
  });
  return [
    words(EDGE, y + 15, titleOf(line), "", 25),
    words(BAR_AT + BAR + 12, y + 15, rateText(line.rate), "b", 8),
    words(BAR_AT + BAR + 62, y + 15, `${count(line.numerator)}/${count(line.denominator)}`, "s", 17),
    `<text class="s" x="${WIDTH - EDGE}" y="${y + 15}" text-anchor="end">p95 ${escaped(line.p95 === null ? DASH : spanText(line.p95))}</text>`,
    ...parts,
  ].join("");
}

function failed(line: FailureLine, y: number): string {
  const where = line.activity || "the workflow itself";
  const mark = line.new_since === "" ? "" : `new since ${line.new_since} · `;
  return [
    `<path class="fF" d="M${EDGE} ${y + 4}h3v24h-3z"/>`,
    words(EDGE + 10, y + 14, count(line.count), "b", 9),
    words(EDGE + 66, y + 14, `${Math.floor(line.share * 100 + 0.5)}%`, "s", 4),
    words(EDGE + 104, y + 14, line.fingerprint, "", 84),
    words(EDGE + 104, y + 27, `${mark}${where} · ${line.workflows.join(", ")}`, mark === "" ? "s" : "s b", 100),
  ].join("");
}

function shownOf(heading: string, shown: number, total: number): string {
  return total > shown ? `${heading} (${shown} of ${count(total)})` : heading;
}

function wrapped(told: string): readonly string[] {
  const lines = [""];
  for (const word of told.split(" ")) {
    const last = lines[lines.length - 1] ?? "";
    if (last !== "" && last.length + 1 + word.length > LINE) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

function words(x: number, y: number, told: string, style: string, most: number): string {
  return `<text${style === "" ? "" : ` class="${style}"`} x="${x}" y="${y}">${escaped(legible(told, most))}</text>`;
}

function tenth(value: number): number {
  return Math.floor(value * 10 + 0.5) / 10;
}
