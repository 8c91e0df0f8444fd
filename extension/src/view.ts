// What a view is to the doors that hold it: the widget, and the renderer of snapshots.
import type { Theme } from "./palette";
import type { FocusMoved, FromPage, Notice, Reply, ShowChange, ShowPicture } from "./protocol";

export interface View {
  readonly element: HTMLElement;
  /** Draw a picture; `pushed` says that the kernel sent it just now. An older one than the one shown is let pass. */
  show(message: ShowPicture, pushed: boolean): void;
  hear(message: ShowChange | Notice | Reply | FocusMoved): void;
  /** The kernel is there, or it is not and nothing may tick or be pressed: `why`, and what to do, where that is not to run the cell again. */
  kernel(isThere: boolean, why?: string): void;
  paint(theme: Theme): void;
  /** Whether anybody can see it. */
  look(isSeen: boolean): void;
  dispose(): void;
}

/** `send` is null where there is no kernel to send to: a snapshot. */
export type MakeView = (send: ((message: FromPage) => void) | null, theme: Theme) => View;
