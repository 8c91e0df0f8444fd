// What the gallery of recipes and the notes of a replay ask of JupyterLab: a cell below the current one.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { isRecord } from "../protocol";
import { INSERT } from "../views/doors";

export const INSERT_CODE = "wflab:insert-code";

/** One cell with this source, below the cell that `origin` is in, else below the active one. Markdown is shown as it reads. */
function insert(panel: NotebookPanel, source: string, origin: Element | null, kind: "code" | "markdown" = "code"): void {
  const { content } = panel;
  const place = content.widgets.findIndex((cell) => origin !== null && cell.node.contains(origin));
  if (place >= 0) content.activeCellIndex = place;
  NotebookActions.insertBelow(content);
  if (content.activeCell?.model.type !== kind) NotebookActions.changeCellType(content, kind);
  const cell = content.activeCell;
  cell?.model.sharedModel.setSource(source);
  if (cell !== null && kind === "markdown") (cell as unknown as { rendered: boolean }).rendered = true; // a MarkdownCell, whose package is none of ours
  content.activate();
}

export const recipes: JupyterFrontEndPlugin<void> = {
  id: "wflab:recipes",
  description: "Inserts recipes as cells.",
  autoStart: true,
  requires: [INotebookTracker],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker) => {
    const into = (origin: Element | null): NotebookPanel | null => notebooks.find((panel) => origin !== null && panel.node.contains(origin)) ?? notebooks.currentWidget;
    app.commands.addCommand(INSERT_CODE, {
      label: "Insert the Code of a Workflow Recipe",
      caption: "A code cell below the current one",
      describedBy: { args: { type: "object", required: ["source"], properties: { source: { type: "string", description: "The code" } } } },
      execute: (args) => {
        const panel = notebooks.currentWidget;
        if (panel !== null && typeof args["source"] === "string") insert(panel, args["source"], null);
      },
    });
    document.addEventListener(INSERT, (event) => {
      const { detail, target } = event as CustomEvent<unknown>;
      const origin = target instanceof Element ? target : null;
      const panel = into(origin);
      if (panel === null || !isRecord(detail) || typeof detail["source"] !== "string") return;
      event.preventDefault();
      insert(panel, detail["source"], origin, detail["kind"] === "markdown" ? "markdown" : "code");
    });
  },
};
