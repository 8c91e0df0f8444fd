// What was entered and not sent, kept in the browser: a lost kernel or a page loaded anew takes nothing away.
import { isRecord } from "../../protocol";

export interface Draft {
  readonly value: unknown;
  readonly comment: string;
}

const PREFIX = "wflab:draft:";
const MOST_CHARACTERS = 20_000;

export class Drafts {
  readonly #here = new Map<string, Draft>();

  constructor(private readonly lab: () => string) {}

  find(id: string): Draft | null {
    const mine = this.#here.get(id);
    if (mine !== undefined) return mine;
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(this.#name(id)) ?? "null");
      return isRecord(kept) ? { value: kept["value"], comment: String(kept["comment"] ?? "") } : null;
    } catch {
      return null;
    }
  }

  keep(id: string, draft: Draft): void {
    this.#here.set(id, draft);
    try {
      const text = JSON.stringify(draft);
      if (text.length <= MOST_CHARACTERS) localStorage.setItem(this.#name(id), text);
    } catch {
      // no storage, or no room in it: the draft lives as long as the page
    }
  }

  drop(id: string): void {
    this.#here.delete(id);
    try {
      localStorage.removeItem(this.#name(id));
    } catch {
      // likewise
    }
  }

  #name(id: string): string {
    return `${PREFIX}${this.lab()}:${id}`;
  }
}
