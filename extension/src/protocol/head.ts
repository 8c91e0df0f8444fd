// What every view of one run has at its head: the twin of wflab/protocol/head.py.
import type { AnyPicture } from "./messages";

export interface RunHead extends AnyPicture {
  readonly key: number;
  readonly instance_id: string;
  readonly name: string;
  readonly status: string;
  readonly generation: number;
  readonly created: number;
  readonly started: number | null;
  readonly ended: number | null;
  readonly custom_status: string | null;
  readonly forked_from: readonly [instance: string, at: number] | null;
}

export function isRunHead(picture: AnyPicture): picture is RunHead {
  const head = picture as Partial<RunHead>;
  return typeof head.instance_id === "string" && typeof head.status === "string";
}
