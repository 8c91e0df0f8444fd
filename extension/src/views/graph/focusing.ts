// From a group to the focus that all views share, and back.
import type { Focus, GraphGroup } from "../../protocol";

const WHOLE = new Set(["workflow", "scope", "race", "patch"]); // no spans have their keys

/** What other views turn to with this group; `picturedId` is the run that the picture is of. */
export function focusOf(group: GraphGroup, spanId: string | null, picturedId: string): Focus {
  const key = group.frame === null ? group.id : group.id.slice(group.frame.length + 1); // as the child's own spans have it
  return { instance_id: group.instance_id ?? picturedId, group: WHOLE.has(group.kind) ? null : key, span_id: spanId, attempt: null };
}

/** The id of the group that a focus is on; null where it is on none of these. */
export function groupOf(focus: Focus, groups: Iterable<GraphGroup>): string | null {
  for (const group of groups) {
    if (group.instance_id !== focus.instance_id || group.kind === "workflow") continue;
    if (focus.group !== null ? focusOf(group, null, "").group === focus.group : focus.span_id !== null && group.span_id === focus.span_id) return group.id;
  }
  return null;
}
