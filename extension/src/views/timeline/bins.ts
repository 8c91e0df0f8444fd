// What a folded group shows: the bins of the picture at once, finer ones from the kernel when a person has come closer.
import { type Density, isRecord, type Stretch, type TimelinePicture } from "../../protocol";
import type { Host } from "../../shell/content";
import type { Axis } from "./axis";
import { densityMarks, type Mark } from "./marks";
import { bytesOf, STATES } from "./spans";
import { edgesOf } from "./strip";

const PATIENCE_MS = 120;

interface Fine {
  readonly edges: readonly number[];
  readonly groups: Readonly<Record<string, readonly [worst: Uint8Array, many: Uint16Array]>>;
}

export class Bins {
  #picture: TimelinePicture | null = null;
  #edges: readonly number[] = [];
  #fine: Fine | null = null;
  readonly #read = new WeakMap<Density, readonly [worst: Uint8Array, many: Uint16Array]>();
  #wanted = "";
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: Host, private readonly changed: () => void) {}

  follow(picture: TimelinePicture): void {
    this.#picture = picture;
    this.#edges = edgesOf(picture.stretches);
    this.#wanted = "";
    this.#fine = null;
  }

  marks(density: Density, axis: Axis, end: number): Mark[] {
    this.#want(axis, end);
    const fine = this.#fine?.groups[density.key];
    if (this.#fine && fine) return densityMarks(this.#fine.edges, fine[0], fine[1], STATES, axis);
    const read = this.#read.get(density) ?? ([bytesOf(density.worst), new Uint16Array(bytesOf(density.many).buffer)] as const);
    this.#read.set(density, read);
    return densityMarks(this.#edges, read[0], read[1], STATES, axis);
  }

  /** Ask for finer bins where the picture's are coarser than the page; the old ones stand until then. */
  #want(axis: Axis, end: number): void {
    const picture = this.#picture;
    const [since, until] = axis.window;
    const isWhole = since <= (picture?.begin ?? 0) && until >= end;
    const wanted = isWhole ? "" : `${since} ${until} ${axis.width}`;
    if (!picture || wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (isWhole) this.#fine = null;
    clearTimeout(this.#timer);
    if (isWhole || this.host.blocked !== null) return;
    this.#timer = setTimeout(() => {
      const borders = [since, ...axis.breaks.flat(), until];
      const stretches: Stretch[] = [];
      for (let at = 0; at + 1 < borders.length; at += 2) {
        const [from = 0, to = 0] = borders.slice(at, at + 2);
        const columns = Math.round(axis.x(to) - axis.x(from));
        if (columns > 0 && to > from) stretches.push([from, to, columns]);
      }
      this.host.ask("bins", { stretches, groups: picture.groups.map((group) => group.key) }).then((answer) => {
        if (wanted !== this.#wanted || !isRecord(answer) || !isRecord(answer["groups"])) return;
        const groups = Object.entries(answer["groups"] as Record<string, readonly [DataView, DataView]>);
        this.#fine = { edges: edgesOf(stretches), groups: Object.fromEntries(groups.map(([key, [worst, many]]) => [key, [bytesOf(worst), new Uint16Array(bytesOf(many).buffer)]])) };
        this.changed();
      }, () => undefined);
    }, PATIENCE_MS);
  }
}
