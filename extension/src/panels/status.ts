// The status bar's item: how many runs go on, how many answers are waited for, what is stuck.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { IStatusBar } from "@jupyterlab/statusbar";
import { badge, html, set, text } from "../dom";
import { ILabLinks, type LabLinks } from "../lab_links";
import { LabPanel } from "./lab_panel";
import { SHOW_SIDEBAR } from "./sidebar";

const PARTS = [
  { key: "running", state: "RUNNING", word: "running" },
  { key: "waiting", state: "SUSPENDED", word: "waiting for an answer" },
  { key: "stuck", state: "STALLED", word: "stuck" },
] as const;

class StatusItem extends LabPanel {
  readonly #button = html("button", { type: "button", class: "wf-status" });
  readonly #numbers = new Map<string, HTMLElement>();

  constructor(links: LabLinks, show: () => void) {
    super(links, html("div", { "data-wf-panel": "status" }));
    for (const { key, state } of PARTS) {
      const number = html("b", {});
      this.#numbers.set(key, number);
      this.#button.append(html("span", { "data-wf-part": key }, badge(state), number));
    }
    this.#button.addEventListener("click", show);
    this.node.append(this.#button);
  }

  protected draw(): void {
    const link = this.links.current;
    const overview = link?.overview ?? null;
    this.#button.hidden = overview === null;
    if (overview === null) return;
    this.#button.classList.toggle("wf-off", link?.standing !== "live");
    const running = (overview.counts["RUNNING"] ?? 0) + (overview.counts["PENDING"] ?? 0);
    const counts = { running, waiting: overview.approvals_total, stuck: overview.stuck };
    for (const { key } of PARTS) {
      const number = this.#numbers.get(key);
      if (number === undefined) continue;
      text(number, counts[key].toLocaleString("en"));
      set(number.parentElement as HTMLElement, { hidden: key === "stuck" && counts.stuck === 0 });
    }
    const said = PARTS.filter(({ key }) => key !== "stuck" || counts.stuck > 0).map(({ key, word }) => `${counts[key]} ${word}`);
    const as_of = link?.standing === "live" ? "" : link?.isClosed === true ? " (the lab is closed)" : " (the kernel is gone)";
    set(this.#button, { title: `Workflows: ${said.join(", ")}${as_of}`, "aria-label": `Workflows: ${said.join(", ")}${as_of}. Show them` });
  }
}

export const status: JupyterFrontEndPlugin<void> = {
  id: "wflab:status",
  description: "The status bar's count of workflows.",
  autoStart: true,
  requires: [ILabLinks],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, links: LabLinks, bar: IStatusBar | null) => {
    bar?.registerStatusItem("wflab:status", {
      item: new StatusItem(links, () => void app.commands.execute(SHOW_SIDEBAR)),
      align: "left",
      rank: 90,
    });
  },
};
