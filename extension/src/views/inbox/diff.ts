// What an edit changes of an answer, place by place.
import { html } from "../../dom";
import { isRecord } from "../../protocol";
import { join, same } from "./schema";

export interface Change {
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

export function changesOf(was: unknown, is: unknown, path = ""): Change[] {
  if (same(was, is)) return [];
  if (!isRecord(was) || !isRecord(is)) return [{ path, was, is }];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return names.flatMap((name) => changesOf(was[name], is[name], join(path, name)));
}

export function diffOf(changes: readonly Change[]): HTMLElement {
  const lines = changes.flatMap(({ path, was, is }) => [
    ...(was === undefined ? [] : [html("div", { class: "wf-minus", "data-wf-diff": "removed" }, `- ${path}: ${JSON.stringify(was)}`)]),
    ...(is === undefined ? [] : [html("div", { class: "wf-plus", "data-wf-diff": "added" }, `+ ${path}: ${JSON.stringify(is)}`)]),
  ]);
  return html("div", { class: "wf-code wf-diff", role: "group", "aria-label": "What you changed" }, ...lines);
}
