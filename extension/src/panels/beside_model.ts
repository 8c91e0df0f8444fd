// What a live view takes for its widget's model, over the lab's comm: so that a view beside the notebook is the same as the one in it.
import type { Model } from "../kernel";
import type { LabLink, OpenedView } from "../lab_link";
import { type FromPage, isRecord } from "../protocol";

type Heard = (...values: unknown[]) => void;

export class BesideModel implements Model {
  readonly widget_manager: unknown;
  readonly #heard = new Map<string, Set<Heard>>();
  #sequence = 0;
  #message: unknown = null;

  /** `turn` is called where a person wants another view of the same run in this one's place. */
  constructor(link: LabLink, private readonly opened: () => OpenedView, private readonly turn: (view: string) => void) {
    this.widget_manager = { kernel: link.connection };
  }

  show(picture: unknown): void {
    this.#message = { type: "picture", seq: ++this.#sequence, picture };
    this.#emit("change:message");
  }

  /** Nothing more comes from this lab: what is shown stays. */
  part(): void {
    if (!isRecord(this.#message)) return;
    this.#message = { ...this.#message, seq: ++this.#sequence, is_closed: true };
    this.#emit("change:message");
  }

  say(message: unknown): void {
    this.#emit("msg:custom", message);
  }

  get(name: string): unknown {
    return name === "message" ? this.#message : undefined;
  }

  on(event: string, heard: Heard): void {
    this.#heard.set(event, (this.#heard.get(event) ?? new Set()).add(heard));
  }

  off(event: string, heard: Heard): void {
    this.#heard.get(event)?.delete(heard);
  }

  send(content: unknown): void {
    if (!isRecord(content)) return;
    if (content["type"] === "switch") this.turn(String(content["view"]));
    else this.opened().send(content as unknown as FromPage);
  }

  #emit(event: string, ...values: unknown[]): void {
    for (const heard of [...(this.#heard.get(event) ?? [])]) heard(...values);
  }
}
