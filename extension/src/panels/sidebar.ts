// The left sidebar "Workflows": what waits for a person, what is stuck, and the latest runs of the current notebook's lab.
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { html, replace, set, text } from "../dom";
import { ILabLinks, type LabLinks } from "../lab_links";
import type { Notice } from "../protocol";
import type { Overview } from "../protocol_lab";
import { ApprovalCards } from "./approvals";
import { OPEN } from "./beside";
import { workflowIcon } from "./icon";
import { LabPanel } from "./lab_panel";
import { RunList } from "./runs";
import { LOAD } from "./start";

export const SHOW_SIDEBAR = "wflab:show-sidebar";
const CATEGORY = "Workflows";
const NOTICE_MS = 8000;
const FEW = 4; // so that the runs below stay in sight

export class Sidebar extends LabPanel {
  readonly #name = html("strong", { dir: "auto" });
  readonly #standing = html("span", { class: "wf-muted" });
  readonly #notice = html("p", { class: "wf-notice", role: "status", hidden: true });
  readonly #empty = html("div", { class: "wf-empty" });
  readonly #lab = html("div", {});
  readonly #waiting = html("span", { class: "wf-count" });
  readonly #waitingHead = html("h2", {}, "Waiting for an answer ", this.#waiting);
  readonly #stuck = html("button", { type: "button", class: "wf-stuck", "data-wf-action": "stuck" });
  readonly #all = html("button", { type: "button", class: "wf-button", "data-wf-action": "all-waits" });
  readonly #inbox = html("button", { type: "button", class: "wf-button", "data-wf-action": "inbox" }, "Open the inbox");
  readonly #more = html("div", { class: "wf-more" }, this.#all, this.#inbox);
  readonly #cards: ApprovalCards;
  readonly #runs: RunList;
  #fading: ReturnType<typeof setTimeout> | undefined;
  #offset = 0;
  #seen: Overview | null = null;
  #showsAll = false;

