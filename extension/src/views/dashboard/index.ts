// The dashboard: how all runs of a lab do. Everything in it filters everything else; the filter, the page and what is marked are the kernel's.
import style from "../../../style/dashboard.css";
import { badge, html, replace, set, text } from "../../dom";
import { tickingText } from "../../durations";
import { refocus } from "../../keys";
import { type DashboardPicture, type ExplainedNumber, type FailureLine, isDashboardPicture, isRecord, type StuckLine, type WorkflowLine } from "../../protocol";
import type { Content, Host, KeyHelp, TableData } from "../../shell/content";
import { viewOf } from "../../shell/shell";
import { asked, OPEN_VIEW } from "../doors";
import { count, DASH, outcomeBar, rateCell, rateText, seconds, STATES, titleOf, trendCell, when } from "./cells";
import { curveOf } from "./curve";
import { type Change, Filters } from "./filters";
import { Heat } from "./heat";
import { Instances } from "./instances";
import { Kept } from "./kept";
import { Many } from "./many";
import { type Column, Sheet } from "./sheet";
import { svgOf } from "./svg";
import { typeGraph } from "./typegraph";

const KEYS: readonly KeyHelp[] = [
  { keys: "/", what: "filter by text" },
  { keys: "Shift+R", what: "rows in order again, and new ones shown" },
];

class Dashboard implements Content<DashboardPicture> {
  readonly element: HTMLElement;
  readonly tools: readonly HTMLElement[];
  readonly keys = KEYS;
  readonly #filters = new Filters((change) => this.#filter(change));
  readonly #empty = html("p", { class: "wf-empty" });
  readonly #trouble = html("p", { class: "wf-strip", hidden: true });
  readonly #tiles = html("div", { class: "wf-tiles" });
  readonly #chips = html("div", { class: "wf-chips", role: "group", "aria-label": "Runs by state" });
  readonly #pill = html("button", { type: "button", class: "wf-small wf-newpill", "data-wf-action": "reorder", hidden: true });
  readonly #lines = new Kept<WorkflowLine>(titleOf);
  readonly #failureOrder = new Kept<FailureLine>((line) => `${line.fingerprint} ${line.activity} ${line.frame}`);
  readonly #stuckOrder = new Kept<StuckLine>((line) => line.instance_id);
  readonly #workflows: Sheet<WorkflowLine>;
  readonly #workflowsNote = html("p", { class: "wf-muted" });
  readonly #failures = html("ul", { class: "wf-cards" });
  readonly #stuck = html("ul", { class: "wf-cards" });
  readonly #heads = { failures: html("h3", {}), stuck: html("h3", {}), curve: html("h3", {}), graph: html("h3", {}), instances: html("h3", {}) };
  readonly #curve = html("div", {});
  readonly #heat = new Heat();
  readonly #graph = html("section", { class: "wf-block", hidden: true });
  readonly #instances: Instances;
  readonly #many: Many;
  readonly #definition = html("p", { class: "wf-muted wf-definition" });
  readonly #body = html("div", { class: "wf-dash" });
  #picture: DashboardPicture | null = null;
  #blocked: string | null;
  #now = 0;

