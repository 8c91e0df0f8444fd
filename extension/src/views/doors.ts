// What a view cannot do itself: put a cell into the notebook, open a view beside it. JupyterLab's extension listens for these events where it is
// there, and says so by preventing their default; the same events reach it from a cell's output and from a tab beside the notebook.

export const INSERT = "wflab:insert";
export const OPEN_VIEW = "wflab:open-view";
/** The other way round: the extension asks a replay that is drawn in the page to turn to a step of a run; one of that run prevents the default. */
export const TO_STEP = "wflab:to-step";

export interface Insert {
  readonly source: string;
  /** What kind of cell; code where nothing is said. */
  readonly kind?: "code" | "markdown";
}

export interface OpenRunView {
  readonly view: string;
  readonly instance_id: string;
  readonly name: string;
}

/** Whether somebody did it. */
export function asked(element: HTMLElement, door: typeof INSERT, detail: Insert): boolean;
export function asked(element: HTMLElement, door: typeof OPEN_VIEW, detail: OpenRunView): boolean;
export function asked(element: HTMLElement, door: string, detail: Insert | OpenRunView): boolean {
  return !element.dispatchEvent(new CustomEvent(door, { bubbles: true, cancelable: true, detail }));
}
