// To begin with: a cell that opens a lab, from the launcher, the palette or the empty sidebar.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker, NotebookActions, type NotebookPanel } from "@jupyterlab/notebook";
import { workflowIcon } from "./icon";

export const LOAD = "wflab:load";
const SOURCE = "%load_ext wflab";
const CATEGORY = "Workflows";

/** Put the cell below the active one, or into an empty notebook's first; whether to run it is the user's word. */
function insert(panel: NotebookPanel): void {
  const { content } = panel;
  const active = content.activeCell?.model.sharedModel;
  if (active === undefined || active.cell_type !== "code" || active.getSource().trim() !== "") NotebookActions.insertBelow(content);
  content.activeCell?.model.sharedModel.setSource(SOURCE);
  content.activate();
}

export const start: JupyterFrontEndPlugin<void> = {
  id: "wflab:start",
  description: "Inserts the cell that opens a lab.",
  autoStart: true,
  optional: [INotebookTracker, ICommandPalette, ILauncher],
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker | null, palette: ICommandPalette | null, launcher: ILauncher | null) => {
    app.commands.addCommand(LOAD, {
      label: (args) => (args["isLauncher"] === true ? "Workflows" : "Insert a Cell that Opens a Workflow Lab"),
      caption: "Insert %load_ext wflab, in a new notebook where none is open",
      icon: (args) => (args["isPalette"] === true ? undefined : workflowIcon),
      describedBy: {
        args: {
          type: "object",
          properties: {
            isLauncher: { type: "boolean", description: "Make a new notebook in any case" },
            isPalette: { type: "boolean" },
            cwd: { type: "string", description: "The folder of a new notebook" },
          },
        },
      },
      execute: async (args) => {
        const isNew = args["isLauncher"] === true || notebooks?.currentWidget == null;
        if (isNew) await app.commands.execute("notebook:create-new", { cwd: args["cwd"] ?? "", kernelId: "" });
        const panel = notebooks?.currentWidget;
        if (panel == null) return;
        await panel.revealed;
        await panel.context.ready;
        insert(panel);
      },
    });
    palette?.addItem({ command: LOAD, category: CATEGORY, args: { isPalette: true } });
    launcher?.add({ command: LOAD, category: "Other", rank: 20, args: { isLauncher: true } });
  },
};
