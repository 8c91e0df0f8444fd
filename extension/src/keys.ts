// Keys belong to a view while the focus is inside: in a notebook `b` would insert a cell and Shift+Enter destroy this one.
// JupyterLab's own attribute for that (on the root, for other front ends) does not count where a shortcut's selector matches the focused
// element itself, so keys go no further than the view. Saving and the like go through. Escape gives the focus back to the cell.

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
  return () => root.removeEventListener("keydown", pressed);
}

/** Whether a person is typing into a field, where letters are text. */
export function isTyping(event: KeyboardEvent): boolean {
  return event.target instanceof HTMLElement && event.target.matches("input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select, [contenteditable]");
}

function leave(root: HTMLElement): void {
  const cell = root.closest<HTMLElement>(".jp-Cell");
  if (cell !== null) {
    if (!cell.hasAttribute("tabindex")) cell.tabIndex = -1;
    cell.focus();
  } else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}
