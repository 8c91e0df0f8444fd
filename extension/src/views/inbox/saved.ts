// Filters under names, kept in the browser for each lab, so that a page loaded anew has them.
import { isRecord } from "../../protocol";

export interface SavedFilter {
  readonly name: string;
  readonly words: string;
  /** Whether what is snoozed or ignored is shown, too. */
  readonly hidden: boolean;
  /** The group, where there are any: its workflow and event. */
  readonly group: readonly [workflow: string, event: string] | null;
}

const PREFIX = "wflab:filters:";
const MOST = 50;
export const LONGEST_NAME = 60;

export class SavedFilters {
  #here: readonly SavedFilter[] | null = null;

  constructor(private readonly lab: () => string) {}

  all(): readonly SavedFilter[] {
    this.#here ??= read(this.lab());
    return this.#here;
  }

  /** Keep a filter, in the place of one of the same name; the oldest gives way where there are too many. */
  keep(filter: SavedFilter): void {
    this.#write([...this.all().filter((one) => one.name !== filter.name), filter].slice(-MOST));
  }

  forget(name: string): void {
    this.#write(this.all().filter((one) => one.name !== name));
  }

  #write(filters: readonly SavedFilter[]): void {
    this.#here = filters;
    try {
      localStorage.setItem(PREFIX + this.lab(), JSON.stringify(filters));
    } catch {
      // no storage, or no room in it: they live as long as the page
    }
  }
}

function read(lab: string): readonly SavedFilter[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + lab) ?? "[]");
    return Array.isArray(kept) ? kept.flatMap(filterOf) : [];
  } catch {
    return [];
  }
}

function filterOf(kept: unknown): readonly SavedFilter[] {
  if (!isRecord(kept) || typeof kept["name"] !== "string" || kept["name"] === "") return [];
  const group = kept["group"];
  const isGroup = Array.isArray(group) && group.length === 2 && group.every((one) => typeof one === "string");
  return [{ name: kept["name"], words: String(kept["words"] ?? ""), hidden: kept["hidden"] === true, group: isGroup ? [String(group[0]), String(group[1])] : null }];
}
