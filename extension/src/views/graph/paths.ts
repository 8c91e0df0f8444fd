// The way from one group to another, and how long it takes: the longest of all ways, since the others wait for it.
import type { GraphGroup, Level } from "../../protocol";

export interface Way {
  readonly ids: readonly string[];
  readonly ms: number;
}

/** The critical path between two groups, in whichever direction there is one; null for none. Loops and what is planned do not count. */
export function criticalPath(level: Level, groups: ReadonlyMap<string, GraphGroup>, one: string, other: string): Way | null {
  return longest(level, groups, one, other) ?? longest(level, groups, other, one);
}

function longest(level: Level, groups: ReadonlyMap<string, GraphGroup>, from: string, to: string): Way | null {
  const next = new Map<string, string[]>();
  for (const edge of level.edges) {
    if (edge.kind === "loop" || edge.kind === "lost") continue;
    const found = next.get(edge.source);
    if (found) found.push(edge.target);
    else next.set(edge.source, [edge.target]);
  }
  const known = new Map<string, Way | null>();
  const walk = (id: string): Way | null => {
    const before = known.get(id);
    if (before !== undefined) return before;
    known.set(id, null); // should there be a circle after all
    const own = groups.get(id)?.took_ms ?? 0;
    let best: Way | null = id === to ? { ids: [id], ms: own } : null;
    if (best === null) {
      for (const target of next.get(id) ?? []) {
        const way = walk(target);
        if (way !== null && (best === null || way.ms + own > best.ms)) best = { ids: [id, ...way.ids], ms: way.ms + own };
      }
    }
    known.set(id, best);
    return best;
  };
  return walk(from);
}

/** Where an arrow key leads: along an edge, or to the neighbour above or below in the same column. */
export function neighbour(level: Level, id: string, key: string): string | null {
  const here = level.places[id];
  if (here === undefined) return null;
  const near = (ids: readonly string[]): string | null => {
    const placed = ids.flatMap((name) => (level.places[name] ? [{ name, y: level.places[name][1] }] : []));
    placed.sort((one, other) => Math.abs(one.y - here[1]) - Math.abs(other.y - here[1]));
    return placed[0]?.name ?? null;
  };
  const entries = Object.entries(level.places);
  const frames = new Set(level.frames);
  if (key === "ArrowRight") {
    const inside = frames.has(id) ? entries.filter(([name]) => name.startsWith(`${id}/`)).sort(([, one], [, other]) => one[0] - other[0] || one[1] - other[1]) : [];
    return inside[0]?.[0] ?? near(level.edges.filter((edge) => edge.source === id && edge.kind !== "loop").map((edge) => edge.target)) ?? step(entries, here, 1);
  }
  if (key === "ArrowLeft") return near(level.edges.filter((edge) => edge.target === id && edge.kind !== "loop").map((edge) => edge.source)) ?? step(entries, here, -1);
  const down = key === "ArrowDown";
  const column = entries.filter(([name, [x, y]]) => name !== id && Math.abs(x - here[0]) < 20 && (down ? y > here[1] : y < here[1]));
  return near(column.map(([name]) => name));
}

/** Where no edge leads: the nearest group further on, or back. */
function step(entries: readonly (readonly [string, readonly [number, number, number, number]])[], here: readonly number[], direction: number): string | null {
  const beyond = entries.filter(([, place]) => (place[0] - (here[0] ?? 0)) * direction > 20);
  beyond.sort(([, one], [, other]) => Math.abs(one[0] - (here[0] ?? 0)) - Math.abs(other[0] - (here[0] ?? 0)) || Math.abs(one[1] - (here[1] ?? 0)) - Math.abs(other[1] - (here[1] ?? 0)));
  return beyond[0]?.[0] ?? null;
}
