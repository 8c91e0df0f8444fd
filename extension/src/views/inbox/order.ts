// In which order questions stand: as they came, until a person asks for them to be sorted. What is new comes last, so that nothing moves under a pointer.
import type { InboxItem } from "../../protocol";

export class Order {
  #ids: string[] = [];
  #fresh = new Set<string>();
  #isBegun = false;

  /** How many have come since the list was last sorted. */
  get fresh(): number {
    return this.#fresh.size;
  }

  /** The items in their standing order, the new ones behind. */
  follow(items: readonly InboxItem[]): readonly InboxItem[] {
    const byId = new Map(items.map((item) => [item.id, item]));
    if (!this.#isBegun) {
      this.#isBegun = items.length > 0;
      this.#ids = [...byId.keys()];
    }
    const kept = this.#ids.filter((id) => byId.has(id));
    const known = new Set(kept);
    const added = [...byId.keys()].filter((id) => !known.has(id));
    this.#ids = [...kept, ...added];
    this.#fresh = new Set([...this.#fresh].filter((id) => byId.has(id)).concat(added.filter(() => kept.length > 0)));
    return this.#ids.flatMap((id) => byId.get(id) ?? []);
  }

  /** As the kernel gives them, from the next time on. */
  sort(): void {
    this.#isBegun = false;
    this.#fresh.clear();
  }
}
