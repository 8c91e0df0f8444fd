// When runs ended and how long they had taken: a grid of time by duration. How strongly a cell is inked says how many, a ✕ that some ended badly.
// A path for each shade, whatever the number of runs; which cell is meant is reckoned from where the pointer is.
import { html, replace, set, svg, text } from "../../dom";
import { spanText } from "../../durations";
import { refocus } from "../../keys";
import type { DashboardPicture } from "../../protocol";
import { count } from "./cells";

export type Cell = readonly [column: number, row: number, runs: number, badly: number];

const WIDTH = 520;
const LEFT = 74;
const RIGHT = 508;
const TOP = 6;
const BOTTOM = 150;
const HEIGHT = 172;
const SHADES = 5;
const MOST_TABLED = 60;

export class Heat {
  readonly element: HTMLElement;
  readonly #box = html("div", { class: "wf-curve" });
  readonly #told = html("p", { class: "wf-heattold", "aria-live": "polite" });
  readonly #summary = html("summary", {});
  readonly #rows = html("tbody", {});
  readonly #table: HTMLDetailsElement;
  readonly #mark = svg("rect", { class: "wf-heatmark", visibility: "hidden" });
  readonly #title = svg("title");
  #picture: DashboardPicture | null = null;
  #shown = "";
  #cell: readonly [column: number, row: number] | null = null;

