// A view as a tab of its own beside the notebook: live as in the notebook, over the lab's own comm.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette, MainAreaWidget } from "@jupyterlab/apputils";
import { Widget } from "@lumino/widgets";
import { html, set, text } from "../dom";
import type { LabLink, OpenedView } from "../lab_link";
import { ILabLinks, type LabLinks } from "../lab_links";
import { VIEWS } from "../mount";
import { isRecord, type ViewName } from "../protocol";
import type { Focused, ShowView } from "../protocol_lab";
import { onThemeChange } from "../theme";
import { OPEN_VIEW } from "../views/doors";
import { widgetOf } from "../widget";
import { BesideModel } from "./beside_model";
import { workflowIcon } from "./icon";
import { dress, paint } from "./lab_panel";

export const OPEN = "wflab:open";
const CATEGORY = "Workflows";
const TITLES: Readonly<Record<ViewName, string>> = {
  run: "Run", graph: "Graph", timeline: "Timeline", replay: "Replay", saga: "Saga", inbox: "Inbox", dashboard: "Dashboard", recipes: "Recipes", api_log: "API log",
};
// Views of the whole lab, not of one run.
const OF_LAB: Readonly<Partial<Record<ViewName, string>>> = {
  inbox: "What waits for an answer",
  dashboard: "How all runs do",
  recipes: "Patterns to run and to insert",
  api_log: "Calls that came in by the sidecars",
};

function isViewName(value: unknown): value is ViewName {
  return typeof value === "string" && value in TITLES;
}

export class Beside extends Widget {
  readonly #notice = html("p", { class: "wf-notice", role: "status" });
  readonly #host = html("div", { class: "wf-snapshot" });
  readonly #forgetTheme: () => void;
  #view: ViewName;
  #opened: OpenedView;
  #model: BesideModel | null = null;
  #close: (() => void) | null = null;
  #wasLost = false;
  #told: Focused | null = null;

  /** `turned` is told when a person turns to another view of the same run. */
  constructor(private readonly link: LabLink, view: ViewName, private readonly instanceId: string | null, private readonly turned: (view: ViewName) => void) {
    super({ node: html("div", { class: "wf-beside", "data-wf-panel": "beside" }) });
    dress(this.node);
    this.node.append(this.#notice, this.#host);
    text(this.#notice, "Waiting for the kernel …");
    this.#forgetTheme = onThemeChange(() => paint(this.node));
    this.#view = view;
    this.#opened = this.#open();
    link.changed.connect(this.#look, this);
    this.#look();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.link.changed.disconnect(this.#look, this);
    this.#forgetTheme();
    this.#leave();
    super.dispose();
  }

  #open(): OpenedView {
    return this.link.open(this.#view, this.instanceId, {
      show: (shown) => this.#show(shown),
      say: (message) => this.#model?.say(message),
    });
  }

  #leave(): void {
    this.#close?.();
    this.#close = null;
    this.#model = null;
    this.#opened.dispose();
  }

  #turn(view: string): void {
    if (!isViewName(view) || view === this.#view) return;
    this.#leave();
    this.#view = view;
    this.#opened = this.#open();
    this.turned(view);
  }

  #show({ snapshot, error }: ShowView): void {
    this.#say(error, "error");
    const picture = isRecord(snapshot) ? snapshot["picture"] : null;
    if (error !== null || !isRecord(picture)) return;
    if (this.#wasLost) {
      // a view does not believe in a kernel that comes back: it would be another one
      this.#wasLost = false;
      this.#close?.();
      this.#model = null;
    }
    if (this.#model !== null) {
      this.#model.show(picture);
      return;
    }
    this.#model = new BesideModel(this.link, () => this.#opened, (view) => this.#turn(view));
    this.#model.show(picture);
    this.#close = widgetOf(VIEWS[this.#view]).render({ model: this.#model, el: this.#host });
  }

  #look(): void {
    if (this.link.standing === "live") {
      if (this.#model !== null && !this.#wasLost) this.#say(null);
    } else if (this.#model !== null) {
      this.#wasLost = true;
      if (this.link.isClosed) this.#model.part();
      this.#say(`${this.#whoIsGone()}; this is what was last seen. Run %load_ext wflab to go on.`);
    } else if (this.link.standing === "lost") this.#say(`${this.#whoIsGone()}. Run %load_ext wflab, and this view comes.`);
    const focused = this.link.focused;
    if (focused !== null && focused !== this.#told) {
      this.#told = focused;
      this.#model?.say({ type: "focus", focus: focused.focus });
    }
  }

  #whoIsGone(): string {
    return this.link.isClosed ? "The lab is closed" : "The kernel is gone";
  }

  #say(said: string | null, level: "info" | "error" = "info"): void {
    this.#notice.hidden = said === null;
    set(this.#notice, { "data-level": level });
    text(this.#notice, said ?? "");
  }
}

