// The right sidebar's inspector: the one thing that the lab looks at, whichever view it was chosen in, with its error and its source.
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { badge, html, paintBadge, replace, set, text } from "../dom";
import { ILabLinks, type LabLinks } from "../lab_links";
import type { Focused, Source } from "../protocol_lab";
import { workflowIcon } from "./icon";
import { LabPanel } from "./lab_panel";

const GO_TO_SOURCE = "wflab:go-to-source";
const SHOW_INSPECTOR = "wflab:show-inspector";
const CATEGORY = "Workflows";

class Inspector extends LabPanel {
  readonly #badge = badge("UNKNOWN");
  readonly #title = html("strong", { dir: "auto" });
  readonly #state = html("span", { class: "wf-muted" });
  readonly #head = html("div", { class: "wf-panel-head" }, this.#badge, this.#title, this.#state);
  readonly #facts = html("dl", { class: "wf-facts" });
  readonly #error = html("section", { class: "wf-error", "aria-label": "Error" });
  readonly #line = html("code", { dir: "auto" });
  readonly #go = html("button", { type: "button", class: "wf-button", "data-wf-action": "source" }, "Go to source");
  readonly #source = html("section", { class: "wf-source", "aria-label": "Source" }, this.#line, this.#go);
  readonly #empty = html("p", { class: "wf-empty" }, "Choose a run in the sidebar, or a step in one of its views, and this tells of it.");
  #drawn: Focused | null = null;

  constructor(links: LabLinks, go: () => void) {
    super(links, html("div", { class: "wf-panel", "data-wf-panel": "inspector" }));
    this.id = "wflab-inspector";
    this.title.icon = workflowIcon;
    this.title.caption = "Workflow Inspector";
    set(this.node, { role: "region", "aria-label": "Workflow inspector" });
    this.node.append(this.#head, this.#error, this.#facts, this.#source, this.#empty);
    this.#go.addEventListener("click", go);
  }

  protected draw(): void {
    const link = this.links.current;
    const focused = link?.focused ?? null;
    this.node.classList.toggle("wf-off", link?.standing !== "live");
    this.#go.disabled = this.links.notebook === null;
    if (focused === this.#drawn && this.#drawn !== null) return;
    this.#drawn = focused;
    const isSomething = focused !== null && focused.focus !== null;
    this.#empty.hidden = isSomething;
    for (const part of [this.#head, this.#facts, this.#error, this.#source]) part.hidden = !isSomething;
    if (!isSomething) return;
    paintBadge(this.#badge, focused.state);
    text(this.#title, focused.title);
    text(this.#state, focused.state.toLowerCase().replaceAll("_", " "));
    replace(this.#facts, ...focused.facts.flatMap(([name, value]) => [html("dt", {}, name), html("dd", { dir: "auto" }, value)]));
    this.#error.hidden = focused.failure === null;
    if (focused.failure !== null) {
      const { error_type, message, trace } = focused.failure;
      replace(this.#error, html("strong", {}, error_type), html("p", { dir: "auto" }, message), trace === null ? null : html("pre", { tabindex: 0 }, trace));
    }
    this.#source.hidden = focused.source === null;
    text(this.#line, focused.source?.text ?? "");
  }
}

/** Find the line in the notebook's cells: its text tells where it stands now, whatever has moved since. Whether it was found. */
function reveal(notebook: NotebookPanel, source: Source): boolean {
  const { content } = notebook;
  for (const [index, cell] of content.widgets.entries()) {
    if (cell.model.type !== "code") continue;
    const line = cell.model.sharedModel.getSource().split("\n").findIndex((found) => found.trim() === source.text);
    if (line < 0) continue;
    content.activeCellIndex = index;
    void content.scrollToItem(index).then(() => {
      cell.editor?.setCursorPosition({ line, column: 0 });
      cell.editor?.focus();
    });
    return true;
  }
  return false;
}

export const inspector: JupyterFrontEndPlugin<void> = {
  id: "wflab:inspector",
  description: "The inspector of what the current notebook's lab looks at.",
  autoStart: true,
  requires: [ILabLinks],
  optional: [ILayoutRestorer, ICommandPalette, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    links: LabLinks,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
  ) => {
    const panel = new Inspector(links, () => void app.commands.execute(GO_TO_SOURCE));
    app.shell.add(panel, "right", { rank: 650, type: "Workflows" });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(SHOW_INSPECTOR, {
      label: "Show the Workflow Inspector",
      describedBy: { args: { type: "object", properties: {} } },
      execute: () => app.shell.activateById(panel.id),
    });
    app.commands.addCommand(GO_TO_SOURCE, {
      label: "Go to the Source of the Workflow Step",
      caption: "Go to the line of what the inspector shows",
      describedBy: { args: { type: "object", properties: {} } },
      isEnabled: () => links.current?.focused?.source != null,
      execute: async () => {
        const source = links.current?.focused?.source;
        const notebook = notebooks?.currentWidget;
        if (source == null || notebook == null) return;
        app.shell.activateById(notebook.id);
        if (reveal(notebook, source)) return;
        if (source.file !== null && source.file.endsWith(".py")) await app.commands.execute("docmanager:open", { path: source.file });
      },
    });
    links.changed.connect(() => app.commands.notifyCommandChanged(GO_TO_SOURCE));
    palette?.addItem({ command: SHOW_INSPECTOR, category: CATEGORY });
    palette?.addItem({ command: GO_TO_SOURCE, category: CATEGORY });
  },
};