  constructor(links: LabLinks, private readonly run: (command: string, args?: Record<string, string>) => void) {
    super(links, html("div", { class: "wf-panel", "data-wf-panel": "sidebar" }));
    this.id = "wflab-sidebar";
    this.title.icon = workflowIcon;
    this.title.caption = "Workflows";
    set(this.node, { role: "region", "aria-label": "Workflows" });
    this.#cards = new ApprovalCards((approval, verb, token) => links.current?.answer(approval, verb, token));
    this.#runs = new RunList({
      focus: (id) => links.current?.focus({ instance_id: id, group: null, span_id: null, attempt: null }),
      open: (found) => run(OPEN, { view: "run", instance_id: found.id, name: found.name }),
    });
    this.#stuck.addEventListener("click", () => this.#runs.filter("STALLED"));
    this.#all.addEventListener("click", () => {
      this.#showsAll = !this.#showsAll;
      this.draw();
    });
    this.#inbox.addEventListener("click", () => run(OPEN, { view: "inbox" }));
    this.#lab.append(this.#stuck, this.#waitingHead, this.#cards.element, this.#more, html("h2", {}, "Runs"), this.#runs.element);
    this.node.append(html("div", { class: "wf-panel-head" }, this.#name, this.#standing), this.#notice, this.#empty, this.#lab);
    links.noticed.connect((_, notice) => this.#hear(notice));
  }

  override refresh(): void {
    const link = this.links.current;
    const approvals = link?.standing === "live" ? link.overview?.approvals_total ?? 0 : 0;
    const badge = approvals > 999 ? "999+" : String(approvals);
    if ((this.title.dataset["wf-approvals"] ?? "0") !== badge) {
      this.title.dataset = approvals > 0 ? { "wf-approvals": badge } : {};
      this.title.caption = approvals > 0 ? `Workflows: ${badge} waiting for an answer` : "Workflows";
    }
    super.refresh();
  }

  protected draw(): void {
    const link = this.links.current;
    const overview = link?.overview ?? null;
    const isLive = link?.standing === "live";
    this.node.classList.toggle("wf-off", !isLive);
    set(this.node, { "data-wf-standing": link?.standing ?? "none" });
    this.#empty.hidden = overview !== null && overview.runs.length > 0;
    this.#lab.hidden = !this.#empty.hidden;
    text(this.#name, overview?.lab ?? "No lab");
    this.#drawStanding(overview, isLive);
    if (overview === null || overview.runs.length === 0) {
      text(this.#stuck, ""); // nothing of an earlier lab is left to be found
      this.#drawEmpty(overview !== null && isLive);
      return;
    }
    if (overview !== this.#seen) {
      this.#seen = overview;
      this.#offset = overview.now - Date.now();
    }
    const now = this.#now();
    this.#stuck.hidden = overview.stuck === 0;
    text(this.#stuck, overview.stuck === 0 ? "" : `! ${overview.stuck.toLocaleString("en")} stuck: the code does not agree with what is recorded`);
    this.#waitingHead.hidden = overview.approvals_total === 0;
    text(this.#waiting, overview.approvals_total.toLocaleString("en"));
    const approvals = this.#showsAll ? overview.approvals : overview.approvals.slice(0, FEW);
    this.#cards.draw(approvals, now, isLive);
    this.#more.hidden = overview.approvals_total <= FEW;
    this.#inbox.disabled = !isLive;
    const hidden = overview.approvals_total - approvals.length;
    text(this.#all, this.#showsAll ? `Show the first ${FEW}${hidden > 0 ? ` (${hidden.toLocaleString("en")} more in the inbox)` : ""}` : `${hidden.toLocaleString("en")} more`);
    this.#runs.draw(overview, link?.focused?.focus?.instance_id ?? null, now);
  }

  protected override tick(): void {
    if (this.links.current?.standing !== "live" || this.#seen?.ticks !== true) return;
    this.#cards.tick(this.#now());
    this.#runs.tick(this.#now());
  }

  /** The lab's time; it stands still where nobody knows how things go on. */
  #now(): number {
    const overview = this.#seen;
    if (overview === null) return Date.now();
    return overview.ticks && this.links.current?.standing === "live" ? Date.now() + this.#offset : overview.now;
  }

  #drawStanding(overview: Overview | null, isLive: boolean): void {
    text(this.#standing, overview === null ? "" : isLive ? "live" : `as of ${new Date(overview.now).toLocaleTimeString()}`);
    if (overview === null) return this.#tell(null);
    if (!isLive && this.links.current?.isClosed === true) return this.#tell({ text: "The lab is closed. Run %load_ext wflab: its workflows go on from where they were.", level: "info" });
    if (!isLive) return this.#tell({ text: "The kernel is gone. Run %load_ext wflab: its workflows go on from where they were.", level: "info" });
    if (overview.trouble !== null) return this.#tell({ text: overview.trouble, level: "error" });
    if (this.#notice.dataset["wfOf"] !== "act") this.#tell(null);
  }

  #drawEmpty(hasLab: boolean): void {
    const key = `${hasLab} ${this.links.notebook !== null}`;
    if (this.#empty.dataset["wfKey"] === key) return;
    this.#empty.dataset["wfKey"] = key;
    if (hasLab) {
      replace(this.#empty, html("p", {}, "No runs yet. Start one:"), html("code", {}, "lab.start(workflow, input)"));
      return;
    }
    const load = html("button", { type: "button", class: "wf-button", "data-wf-action": "load" }, "Insert that cell");
    load.addEventListener("click", () => this.run(LOAD));
    const where = this.links.notebook === null ? "Open a notebook, and run this in it:" : "This notebook's kernel has no lab. To open one, run:";
    replace(this.#empty, html("p", {}, where), html("code", {}, "%load_ext wflab"), load);
  }

  #hear(notice: Notice): void {
    this.#cards.hear(notice);
    this.#tell(notice, "act");
    clearTimeout(this.#fading);
    this.#fading = setTimeout(() => {
      if (this.#notice.dataset["wfOf"] === "act") this.#tell(null);
    }, NOTICE_MS);
  }

  #tell(notice: Pick<Notice, "text" | "level"> | null, of = ""): void {
    this.#notice.hidden = notice === null;
    set(this.#notice, { "data-level": notice?.level, "data-wf-of": of });
    text(this.#notice, notice?.text ?? "");
  }
}

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: "wflab:sidebar",
  description: "The left sidebar with the runs of the current notebook's lab.",
  autoStart: true,
  requires: [ILabLinks],
  optional: [ILayoutRestorer, ICommandPalette],
  activate: (app: JupyterFrontEnd, links: LabLinks, restorer: ILayoutRestorer | null, palette: ICommandPalette | null) => {
    const panel = new Sidebar(links, (command, args) => void app.commands.execute(command, args ?? {}));
    app.shell.add(panel, "left", { rank: 650, type: "Workflows" });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(SHOW_SIDEBAR, {
      label: "Show Workflows",
      caption: "Show the runs of this notebook's lab in the left sidebar",
      describedBy: { args: { type: "object", properties: {} } },
      execute: () => app.shell.activateById(panel.id),
    });
    palette?.addItem({ command: SHOW_SIDEBAR, category: CATEGORY });
  },
};