export const beside: JupyterFrontEndPlugin<void> = {
  id: "wflab:beside",
  description: "Views of runs as tabs beside the notebook.",
  autoStart: true,
  requires: [ILabLinks],
  optional: [ICommandPalette],
  activate: (app: JupyterFrontEnd, links: LabLinks, palette: ICommandPalette | null) => {
    const open = new Map<string, MainAreaWidget<Beside>>();
    app.commands.addCommand(OPEN, {
      label: (args) => {
        const view = args["view"];
        if (isViewName(view) && view in OF_LAB) return `Open the ${TITLES[view]} of Workflows`;
        const title = isViewName(view) ? TITLES[view] : "View";
        return args["instance_id"] === undefined ? `${title} of the Last Workflow Run` : `${title} of a Workflow Run`;
      },
      caption: "Open a view of a workflow run beside the notebook",
      describedBy: {
        args: {
          type: "object",
          required: ["view"],
          properties: {
            view: { type: "string", enum: Object.keys(TITLES) },
            instance_id: { type: "string", description: "The run; the last one where this is missing" },
            name: { type: "string", description: "What to call it in the tab" },
          },
        },
      },
      isEnabled: () => links.current?.standing === "live",
      execute: (args) => {
        const link = links.current;
        const view = args["view"];
        if (link === null || !isViewName(view)) return;
        const last = link.overview?.runs[0];
        const id = view in OF_LAB ? null : String(args["instance_id"] ?? last?.id ?? "last");
        const name = String(args["name"] ?? link.overview?.runs.find((run) => run.id === id)?.name ?? id);
        let key = `${view} ${id ?? ""}`;
        const known = open.get(key);
        if (known !== undefined && !known.isDisposed && known.content.isAttached) {
          app.shell.activateById(known.id);
          return;
        }
        const title = (shown: ViewName): string => (shown in OF_LAB ? TITLES[shown] : `${TITLES[shown]}: ${name}`);
        const turned = (next: ViewName): void => {
          open.delete(key);
          key = `${next} ${id ?? ""}`;
          open.set(key, tab);
          tab.title.label = title(next);
        };
        const tab: MainAreaWidget<Beside> = new MainAreaWidget({ content: new Beside(link, view, id, turned) });
        tab.id = `wflab-${key}`;
        tab.title.label = title(view);
        tab.title.icon = workflowIcon;
        tab.title.caption = id ?? OF_LAB[view] ?? "";
        tab.title.closable = true;
        tab.toolbar.hide();
        open.set(key, tab);
        tab.disposed.connect(() => open.delete(key));
        // the second one joins the first, or the notebook would become narrower with each
        const other = [...open.values()].find((one) => one !== tab && one.isAttached);
        app.shell.add(tab, "main", other === undefined ? { mode: "split-right", activate: false } : { mode: "tab-after", ref: other.id, activate: true });
      },
    });
    for (const view of ["graph", "timeline", "replay", "saga", "run", "inbox", "dashboard", "recipes", "api_log"]) palette?.addItem({ command: OPEN, category: CATEGORY, args: { view } });
    document.addEventListener(OPEN_VIEW, (event) => {
      const { detail } = event as CustomEvent<unknown>;
      if (!isRecord(detail) || !app.commands.isEnabled(OPEN)) return;
      const { view, instance_id, name } = detail;
      if (typeof view !== "string" || typeof instance_id !== "string" || typeof name !== "string") return;
      event.preventDefault();
      void app.commands.execute(OPEN, { view, instance_id, name });
    });
    links.changed.connect(() => app.commands.notifyCommandChanged(OPEN));
  },
};