  constructor() {
    const heads = ["Ended", "Took", "Runs", "FAILED or TERMINATED"].map((head) => html("th", { scope: "col" }, head));
    const sheet = html("div", { class: "wf-sheet wf-long", role: "group", tabindex: 0, "aria-label": "Cells of the heat map" }, html("table", {}, html("thead", {}, html("tr", {}, ...heads)), this.#rows));
    this.#table = html("details", { "data-wf-heattable": "" }, this.#summary, sheet);
    this.#table.addEventListener("toggle", () => this.#fill());
    this.element = html("div", {}, this.#box, this.#told, this.#table);
  }

  draw(picture: DashboardPicture): void {
    this.#picture = picture;
    const shown = JSON.stringify([picture.heat, picture.begin, picture.end]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const hadFocus = this.#box.contains(document.activeElement);
    const { cells } = picture.heat;
    this.#table.hidden = cells.length === 0;
    if (cells.length === 0) {
      replace(this.#box, html("p", { class: "wf-muted" }, "No run has ended yet."));
      text(this.#told, "");
      return;
    }
    const drawn = this.#svg(picture);
    replace(this.#box, drawn);
    if (hadFocus) refocus(drawn);
    this.#fill();
    this.#point(this.#cell);
  }

  #svg(picture: DashboardPicture): SVGElement {
    const { begin, end, heat } = picture;
    const [wide, high] = this.#size(picture);
    const most = Math.max(...heat.cells.map(([, , runs]) => runs));
    const box = ([column, row]: Cell): string => `M${tenth(LEFT + column * wide + 0.5)} ${tenth(BOTTOM - (row + 1) * high + 0.5)}h${tenth(wide - 1)}v${tenth(high - 1)}h${tenth(1 - wide)}z`;
    const reach = Math.min(3, wide / 2 - 1.5, high / 2 - 1.5);
    const cross = ([column, row]: Cell): string => {
      const [x, y] = [LEFT + (column + 0.5) * wide, BOTTOM - (row + 0.5) * high];
      return `M${tenth(x - reach)} ${tenth(y - reach)}l${tenth(2 * reach)} ${tenth(2 * reach)}M${tenth(x + reach)} ${tenth(y - reach)}l${tenth(-2 * reach)} ${tenth(2 * reach)}`;
    };
    const shades = Array.from({ length: SHADES }, (_, place) => heat.cells.filter((cell) => shadeOf(cell[2], most) === place + 1).map(box).join(""));
    const crosses = heat.cells.filter(([, , , badly]) => badly > 0).map(cross).join("");
    const said = `${sentence(picture)} The table below has the cells.`;
    const drawn = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, "aria-label": said, "data-wf-heat": heat.cells.length },
      this.#title,
      svg("path", { d: `M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}`, class: "wf-grid" }),
      ...shades.map((d, place) => svg("path", { d, class: `wf-heat wf-heat${place + 1}` })),
      svg("path", { d: crosses, class: "wf-crosshalo" }),
      svg("path", { d: crosses, class: "wf-cross" }),
      this.#mark,
      ...rowLabels(heat.edges).map((row) => svg("text", { x: LEFT - 5, y: BOTTOM - row * high + 4, "text-anchor": "end", class: "wf-axis" }, spanText(heat.edges[row] ?? 0))),
      ...([[begin, LEFT, "start"], [(begin + end) / 2, (LEFT + RIGHT) / 2, "middle"], [end, RIGHT, "end"]] as const).map(([at, x, anchor]) => svg("text", { x, y: HEIGHT - 7, "text-anchor": anchor, class: "wf-axis" }, moment(at, end - begin))));
    drawn.addEventListener("pointermove", (event) => {
      const place = drawn.getBoundingClientRect();
      const scale = WIDTH / place.width;
      const column = Math.floor(((event.clientX - place.left) * scale - LEFT) / wide);
      const row = Math.floor((BOTTOM - (event.clientY - place.top) * scale) / high);
      this.#point(column >= 0 && row >= 0 && column < heat.columns && row < heat.edges.length - 1 ? [column, row] : null);
    });
    drawn.addEventListener("pointerleave", () => this.#point(null));
    drawn.addEventListener("blur", () => this.#point(null));
    drawn.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (step === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      const [column, row] = this.#cell ?? [heat.columns, 0];
      this.#point([clamp(column + step[0], heat.columns - 1), clamp(row + step[1], heat.edges.length - 2)]);
    });
    return drawn;
  }

  /** Say what is in a cell; of none, what the shades mean. */
  #point(cell: readonly [column: number, row: number] | null): void {
    const picture = this.#picture;
    if (picture === null || picture.heat.cells.length === 0) return;
    this.#cell = cell;
    const [wide, high] = this.#size(picture);
    set(this.#mark, { visibility: cell === null ? "hidden" : "visible", ...(cell === null ? {} : { x: LEFT + cell[0] * wide, y: BOTTOM - (cell[1] + 1) * high, width: wide, height: high }) });
    const most = Math.max(...picture.heat.cells.map(([, , runs]) => runs));
    const said = cell === null ? `The more a cell stands out, the more runs: 1 to ${count(most)} in a cell. ✕ some of them FAILED or were TERMINATED.` : cellText(picture, cell[0], cell[1]);
    text(this.#told, said);
    text(this.#title, cell === null ? "" : said);
  }

  #size(picture: DashboardPicture): readonly [wide: number, high: number] {
    return [(RIGHT - LEFT) / picture.heat.columns, (BOTTOM - TOP) / Math.max(1, picture.heat.edges.length - 1)];
  }

  #fill(): void {
    const picture = this.#picture;
    if (picture === null) return;
    const cells = [...picture.heat.cells].sort((a, b) => b[2] - a[2] || b[0] - a[0] || a[1] - b[1]);
    const cut = cells.length > MOST_TABLED ? `, the ${MOST_TABLED} with most runs: dash.heat_map() has all` : "";
    text(this.#summary, `As a table (${count(cells.length)} cells with runs${cut})`);
    if (!this.#table.open) return;
    replace(this.#rows, ...cells.slice(0, MOST_TABLED).map(([column, row, runs, badly]) => html("tr", {}, html("th", { scope: "row" }, timeText(picture, column)), html("td", {}, lengthText(picture, row)), html("td", {}, count(runs)), html("td", {}, count(badly)))));
  }
}

const STEPS: Readonly<Record<string, readonly [right: number, up: number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** 1 for a single run up to 5 for the most, by the logarithm: one run among thousands is seen, and so is a cell of hundreds. */
export function shadeOf(runs: number, most: number): number {
  return most <= 1 ? SHADES : Math.max(1, Math.ceil((SHADES * Math.log(runs)) / Math.log(most) - 1e-9));
}

export function cellText(picture: DashboardPicture, column: number, row: number): string {
  const [, , runs, badly] = picture.heat.cells.find((cell) => cell[0] === column && cell[1] === row) ?? [column, row, 0, 0];
  const bad = badly > 0 ? `, ${badly === runs ? "all" : count(badly)} FAILED or TERMINATED` : "";
  return `${timeText(picture, column)}, ${lengthText(picture, row)}: ${count(runs)} ${runs === 1 ? "run" : "runs"}${bad}`;
}

function timeText({ begin, end, heat }: DashboardPicture, column: number): string {
  const width = (end - begin) / heat.columns;
  return `${moment(begin + column * width, end - begin)} – ${moment(begin + (column + 1) * width, end - begin)}`;
}

function lengthText({ heat }: DashboardPicture, row: number): string {
  return `${spanText(heat.edges[row] ?? 0)} – ${spanText(heat.edges[row + 1] ?? 0)}`;
}

function sentence(picture: DashboardPicture): string {
  const { cells } = picture.heat;
  const runs = cells.reduce((sum, cell) => sum + cell[2], 0);
  const badly = cells.reduce((sum, cell) => sum + cell[3], 0);
  const fullest = cells.reduce((found, cell) => (cell[2] > found[2] ? cell : found), cells[0] ?? [0, 0, 0, 0]);
  return `Heat map of ${count(runs)} ended runs by time and duration, ${count(badly)} of them FAILED or TERMINATED; most in a cell: ${cellText(picture, fullest[0], fullest[1])}.`;
}

/** Which edges are named: powers of ten where there are at least two, else every few. */
export function rowLabels(edges: readonly number[]): readonly number[] {
  const places = edges.map((_, place) => place);
  const round = places.filter((place) => Math.abs(Math.log10(edges[place] ?? 1) - Math.round(Math.log10(edges[place] ?? 1))) < 1e-6);
  const step = Math.ceil(edges.length / 5);
  const chosen = round.length >= 2 ? round : places.filter((place) => place % step === 0);
  return chosen.length > 7 ? chosen.filter((_, place) => place % 2 === 0) : chosen;
}

/** The day only where the whole is longer than one, seconds only where it is short. */
function moment(at: number, whole: number): string {
  const day = whole > 20 * 3_600_000 ? ({ month: "short", day: "numeric" } as const) : {};
  const second = whole < 2 * 3_600_000 ? ({ second: "2-digit" } as const) : {};
  return new Date(at).toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit", ...second });
}

function clamp(value: number, most: number): number {
  return Math.min(Math.max(value, 0), most);
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
