// The wire to the lab in one kernel. The only file of the extension that speaks to a kernel.
//
// The kernel says hello on `wflab:hello`; the page answers by opening a comm on `wflab`, on a subshell of its own where the kernel has
// those, so that it is heard while a cell runs. A kernel that restarts or dies forgets the comm; its next hello makes a new one.
import { CommsOverSubshells, type Kernel, type KernelMessage } from "@jupyterlab/services";
import type { IDisposable } from "@lumino/disposable";
import { type ISignal, Signal } from "@lumino/signaling";
import { type Act, type Focus, type FromPage, newToken, type Notice, type ViewName } from "./protocol";
import { type Approval, type Focused, type OpenView, type Overview, type PageToLab, readFromLab, type ShowView } from "./protocol_lab";
import { currentTheme, onThemeChange } from "./theme";

const HELLO = "wflab:hello";
const TARGET = "wflab";
const GONE: ReadonlySet<Kernel.Status> = new Set(["autorestarting", "dead", "restarting", "terminating"]);
const PAGE = pageId();

/** Whether a lab is there: not known yet or none, one that answers, or one that was there and is gone. */
export type Standing = "none" | "live" | "lost";

/** Where what a kernel tells of an open view goes: its snapshots, and what else it says to it. */
export interface ViewHears {
  show(shown: ShowView): void;
  say(message: unknown): void;
}

export interface OpenedView {
  /** Say something as that view. */
  send(message: FromPage): void;
  dispose(): void;
}

export class LabLink implements IDisposable {
  #standing: Standing = "none";
  #overview: Overview | null = null;
  #focused: Focused | null = null;
  #comm: Kernel.IComm | null = null;
  #isDisposed = false;
  readonly #forgetTheme: () => void;
  #isClosed = false;
  readonly #views = new Map<string, { readonly opening: OpenView; readonly hears: ViewHears }>();
  readonly #changed = new Signal<this, void>(this);
  readonly #noticed = new Signal<this, Notice>(this);

