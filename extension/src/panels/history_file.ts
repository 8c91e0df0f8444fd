// The document type of an exported history, *.wfhistory.json: the snapshots in it are drawn with no kernel.
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { WidgetTracker } from "@jupyterlab/apputils";
import { ABCWidgetFactory, type DocumentRegistry, DocumentWidget } from "@jupyterlab/docregistry";
import { Widget } from "@lumino/widgets";
import { html, replace, set } from "../dom";
import { type Mounted, mountSnapshot } from "../mount";
import { isRecord } from "../protocol";
import { onThemeChange } from "../theme";
import { workflowIcon } from "./icon";
import { dress, paint } from "./lab_panel";

const FACTORY = "Workflow History";
const TYPE = "wfhistory";

/** The snapshots in a file: a list under `views`, or one that is the whole file. */
export function snapshotsIn(content: string): Record<string, unknown>[] {
  const parsed: unknown = JSON.parse(content);
  const found = isRecord(parsed) && Array.isArray(parsed["views"]) ? (parsed["views"] as unknown[]) : [parsed];
  return found.filter((one): one is Record<string, unknown> => isRecord(one) && typeof one["view"] === "string" && isRecord(one["picture"]));
}

class HistoryView extends Widget {
  readonly #tabs = html("div", { class: "wf-tabs", role: "tablist", "aria-label": "Views" });
  readonly #host = html("div", { class: "wf-snapshot", role: "tabpanel" });
  readonly #forgetTheme: () => void;
  #mounted: Mounted | null = null;
  #chosen = 0;

  constructor(private readonly context: DocumentRegistry.Context) {
    super({ node: html("div", { class: "wf-beside", "data-wf-panel": "history" }) });
    dress(this.node);
    this.node.append(this.#tabs, this.#host);
    this.#forgetTheme = onThemeChange(() => paint(this.node));
    void context.ready.then(() => {
      if (this.isDisposed) return;
      context.model.contentChanged.connect(this.#draw, this);
      this.#draw();
    });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.context.model.contentChanged.disconnect(this.#draw, this);
    this.#forgetTheme();
    this.#mounted?.dispose();
    super.dispose();
  }

  #draw(): void {
    let snapshots: Record<string, unknown>[];
    try {
      snapshots = snapshotsIn(this.context.model.toString());
    } catch (error) {
      this.#refuse(`This file is no JSON: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const shown = snapshots[Math.min(this.#chosen, snapshots.length - 1)];
    if (shown === undefined) {
      this.#refuse("This file holds no picture of a workflow. run.export(path) writes one that does.");
      return;
    }
    const tabs = snapshots.length > 1 ? snapshots.map((snapshot, at) => this.#tab(snapshot, at, snapshot === shown)) : [];
    replace(this.#tabs, ...tabs);
    this.#tabs.hidden = tabs.length === 0; // a list of none is no list
    if (this.#mounted === null) this.#mounted = mountSnapshot(this.#host, shown);
    else this.#mounted.show(shown);
  }

  #tab(snapshot: Record<string, unknown>, at: number, isChosen: boolean): HTMLElement {
    const name = String(snapshot["view"]);
    const tab = html("button", { type: "button", role: "tab" }, name.slice(0, 1).toUpperCase() + name.slice(1));
    set(tab, { "aria-selected": String(isChosen) });
    tab.addEventListener("click", () => {
      this.#chosen = at;
      this.#draw();
      (this.#tabs.children[at] as HTMLElement | undefined)?.focus();
    });
    return tab;
  }

  #refuse(reason: string): void {
    this.#mounted?.dispose();
    this.#mounted = null;
    replace(this.#tabs);
    this.#tabs.hidden = true;
    replace(this.#host, html("p", { class: "wf-notice", "data-level": "error", role: "alert" }, reason));
  }
}

class HistoryFactory extends ABCWidgetFactory<DocumentWidget<HistoryView>> {
  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<HistoryView> {
    const document = new DocumentWidget({ content: new HistoryView(context), context });
    document.title.icon = workflowIcon;
    return document;
  }
}

export const historyFile: JupyterFrontEndPlugin<void> = {
  id: "wflab:history-file",
  description: "Opens exported histories of workflows.",
  autoStart: true,
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, restorer: ILayoutRestorer | null) => {
    const { docRegistry } = app;
    docRegistry.addFileType({
      name: TYPE,
      displayName: FACTORY,
      extensions: [".wfhistory.json"],
      mimeTypes: ["application/json"],
      contentType: "file",
      fileFormat: "text",
      icon: workflowIcon,
    });
    const factory = new HistoryFactory({ name: FACTORY, modelName: "text", fileTypes: [TYPE], defaultFor: [TYPE], readOnly: true });
    docRegistry.addWidgetFactory(factory as DocumentRegistry.WidgetFactory); // their types leave out what may be undefined
    const tracker = new WidgetTracker<DocumentWidget<HistoryView>>({ namespace: "wflab-history" });
    factory.widgetCreated.connect((_, document) => {
      void tracker.add(document);
      document.context.pathChanged.connect(() => void tracker.save(document));
    });
    if (restorer !== null) {
      void restorer.restore(tracker, {
        command: "docmanager:open",
        args: (document) => ({ path: document.context.path, factory: FACTORY }),
        name: (document) => document.context.path,
      });
    }
  },
};
