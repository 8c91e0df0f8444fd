// What the inbox shows: the twin of wflab/protocol/inbox.py, where the meaning of each field is told.
import type { AnyPicture } from "./messages";
import type { Graph } from "./run";

export interface InboxItem {
  readonly id: string;
  readonly key: number;
  readonly instance_id: string;
  readonly wait_id: string;
  readonly workflow: string;
  readonly event: string;
  readonly since: number;
  readonly until: number | null;
  readonly title: string | null;
  readonly schema: number | null;
  readonly risk: string | null;
  readonly requester: string | null;
  readonly parent: string | null;
  readonly assignee: string;
  readonly snoozed: number | null;
  readonly is_ignored: boolean;
}

export interface InboxGroup {
  readonly workflow: string;
  readonly event: string;
  readonly count: number;
  readonly until: number | null;
}

export interface InboxPicture extends AnyPicture {
  readonly lab: string;
  readonly user: string;
  readonly items: readonly InboxItem[];
  readonly total: number;
  readonly groups: readonly InboxGroup[];
  readonly schemas: readonly string[];
  readonly others: number;
  readonly trouble: string | null;
}

export interface InboxDetail {
  readonly status: string;
  readonly started: number;
  readonly input: string;
  readonly steps: readonly (readonly [name: string, kind: string, state: string])[];
  readonly steps_total: number;
  readonly recent: readonly (readonly [id: string, state: string, took: string])[];
  readonly next: readonly (readonly [condition: string, what: string])[];
  readonly on_timeout: string;
  readonly history: readonly (readonly [at: number, who: string, what: string, where: string, why: string])[];
  readonly outputs: readonly (readonly [step: string, text: string])[];
  readonly description: readonly unknown[];
  readonly graph: Graph | null;
  readonly here: string;
}

export interface InboxOutcome {
  readonly reason: string;
  readonly who: string;
  readonly verb: string;
  readonly at: number | null;
}

export interface BulkOutcome {
  readonly count: number;
  readonly would: readonly (readonly [title: string, run: string])[];
  readonly wrong: readonly (readonly [run: string, why: string])[];
  readonly won: number;
  readonly lost: number;
}

export interface InboxPage {
  readonly items: readonly InboxItem[];
  readonly schemas: readonly string[];
  readonly total: number;
  readonly first: number;
}

export function isInboxPicture(picture: unknown): picture is InboxPicture {
  const inbox = picture as Partial<InboxPicture> | null;
  return inbox !== null && typeof inbox === "object" && inbox.view === "inbox" && Array.isArray(inbox.items) && Array.isArray(inbox.schemas);
}
