// Draws what a notebook keeps of a view, `application/vnd.wflab.view+json`: the live widget where its kernel still has it, else the snapshot.
//
// The widget's own renderer says "model not found" where there is none and never falls back, so this one stands before it (by its rank), shows
// the snapshot at once, and gives way only to a widget that is really there. A stored bundle is refreshed every few seconds while a run goes on;
// a live widget needs none of that and stays as it is.
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { INotebookTracker } from "@jupyterlab/notebook";
import { IRenderMimeRegistry } from "@jupyterlab/rendermime";
import type { IRenderMime } from "@jupyterlab/rendermime-interfaces";
import { PanelLayout, Widget } from "@lumino/widgets";
import { type Mounted, mountSnapshot } from "../mount";
import { isRecord } from "../protocol";

const MIME = "application/vnd.wflab.view+json";
const WIDGET = "application/vnd.jupyter.widget-view+json";
const RANK = -20; // jupyterlab_widgets has -10

class ViewRenderer extends Widget implements IRenderMime.IRenderer {
  readonly #host = new Widget();
  #mounted: Mounted | null = null;
  #snapshot: unknown = null;
  #drawn: unknown = null;
  #live: LiveView | null = null;

  /** `registry` is the notebook's own, in which widgets are drawn; null where there are none. */
  constructor(private readonly registry: IRenderMimeRegistry | null) {
    super();
    const layout = new PanelLayout();
    this.layout = layout;
    this.addClass("wflab-output");
    layout.addWidget(this.#host);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.#snapshot = model.data[MIME];
    const modelId = model.trusted ? modelIdOf(model.data[WIDGET]) : null;
    if (this.#live !== null && this.#live.modelId !== modelId) this.#letGo();
    if (modelId !== null && this.#live === null && this.registry?.mimeTypes.includes(WIDGET)) {
      this.#live = new LiveView(modelId, this.registry.createRenderer(WIDGET), () => this.#choose());
      (this.layout as PanelLayout).addWidget(this.#live);
      this.#choose();
      await this.#live.render(model);
    } else this.#choose();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.#mounted?.dispose();
    super.dispose();
  }

  /** One of the two is seen. The snapshot is not drawn behind a live view, and is as new as can be when it comes back. */
  #choose(): void {
    if (this.isDisposed) return;
    const isLive = this.#live?.hasWidget === true;
    this.#live?.setHidden(!isLive);
    this.#host.setHidden(isLive);
    if (isLive) {
      this.#mounted?.dispose();
      this.#mounted = null;
    } else if (this.#mounted === null) this.#mounted = mountSnapshot(this.#host.node, this.#snapshot);
    else if (this.#drawn !== this.#snapshot) this.#mounted.show(this.#snapshot);
    this.#drawn = this.#snapshot;
  }

  #letGo(): void {
    this.#live?.dispose();
    this.#live = null;
  }
}

/** What the notebook's own renderer made of the widget-view, watched for whether there is a widget in it. */
class LiveView extends Widget {
  readonly #observer: MutationObserver;
  #hasWidget = false;

  constructor(readonly modelId: string, private readonly renderer: IRenderMime.IRenderer, changed: () => void) {
    super();
    const layout = new PanelLayout();
    this.layout = layout;
    layout.addWidget(renderer);
    this.#observer = new MutationObserver(() => {
      const has = this.#look();
      if (has === this.#hasWidget) return;
      this.#hasWidget = has;
      changed();
    });
    this.#observer.observe(renderer.node, { childList: true, attributes: true, attributeFilter: ["class"] });
  }

  get hasWidget(): boolean {
    return this.#hasWidget;
  }

  async render(model: IRenderMime.IMimeModel): Promise<void> {
    await this.renderer.renderModel(model);
  }

  override dispose(): void {
    this.#observer.disconnect();
    super.dispose();
  }

  /** "Loading widget..." and all that can go wrong are plain text; a widget is an element. A view that was closed is hidden. */
  #look(): boolean {
    return this.renderer.node.firstElementChild !== null && !this.renderer.isHidden;
  }
}

function modelIdOf(view: unknown): string | null {
  const id = isRecord(view) ? view["model_id"] : null;
  return typeof id === "string" && id !== "" ? id : null;
}

function factory(registry: IRenderMimeRegistry | null): IRenderMime.IRendererFactory {
  return { safe: true, mimeTypes: [MIME], createRenderer: () => new ViewRenderer(registry) };
}

export const mime: JupyterFrontEndPlugin<void> = {
  id: "wflab:mime",
  description: "Draws the views that notebooks keep.",
  autoStart: true,
  optional: [IRenderMimeRegistry, INotebookTracker],
  activate: (_: JupyterFrontEnd, everywhere: IRenderMimeRegistry | null, notebooks: INotebookTracker | null) => {
    everywhere?.addFactory(factory(null), RANK);
    const register = (registry: IRenderMimeRegistry): void => registry.addFactory(factory(registry), RANK);
    notebooks?.forEach((panel) => register(panel.content.rendermime));
    notebooks?.widgetAdded.connect((__, panel) => register(panel.content.rendermime));
  },
};
