// All labs that this page knows of: one link for each kernel of a notebook, and which of them is the current notebook's.
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import type { Kernel } from "@jupyterlab/services";
import { Token } from "@lumino/coreutils";
import { type ISignal, Signal } from "@lumino/signaling";
import { LabLink } from "./lab_link";
import type { Notice } from "./protocol";

export const ILabLinks = new Token<LabLinks>("wflab:ILabLinks", "The labs in the kernels of this page's notebooks.");

export class LabLinks {
  readonly #links = new Map<string, LabLink>();
  readonly #changed = new Signal<this, void>(this);
  readonly #noticed = new Signal<this, Notice>(this);
  /** The last one of each notebook: once its kernel is shut down there is none to ask, and its panels say so. */
  readonly #last = new WeakMap<NotebookPanel, LabLink>();
  #current: LabLink | null = null;

  constructor(private readonly notebooks: INotebookTracker | null) {
    notebooks?.widgetAdded.connect((_, panel) => this.#follow(panel));
    notebooks?.forEach((panel) => this.#follow(panel));
    notebooks?.currentChanged.connect(() => this.#choose());
  }

  /** The current notebook has another lab, or its lab has something new. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** What became of an act in the current lab. */
  get noticed(): ISignal<this, Notice> {
    return this.#noticed;
  }

  /** The lab of the current notebook's kernel, should it have one. */
  get current(): LabLink | null {
    return this.#current;
  }

  /** The current notebook. */
  get notebook(): NotebookPanel | null {
    return this.notebooks?.currentWidget ?? null;
  }

  #follow(panel: NotebookPanel): void {
    const session = panel.sessionContext;
    const met = (): void => {
      this.#meet(session.session?.kernel ?? null);
      this.#choose();
    };
    session.kernelChanged.connect(met);
    panel.disposed.connect(() => {
      session.kernelChanged.disconnect(met);
      this.#choose();
    });
    met();
  }

  /** Only one of a page's connections to a kernel has its comms. */
  #meet(kernel: Kernel.IKernelConnection | null): void {
    if (kernel === null || !kernel.handleComms) return;
    const known = this.#links.get(kernel.id);
    if (known !== undefined && !known.isDisposed) return;
    const link = new LabLink(kernel);
    this.#links.set(kernel.id, link);
    link.changed.connect(() => {
      if (link === this.#current) this.#changed.emit();
    });
    link.noticed.connect((_, notice) => {
      if (link === this.#current) this.#noticed.emit(notice);
    });
    kernel.disposed.connect(() => {
      if (this.#links.get(kernel.id) === link) this.#links.delete(kernel.id);
      this.#choose();
    });
  }

  /** With no notebook in front (a view beside it, a text file) the last one stays. */
  #choose(): void {
    const panel = this.notebook;
    const id = panel?.sessionContext.session?.kernel?.id;
    const of = id === undefined ? undefined : this.#links.get(id);
    if (panel !== null && of !== undefined) this.#last.set(panel, of);
    const next = of ?? (panel === null ? undefined : this.#last.get(panel)) ?? null;
    if (next === this.#current) return;
    this.#current = next;
    this.#changed.emit();
  }
}
