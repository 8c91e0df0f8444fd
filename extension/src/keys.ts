// Keys belong to a view while the focus is inside: in a notebook `b` would insert a cell and Shift+Enter destroy this one.
// JupyterLab's own attribute for that (on the root, for other front ends) does not count where a shortcut's selector matches the focused
// element itself, so keys go no further than the view. Saving and the like go through. Escape gives the focus back to the cell, and so does
// the view's end: with the focus nowhere, a notebook is deaf to its keys.

/** Keep keys inside `root`; `handle` has the first word and says whether the key was its own. Returns how to stop. */
export function keepKeys(root: HTMLElement, handle: (event: KeyboardEvent) => boolean = () => false): () => void {
  const pressed = (event: KeyboardEvent): void => {
    const isCommand = event.ctrlKey || event.metaKey;
    if (isCommand && event.key !== "Enter") return;
    event.stopPropagation();
    if (handle(event)) event.preventDefault();
    else if (event.key === "Escape") leave(root);
  };
  root.addEventListener("keydown", pressed);
  const forget = keepFocus(root);
  return () => {
    root.removeEventListener("keydown", pressed);
    forget();
  };
}

/** Put the focus on what a picture has drawn anew. Where the notebook has turned to another cell meanwhile, as by its Run button, that cell
 * gets it: JupyterLab turns to the cell that has the focus, and the next press of Run would run the view's cell again. */
export function refocus(element: HTMLElement | SVGElement | null | undefined): void {
  if (!element) return;
  const cell = element.closest(".jp-Cell");
  const chosen = cell && chosenCell(cell.closest(".jp-Notebook"));
  (chosen && chosen !== cell ? chosen : element).focus({ preventScroll: true });
}

/** Whether a person is typing into a field, where letters are text. */
export function isTyping(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
}

function chosenCell(notebook: Element | null): HTMLElement | null {
  return notebook?.querySelector<HTMLElement>(".jp-Cell.jp-mod-active") ?? null;
}

/** What is taken away with the focus inside leaves it with the view, and the view with the cell that its notebook has chosen. */
function keepFocus(root: HTMLElement): () => void {
  let notebook: Element | null = null;
  const came = (): void => void (notebook = root.closest(".jp-Notebook"));
  const went = (event: FocusEvent): void => {
    const [had, around] = [event.target, notebook];
    setTimeout(() => {
      if (document.activeElement !== document.body) return;
      if (!root.isConnected) chosenCell(around)?.focus({ preventScroll: true });
      else if (had instanceof Element && !had.isConnected) refocus(root);
    });
  };
  root.addEventListener("focusin", came);
  root.addEventListener("focusout", went);
  return () => {
    root.removeEventListener("focusin", came);
    root.removeEventListener("focusout", went);
  };
}

function leave(root: HTMLElement): void {
  const cell = root.closest<HTMLElement>(".jp-Cell");
  if (cell !== null) {
    if (!cell.hasAttribute("tabindex")) cell.tabIndex = -1;
    cell.focus();
  } else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}
