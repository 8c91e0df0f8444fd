// The graph's keys, for the help sheet; what they do is in content.ts.
import type { KeyHelp } from "../../shell/content";

export const KEYS: readonly KeyHelp[] = [
  { keys: "← → ↑ ↓", what: "along the lines, and up and down a column" },
  { keys: ", .", what: "previous and next group" },
  { keys: "[ ]", what: "previous and next failure" },
  { keys: "Enter", what: "details of the group" },
  { keys: "e", what: "its calls, the worst first" },
  { keys: "o", what: "open a child workflow or folded groups in place" },
  { keys: "p", what: "from here, then again to there: the critical path" },
  { keys: "c", what: "the code that finds all runs that reached it" },
  { keys: "l", what: "tidy: lay all out anew with what is known by now" },
  { keys: "/", what: "find by name" },
  { keys: "f F + - 0", what: "into sight, all in sight, zoom" },
];
