import type { KeyHelp } from "../../shell/content";

export const KEYS: readonly KeyHelp[] = [
  { keys: "↑ ↓ , .", what: "previous and next row" },
  { keys: "← →", what: "close and open what is below a row" },
  { keys: "Enter", what: "details of the row" },
  { keys: "w s + -", what: "zoom; Ctrl and the wheel do, too" },
  { keys: "a d", what: "earlier and later; so does dragging" },
  { keys: "0 F", what: "the whole" },
  { keys: "f", what: "zoom to the row" },
  { keys: "i", what: "break out idle gaps, or one scale" },
  { keys: "l", what: "relative, local, UTC" },
  { keys: "[ ]", what: "previous and next failure" },
  { keys: "c", what: "critical path" },
  { keys: "b", what: "compare with earlier runs" },
  { keys: "h", what: "hide completed calls" },
  { keys: "/", what: "filter" },
  { keys: "Shift and drag", what: "figures of an area; its spans in .selection" },
];