  constructor(private readonly host: Host) {
    this.#blocked = host.blocked;
    this.#many = new Many(host);
    this.#instances = new Instances({
      turn: (args) => this.#ask("page", args),
      select: (ids) => this.#ask("select", { ids }),
      open: (row, view) => this.#open(row, view),
    });
    this.tools = this.#filters.tools;
    this.#pill.addEventListener("click", () => this.#reorder());
    this.#workflows = new Sheet("Workflows", this.#columns(), () => this.#redraw(), (row, line) => set(row, { "data-wf-workflow": titleOf(line) }));
    const explain = (what: string): HTMLElement => this.#explainButton(what, "how this is counted");
    this.#body.append(
      this.#tiles,
      this.#chips,
      html("section", { class: "wf-block" }, html("div", { class: "wf-blockhead" }, html("h3", {}, "Workflows"), this.#pill, explain("workflows")), this.#workflows.element, this.#workflowsNote),
      this.#graph,
      html("div", { class: "wf-twoup" },
        html("section", { class: "wf-block" }, html("div", { class: "wf-blockhead" }, this.#heads.failures, explain("failures")), this.#failures),
        html("section", { class: "wf-block" }, html("div", { class: "wf-blockhead" }, this.#heads.stuck, explain("stuck")), this.#stuck)),
      this.#durations(),
      html("section", { class: "wf-block" }, html("div", { class: "wf-blockhead" }, this.#heads.instances), this.#many.element, this.#instances.element),
      this.#definition,
    );
    this.element = html("div", {}, this.#trouble, this.#filters.state, this.#empty, this.#body);
  }

  fits(picture: unknown): picture is DashboardPicture {
    return isDashboardPicture(picture);
  }

  title(picture: DashboardPicture): string {
    return `Dashboard of ${picture.lab}`;
  }

  draw(picture: DashboardPicture, now: number): void {
    const chooses = JSON.stringify(this.#picture?.filter) !== JSON.stringify(picture.filter);
    if (chooses) for (const order of [this.#lines, this.#failureOrder, this.#stuckOrder]) order.free();
    this.#picture = picture;
    this.#now = now;
    const total = Object.values(picture.states).reduce((sum, number) => sum + number, 0);
    text(this.#trouble, picture.trouble ?? "");
    this.#trouble.hidden = picture.trouble === null;
    this.#filters.draw(picture, this.#blocked);
    this.#drawEmpty(picture, total);
    this.#drawTiles(picture);
    this.#drawChips(picture);
    this.#workflows.draw(this.#lines.follow(picture.workflows));
    text(this.#workflowsNote, picture.workflows_total > picture.workflows.length ? `showing ${count(picture.workflows.length)} of ${count(picture.workflows_total)}: lab.success_rates() has all` : "");
    this.#drawGraph(picture);
    this.#drawFailures(picture);
    this.#drawStuck(picture);
    text(this.#heads.curve, `Duration of ${count(picture.curve_count)} ended runs`);
    replace(this.#curve, curveOf(picture.curve, picture.curve_count));
    this.#heat.draw(picture);
    text(this.#heads.instances, `Instances (${count(picture.total)})`);
    this.#instances.draw(picture, now, this.#blocked);
    this.#many.draw(picture.chosen.length, picture.total, this.#blocked);
    text(this.#definition, picture.definition);
    const moved = this.#lines.moved;
    this.#pill.hidden = moved === 0;
    text(this.#pill, `${moved} rows would move · refresh order`);
  }

  tick(now: number): void {
    this.#now = now;
    this.#instances.tick(now);
    for (const cell of this.#body.querySelectorAll<HTMLElement>("[data-since]")) text(cell, tickingText(now - Number(cell.dataset["since"])));
  }

  key(event: KeyboardEvent): boolean {
    if (event.key === "Escape") return this.#many.close();
    if (event.key === "R") this.#reorder();
    else if (event.key === "/") this.#filters.focus();
    else return false;
    return true;
  }

  sentence(picture: DashboardPicture): string {
    const total = Object.values(picture.states).reduce((sum, number) => sum + number, 0);
    if (total === 0) return emptyText(picture);
    const [success, p95, running, stuck] = picture.kpis;
    return `Dashboard: ${count(total)} runs, success ${success?.value ?? DASH} (${success?.note ?? ""}), p95 ${p95?.value ?? DASH}, ${running?.value ?? 0} under way, ${stuck?.value ?? 0} stuck.`;
  }

  table(picture: DashboardPicture): TableData {
    const rows = picture.workflows.map((line) => [titleOf(line), rateText(line.rate), `${line.numerator}/${line.denominator}`, ...STATES.map((state) => count(line.counts[state] ?? 0)), seconds(line.p50), seconds(line.p95), line.failure]);
    return { caption: this.sentence(picture), heads: ["Workflow", "Success", "Of", ...STATES, "p50", "p95", "Top failure"], rows, total: picture.workflows_total };
  }

  footnote(picture: DashboardPicture): string {
    const total = Object.values(picture.states).reduce((sum, number) => sum + number, 0);
    return `${count(total)} of ${count(picture.everything)} runs${picture.total === total ? "" : ` · ${count(picture.total)} chosen`} · showing ${count(picture.instances.length)}`;
  }

  code(picture: DashboardPicture): string {
    return `${picture.code}.selection`;
  }

  svg(picture: DashboardPicture): string | null {
    return picture.workflows.length > 0 ? svgOf(picture) : null;
  }

  block(reason: string | null): void {
    this.#blocked = reason;
    this.#redraw();
  }

  dispose(): void {
    this.#filters.dispose();
  }

  // What a person does.

  #filter(change: Change): void {
    this.#instances.free();
    this.#ask("filter", change);
  }

  #ask(what: string, args: Readonly<Record<string, unknown>>): void {
    if (this.#blocked !== null) return;
    this.host.ask(what, args).catch((error: unknown) => {
      text(this.#trouble, error instanceof Error ? error.message : String(error));
      this.#trouble.hidden = false;
    });
  }

  #reorder(): void {
    for (const order of [this.#lines, this.#failureOrder, this.#stuckOrder]) order.free();
    this.#instances.free();
    this.#redraw();
  }

  #redraw(): void {
    if (this.#picture !== null) this.draw(this.#picture, this.#now || this.#picture.now);
  }

  /** JupyterLab's extension opens the view beside the notebook; where there is none, the code that shows it is told. */
  #open(row: { readonly instance_id: string; readonly name: string }, view: string): void {
    this.host.focusOn({ instance_id: row.instance_id, group: null, span_id: null, attempt: null });
    if (asked(this.element, OPEN_VIEW, { view, instance_id: row.instance_id, name: row.name })) return;
    const how = ["", ".graph()", ".timeline()"].map((call) => html("pre", { class: "wf-code" }, `lab.get(${JSON.stringify(row.instance_id)})${call}`));
    this.host.drawer.show(`${row.name} ${row.instance_id}`, [{ name: "Open in a cell", body: () => html("div", {}, ...how) }]);
  }

  async #explain(what: string): Promise<void> {
    try {
      const found = await this.host.ask("explain", { what });
      if (!isRecord(found) || typeof found["sql"] !== "string") return;
      const told = found as unknown as ExplainedNumber;
      const given = Object.entries(told.parameters).map(([name, value]) => `$${name} = ${value}`).join("\n");
      this.host.drawer.show(told.title, [
        { name: "SQL", body: () => html("div", {}, html("p", {}, told.definition), html("pre", { class: "wf-code", "data-wf-sql": "" }, told.sql + (given === "" ? "" : `\n\n${given}`))) },
        { name: "Python", body: () => html("pre", { class: "wf-code" }, `${told.code}\n\n# the query and its parameters\nanswer = ${told.code}\nlab.sql(answer.attrs["sql"], **answer.attrs["parameters"])`) },
      ]);
    } catch (error) {
      this.host.say(error instanceof Error ? error.message : String(error));
    }
  }

  // What is drawn.

  /** How long runs took, in two ways: one of them is seen, with its own explanation. */
  #durations(): HTMLElement {
    const ways = [
      { picture: this.#curve, number: "p95", name: "curve", label: "ECDF", title: "what share of runs was done by when" },
      { picture: this.#heat.element, number: "heat", name: "heat", label: "Heat map", title: "time by duration: when they took how long" },
    ].map(({ picture, number, name, label, title }) => ({
      picture,
      explain: this.#explainButton(number, "how this is counted"),
      button: html("button", { type: "button", class: "wf-small", "data-wf-action": name, title }, label),
    }));
    const turn = (chosen: number): void => {
      for (const [place, { picture, explain, button }] of ways.entries()) {
        for (const part of [picture, explain]) set(part, { hidden: place !== chosen });
        set(button, { "aria-pressed": String(place === chosen) });
      }
    };
    for (const [place, { button }] of ways.entries()) button.addEventListener("click", () => turn(place));
    turn(0);
    const head = html("div", { class: "wf-blockhead" }, this.#heads.curve, ...ways.map(({ button }) => button), ...ways.map(({ explain }) => explain));
    return html("section", { class: "wf-block" }, head, ...ways.map(({ picture }) => picture));
  }

  #explainButton(what: string, title: string): HTMLButtonElement {
    const button = html("button", { type: "button", class: "wf-small wf-explain", title, "aria-label": `Explain: ${what}`, "data-wf-explain": what }, "SQL");
    button.addEventListener("click", () => void this.#explain(what));
    return button;
  }

  #drawEmpty(picture: DashboardPicture, total: number): void {
    text(this.#empty, total === 0 ? emptyText(picture) : "");
    this.#empty.hidden = total > 0;
    this.#body.hidden = total === 0;
  }

  #drawTiles(picture: DashboardPicture): void {
    if (this.#tiles.contains(document.activeElement) && this.#tiles.dataset["shown"] === JSON.stringify(picture.kpis)) return;
    this.#tiles.dataset["shown"] = JSON.stringify(picture.kpis);
    const focused = this.#tiles.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["wfExplain"] : undefined;
    replace(
      this.#tiles,
      ...picture.kpis.map((kpi) => {
        const explain = this.#explainButton(kpi.key, `explain this number: its SQL`);
        set(explain, { disabled: this.#blocked !== null, ...(this.#blocked === null ? {} : { title: this.#blocked }) });
        const standing = kpi.standing === "" ? null : html("span", { class: `wf-standing wf-${kpi.standing}` }, kpi.standing === "good" ? "✓" : "✕");
        return html("div", { class: "wf-tile", role: "group", "aria-label": `${kpi.title}: ${kpi.value}, ${kpi.note}`, title: kpi.tip, "data-wf-kpi": kpi.key, "data-wf-standing": kpi.standing },
          html("div", { class: "wf-tilehead" }, html("span", {}, kpi.title), explain), html("div", { class: "wf-tilevalue" }, kpi.value, standing), html("div", { class: "wf-muted" }, kpi.note));
      }),
    );
    if (focused !== undefined) refocus(this.#tiles.querySelector<HTMLElement>(`[data-wf-explain="${focused}"]`));
  }

  #drawChips(picture: DashboardPicture): void {
    replace(
      this.#chips,
      ...STATES.filter((state) => (picture.states[state] ?? 0) > 0).map((state) => {
        const isChosen = picture.filter.status === state;
        const chip = html("button", { type: "button", class: "wf-small wf-statechip", "aria-pressed": String(isChosen), disabled: this.#blocked !== null, "data-wf-chip": state, "data-wf-count": picture.states[state] ?? 0, title: this.#blocked ?? (isChosen ? "show all states" : "show only these") }, badge(state), `${count(picture.states[state] ?? 0)} ${state}`);
        chip.addEventListener("click", () => this.#filter({ status: isChosen ? "" : state }));
        return chip;
      }),
    );
  }

  #columns(): readonly Column<WorkflowLine>[] {
    const choose = (line: WorkflowLine, change: Change): void => this.#filter({ name: line.name, ...(line.version === "" ? {} : { version: line.version }), ...change });
    const since = (moment: number): Change => ({ since: new Date(moment).toISOString() });
    return [
      {
        name: "Workflow",
        by: titleOf,
        cell: (line) => {
          const name = html("button", { type: "button", class: "wf-link", dir: "auto", disabled: this.#blocked !== null, title: this.#blocked ?? `only runs of ${titleOf(line)}` }, titleOf(line));
          name.addEventListener("click", () => choose(line, {}));
          return name;
        },
      },
      { name: "Outcomes", by: (line) => Object.values(line.counts).reduce((sum, number) => sum + number, 0), largest: true, cell: (line) => outcomeBar(line.counts, titleOf(line), this.#blocked === null ? (state) => choose(line, { status: state }) : null) },
      { name: "Success", by: (line) => line.rate, cell: rateCell },
      { name: "p50", by: (line) => line.p50, largest: true, cell: (line) => seconds(line.p50) },
      { name: "p95", by: (line) => line.p95, largest: true, cell: (line) => seconds(line.p95) },
      { name: "Trend", cell: (line) => trendCell(line, this.#picture?.begin ?? 0, this.#picture?.end ?? 1, this.#blocked === null ? (from, to) => choose(line, { ...since(from), until: new Date(to).toISOString() }) : null) },
      { name: "Per hour", by: (line) => line.per_hour, largest: true, cell: (line) => (line.per_hour === null ? DASH : line.per_hour >= 10 ? count(Math.round(line.per_hour)) : line.per_hour.toFixed(1)) },
      {
        name: "Top failure",
        cell: (line) => {
          if (line.failure === "") return "";
          const press = html("button", { type: "button", class: "wf-link wf-clip", dir: "auto", title: line.failure, disabled: this.#blocked !== null }, line.failure);
          press.addEventListener("click", () => choose(line, { error: line.failure }));
          return press;
        },
      },
      { name: "Oldest", title: "how long the oldest run that is under way has been", by: (line) => (line.oldest === null ? null : -line.oldest), largest: true, cell: (line) => (line.oldest === null ? "" : html("span", { "data-since": line.oldest }, tickingText(this.#now - line.oldest))) },
    ];
  }

  #drawGraph(picture: DashboardPicture): void {
    this.#graph.hidden = picture.graph === null;
    if (picture.graph === null) return;
    const { runs, total } = picture.graph;
    text(this.#heads.graph, `What ${total > runs ? `the newest ${count(runs)} of ${count(total)}` : count(runs)} runs of ${picture.filter.name} asked for`);
    const choose = this.#blocked === null ? (name: string, state: string): void => this.#filter(picture.filter.reached === name && picture.filter.reached_state === state ? { reached: "", reached_state: "" } : { reached: name, reached_state: state }) : null;
    replace(this.#graph, html("div", { class: "wf-blockhead" }, this.#heads.graph), typeGraph(picture.graph, picture.filter.reached, choose));
  }

  #drawFailures(picture: DashboardPicture): void {
    text(this.#heads.failures, picture.failures_total > picture.failures.length ? `Top failures (${picture.failures.length} of ${count(picture.failures_total)})` : "Top failures");
    const lines = this.#failureOrder.follow(picture.failures).map((line) => {
      const press = html("button", { type: "button", class: "wf-link wf-clip", dir: "auto", disabled: this.#blocked !== null, "aria-pressed": String(picture.filter.error === line.fingerprint), title: `${line.message}\n${line.frame}` }, line.fingerprint);
      press.addEventListener("click", () => this.#filter({ error: picture.filter.error === line.fingerprint ? "" : line.fingerprint }));
      const sample = html("button", { type: "button", class: "wf-link", title: `open ${line.sample}` }, "a sample");
      sample.addEventListener("click", () => this.#open({ instance_id: line.sample, name: line.workflows[0] ?? "run" }, "timeline"));
      const where = line.activity === "" ? `in ${line.workflows.join(", ")} itself` : `${line.activity} · ${line.workflows.join(", ")}`;
      const mark = line.new_since === "" ? null : html("span", { class: "wf-chip wf-newmark", "data-wf-new": line.new_since, title: "only runs of the newest version failed so, and there are older versions: SQL says how that is told" }, `new since ${line.new_since}`);
      return html("li", { "data-wf-failure": line.fingerprint, "data-wf-count": line.count },
        html("div", { class: "wf-cardline" }, press, html("b", {}, `${count(line.count)}`), html("span", { class: "wf-muted" }, `${Math.round(line.share * 100)}%`), mark),
        html("div", { class: "wf-muted wf-cardnote" }, `${where} · last ${when(line.last)} · `, sample));
    });
    replace(this.#failures, ...lines, lines.length === 0 ? html("li", { class: "wf-muted" }, "No run has failed here.") : null);
  }

  #drawStuck(picture: DashboardPicture): void {
    text(this.#heads.stuck, picture.stuck_total > picture.stuck.length ? `Stuck (${picture.stuck.length} of ${count(picture.stuck_total)})` : "Stuck");
    const lines = this.#stuckOrder.follow(picture.stuck).map((line) => {
      const press = html("button", { type: "button", class: "wf-link", dir: "auto", title: `open ${line.instance_id}` }, `${line.name} ${line.instance_id}`);
      press.addEventListener("click", () => this.#open(line, "run"));
      return html("li", { "data-wf-stuck": line.instance_id, "data-wf-reason": line.reason },
        html("div", { class: "wf-cardline" }, badge(line.status), press, html("span", { class: "wf-chip" }, line.reason)), html("div", { dir: "auto" }, line.why), html("div", { class: "wf-muted wf-cardnote", dir: "auto" }, line.remedy));
    });
    replace(this.#stuck, ...lines, lines.length === 0 ? html("li", { class: "wf-muted" }, "Nothing stands still that should not. Waiting for a timer or a person is not being stuck.") : null);
  }
}

function emptyText(picture: DashboardPicture): string {
  if (picture.everything > 0) return "No run fits the filter.";
  return "No runs yet. lab.recipes() has patterns to begin with, each of which runs; or start a workflow of yours: lab.start(workflow, input).";
}

export const DASHBOARD = viewOf<DashboardPicture>("dashboard", style, (host) => new Dashboard(host));
