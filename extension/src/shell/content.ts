// What a view fills the shell with. The shell has the frame, the kernel and the keys that all views share; the content draws.
import type { Focus, FromPage, ShowChange } from "../protocol";
import type { Drawer } from "./drawer";

export interface TableData {
  readonly caption: string;
  readonly heads: readonly string[];
  /** Rows of text; the first cell heads its row. */
  readonly rows: readonly (readonly string[])[];
  /** How many rows there are in all, where not all are given. */
  readonly total: number;
}

export interface KeyHelp {
  readonly keys: string;
  readonly what: string;
}

/** A view's content for pictures of one kind. `draw` comes first; whatever throws is shown in the shell's strip, and the rest goes on. */
export interface Content<P> {
  readonly element: HTMLElement;
  /** Its own buttons and fields, for the toolbar; each has a visible label or an aria-label. */
  readonly tools?: readonly HTMLElement[];
  readonly keys?: readonly KeyHelp[];
  /** Whether a picture is one of ours, whole enough to be drawn. */
  fits(picture: unknown): picture is P;
  /** The heading where the picture is not of one run. */
  title?(picture: P): string;
  draw(picture: P, now: number): void;
  /** The picture that a change makes of the one drawn; null where that cannot be told, and the whole is asked for. */
  merge?(picture: P, change: ShowChange): P | null;
  tick?(now: number): void;
  /** A key pressed inside, that the shell has no use for; whether it was ours. */
  key?(event: KeyboardEvent): boolean;
  /** The whole view in one sentence: its label, and what a screen reader is told when it changes. */
  sentence(picture: P): string;
  table(picture: P): TableData;
  /** What is shown of how much: `1,000 spans · showing 212`. */
  footnote(picture: P): string;
  /** One line of Python that gives what is shown as a DataFrame. */
  code(picture: P): string;
  /** The picture as SVG text that stands alone; null where there is none. */
  svg?(picture: P): string | null;
  /** Somebody, perhaps in another view, turned to this. */
  focus?(focus: Focus | null): void;
  look?(isSeen: boolean): void;
  /** Colours changed: repaint what CSS does not. */
  paint?(): void;
  /** The kernel is lost (with the reason why nothing can be done) or back (null). */
  block?(reason: string | null): void;
  /** What became of an act, by its token; whether it was one of ours. */
  heard?(token: string | null, text: string, level: "info" | "error"): boolean;
  dispose?(): void;
}

export interface Host {
  /** Why nothing can be asked of a kernel; null where one is there. */
  readonly blocked: string | null;
  send(message: FromPage): void;
  /** The kernel's answer; rejects with its reason, or with `blocked`. */
  ask(what: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Turn all views of the lab to this. */
  focusOn(focus: Focus | null): void;
  readonly drawer: Drawer;
  /** Draw the last picture again, as after a change of a tool. */
  redraw(): void;
  /** Say one sentence to whoever listens. */
  say(sentence: string): void;
}

export type MakeContent<P> = (host: Host) => Content<P>;
