// What a page knows about its kernel: whether it still listens. The only file that looks past anywidget's model.

export interface Model {
  get(name: string): unknown;
  on(event: string, heard: (...values: unknown[]) => void): void;
  off(event: string, heard: (...values: unknown[]) => void): void;
  send(content: unknown): void;
  readonly widget_manager?: unknown;
}

type Slot = (sender: unknown, status: unknown) => void;

interface Signal {
  connect(slot: Slot): void;
  disconnect(slot: Slot): void;
}

const GONE = new Set(["autorestarting", "dead", "restarting", "terminating"]);

/**
 * Call back with false when the kernel is lost, and with true should the connection come back. A kernel that died has forgotten this
 * widget: for that there is no way back. Front ends that tell nothing are taken at their silence.
 */
export function watchKernel(model: Model, host: Element, changed: (isThere: boolean) => void): () => void {
  let died = false;
  const kernel = kernelOf(model);
  const look = (): void => {
    died ||= host.closest(".jupyter-widgets-disconnected") !== null || kernel?.["isDisposed"] === true;
    changed(!died && kernel?.["connectionStatus"] !== "disconnected");
  };
  const later = (): void => queueMicrotask(look); // the front end's own listeners come first
  const heard: Slot = (_sender, status) => {
    died ||= GONE.has(String(status)); // it may be another one a moment later
    later();
  };
  const signals = [kernel?.["statusChanged"], kernel?.["connectionStatusChanged"], kernel?.["disposed"]].filter(isSignal);
  for (const signal of signals) signal.connect(heard);
  model.on("comm_live_update", later);
  return () => {
    for (const signal of signals) signal.disconnect(heard);
    model.off("comm_live_update", later);
  };
}

/**
 * Hear the kernel whatever happens. anywidget gives a model two seconds to begin, and lets one that took longer, as on a busy machine, draw
 * but never hear again: each message waits for a promise that was broken. This has the messages come in without it.
 */
export async function keepHearing(model: Model): Promise<void> {
  const manager = model.widget_manager;
  if (!isObject(manager) || typeof manager["get_model"] !== "function") return;
  try {
    const whole: unknown = await manager["get_model"](model.get("own_id"));
    if (!isObject(whole)) return;
    const plain: unknown = Object.getPrototypeOf(Object.getPrototypeOf(whole))?.["_handle_comm_msg"]; // of ipywidgets' own class, which anywidget's extends
    const comm = whole["comm"];
    if (typeof plain !== "function" || !isObject(comm) || typeof comm["on_msg"] !== "function") return;
    comm["on_msg"]((message: unknown): unknown => plain.call(whole, message));
  } catch {
    // a front end that has it otherwise: what it delivers is heard all the same
  }
}

function kernelOf(model: Model): Readonly<Record<string, unknown>> | null {
  const manager = model.widget_manager;
  const kernel = isObject(manager) ? manager["kernel"] : null;
  return isObject(kernel) ? kernel : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isSignal(value: unknown): value is Signal {
  return isObject(value) && typeof value["connect"] === "function" && typeof value["disconnect"] === "function";
}
