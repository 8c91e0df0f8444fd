// Links back to a step of a replay, as notes in a Markdown cell have them: the replay of that run turns there, or is opened beside the notebook.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Notification } from "@jupyterlab/apputils";
import { TO_STEP } from "../views/doors";
import { placeAt, type StepPlace } from "../views/replay/note_links";
import { OPEN } from "./beside";

const PATIENCE_MS = 15_000;
const PAUSE_MS = 100;

/** Have a replay of that run turn there, preferably one of the notebook that the link stands in; whether there is any. */
function turn(place: StepPlace, link: Element): boolean {
  const near = link.closest(".jp-NotebookPanel");
  const views = [...document.querySelectorAll("[data-wf-view=replay] .wf-replay")].sort((one, other) => Number(near?.contains(other) ?? false) - Number(near?.contains(one) ?? false));
  const found = views.find((view) => !view.dispatchEvent(new CustomEvent(TO_STEP, { cancelable: true, detail: place })));
  found?.scrollIntoView({ block: "nearest" });
  return found !== undefined;
}

/** Open the replay beside the notebook, and turn there once it is drawn. */
function open(app: JupyterFrontEnd, place: StepPlace, link: Element): void {
  if (!app.commands.isEnabled(OPEN)) {
    Notification.info("No replay of this run is open here, and no lab to open one: run %load_ext wflab and the cell that shows the replay.");
    return;
  }
  void app.commands.execute(OPEN, { view: "replay", instance_id: place.instance_id });
  const until = Date.now() + PATIENCE_MS;
  const again = setInterval(() => {
    if (turn(place, link) || Date.now() > until) clearInterval(again);
  }, PAUSE_MS);
}

export const stepLinks: JupyterFrontEndPlugin<void> = {
  id: "wflab:step-links",
  description: "Follows links to a step of a replay.",
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    document.addEventListener(
      "click",
      (event) => {
        const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('.jp-RenderedMarkdown a[href^="#wflab-replay/"]') : null;
        const place = link === null ? null : placeAt(link.getAttribute("href") ?? "");
        if (link === null || place === null) return;
        event.preventDefault();
        event.stopPropagation();
        if (!turn(place, link)) open(app, place, link);
      },
      true, // before the notebook takes the fragment for a heading of its own
    );
  },
};