  constructor(private readonly kernel: Kernel.IKernelConnection) {
    kernel.registerCommTarget(HELLO, this.#hello);
    kernel.statusChanged.connect(this.#statusChanged, this);
    kernel.disposed.connect(this.dispose, this);
    this.#forgetTheme = onThemeChange(() => this.#tellTheme());
    void this.#look();
  }

  /** Something of the three below is another one. */
  get changed(): ISignal<this, void> {
    return this.#changed;
  }

  /** What became of an act. */
  get noticed(): ISignal<this, Notice> {
    return this.#noticed;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** The lab as it was last told of. */
  get overview(): Overview | null {
    return this.#overview;
  }

  /** Whether the lab was closed, by a kernel that is still there. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get focused(): Focused | null {
    return this.#focused;
  }

  /** Answer a wait; notices of what became of it have the token. A repetition has the same token. */
  answer(approval: Approval, verb: "approve" | "reject", token: string): void {
    const { instance_id, key, wait_id, event } = approval;
    const act: Act = { type: "act", act: "raise", token, wait_id, event, data: verb === "approve", instance_id, key, verb, comment: null };
    this.#send(act);
  }

  focus(focus: Focus | null): void {
    this.#send({ type: "set_focus", focus });
  }

  /** Have a view kept up to date until the result is disposed; over restarts of the kernel, too. */
  open(view: ViewName, instanceId: string | null, hears: ViewHears): OpenedView {
    const id = newToken();
    const opening: OpenView = { type: "open_view", id, view, instance_id: instanceId };
    this.#views.set(id, { opening, hears });
    this.#send(opening);
    return {
      send: (message) => this.#send({ type: "from_view", id, message }),
      dispose: () => {
        this.#views.delete(id);
        this.#send({ type: "close_view", id });
      },
    };
  }

  /** The kernel, for a view that watches whether it is there. */
  get connection(): Kernel.IKernelConnection {
    return this.kernel;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#forgetTheme();
    if (!this.kernel.isDisposed) {
      this.kernel.removeCommTarget(HELLO, this.#hello);
      this.kernel.statusChanged.disconnect(this.#statusChanged, this);
      this.#comm?.close();
    }
    this.#isClosed = false; // whatever it did before: it is gone
    this.#become("lost");
    Signal.clearData(this);
  }

  readonly #hello = (): void => void this.#connect(); // what comes next from the kernel is not held up for it

  /** After a reload of the page the kernel's hello lies in the past. A kernel that computes answers this, as anything, once its cell is done. */
  async #look(): Promise<void> {
    try {
      const reply = await this.kernel.requestCommInfo({ target_name: HELLO });
      if (reply.content.status === "ok" && Object.keys(reply.content.comms).length > 0) await this.#connect();
    } catch {
      // the kernel went away meanwhile; the next one says hello
    }
  }

  async #connect(): Promise<void> {
    if (this.#comm !== null || this.kernel.isDisposed) return;
    const comm = this.kernel.createComm(TARGET);
    this.#comm = comm;
    comm.onMsg = (message) => this.#hear(message);
    comm.onClose = () => this.#closed(comm);
    await subshell(this.kernel, comm);
    if (this.#comm !== comm || comm.isDisposed) return;
    comm.open({ page: PAGE });
    this.#tellTheme();
    for (const { opening } of this.#views.values()) this.#send(opening);
  }

  #tellTheme(): void {
    this.#send({ type: "set_theme", theme: currentTheme() });
  }

  #closed(comm: Kernel.IComm): void {
    if (this.#comm !== comm) return;
    this.#comm = null;
    this.#isClosed = true;
    if (this.#standing === "live") this.#become("lost");
  }

  #hear(message: KernelMessage.ICommMsgMsg): void {
    const told = readFromLab(message.content.data);
    switch (told?.type) {
      case "overview":
        this.#overview = told;
        this.#isClosed = false;
        this.#become("live");
        break;
      case "focused":
        this.#focused = told;
        this.#changed.emit();
        break;
      case "view":
        this.#views.get(told.id)?.hears.show(told);
        break;
      case "to_view":
        this.#views.get(told.id)?.hears.say(told.message);
        break;
      case "notice":
        this.#noticed.emit(told);
        break;
    }
  }

  #statusChanged(_: unknown, status: Kernel.Status): void {
    if (!GONE.has(status)) return;
    this.#comm?.dispose();
    this.#comm = null;
    const wasClosed = this.#isClosed; // a kernel that is shut down closes its lab first
    this.#isClosed = false;
    if (this.#standing === "live" || (this.#standing === "lost" && wasClosed)) this.#become("lost");
  }

  #become(standing: Standing): void {
    this.#standing = standing;
    this.#changed.emit();
  }

  /** As a widget's custom message: the kernel hears those in the thread that receives them, even where a front end has no subshells. */
  #send(content: PageToLab): void {
    if (this.#comm === null || this.#comm.isDisposed) return;
    this.#comm.send({ method: "custom", content: content as unknown as Readonly<Record<string, never>> });
  }
}

/** Wait for a subshell of the comm's own. That the user's setting has none for widgets does not concern us. */
async function subshell(kernel: Kernel.IKernelConnection, comm: Kernel.IComm): Promise<void> {
  await kernel.info;
  if (kernel.supportsSubshells !== true || !("commsOverSubshells" in comm)) return;
  // per target is as good, since there is only one comm on ours; to change that would start a second subshell and lose it
  if (comm.commsOverSubshells === CommsOverSubshells.Disabled) comm.commsOverSubshells = CommsOverSubshells.PerComm;
  if (comm instanceof Object && "subshellStarted" in comm) await comm.subshellStarted;
}

/** One page of the browser, also after it was loaded anew: the kernel then knows that the earlier comm is nobody's. */
function pageId(): string {
  const key = "wflab:page";
  const known = sessionStorage.getItem(key) ?? newToken();
  sessionStorage.setItem(key, known);
  return known;
}
