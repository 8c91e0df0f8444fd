// Rows that stay where they are while numbers change under them: what is new comes last, and only a person puts them in order again.
export class Kept<T> {
  #order: readonly string[] = [];
  #isFree = true;

  constructor(private readonly key: (item: T) => string) {}

  /** How many rows stand elsewhere than they would. */
  moved = 0;

  follow(items: readonly T[]): readonly T[] {
    const found = new Map(items.map((item) => [this.key(item), item]));
    const sorted = [...found.keys()];
    if (this.#isFree) this.#order = sorted;
    else {
      const known = this.#order.filter((key) => found.has(key));
      this.#order = [...known, ...sorted.filter((key) => !known.includes(key))];
    }
    this.#isFree = items.length === 0;
    this.moved = this.#order.filter((key, place) => sorted[place] !== key).length;
    return this.#order.flatMap((key) => found.get(key) ?? []);
  }

  /** Let the next rows come in their own order. */
  free(): void {
    this.#isFree = true;
  }
}
