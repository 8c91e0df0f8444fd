// What the panels share: the links to the labs in the page's kernels.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ILabLinks, LabLinks } from "../lab_links";

export const links: JupyterFrontEndPlugin<LabLinks> = {
  id: "wflab:links",
  description: "The links to the labs in the kernels of the page's notebooks.",
  autoStart: true,
  optional: [INotebookTracker],
  provides: ILabLinks,
  activate: (_: JupyterFrontEnd, notebooks: INotebookTracker | null) => new LabLinks(notebooks),
};
