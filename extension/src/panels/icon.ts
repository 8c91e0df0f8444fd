// The extension's icon: two steps, one after the other, and a way back.
import { LabIcon } from "@jupyterlab/ui-components";

export const workflowIcon = new LabIcon({
  name: "wflab:workflow",
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><g fill="none"><g class="jp-icon3 jp-icon-selectable" stroke="#616161" stroke-width="1.8">' +
    '<rect x="3" y="4" width="7" height="6" rx="1.5"/><rect x="14" y="14" width="7" height="6" rx="1.5"/>' +
    '<path d="M10 7h5.5a2 2 0 0 1 2 2v5M14 17H8.5a2 2 0 0 1-2-2v-5"/></g></g></svg>',
});
