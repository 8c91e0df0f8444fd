// An area drawn with Shift: figures here, and its spans as a DataFrame in Python.
import { html, replace, set, text } from "../../dom";
import { isRecord } from "../../protocol";
import type { Host } from "../../shell/content";
import type { Axis, Gap } from "./axis";
import { ROW } from "./marks";
import type { Row } from "./rows";
import { statsCard } from "./stats";

type Point = readonly [x: number, y: number];

export class Area {
  readonly element = html("div", { class: "wf-select", hidden: true });
  readonly card = html("div", { class: "wf-card", hidden: true, role: "status" });

  constructor(private readonly host: Host) {}

  draw(from: Point, to: Point, isDone: boolean, axis: Axis, rows: readonly Row[], now: number): void {
    const [x0, x1] = [Math.min(from[0], to[0]), Math.max(from[0], to[0])];
    const [y0, y1] = [Math.min(from[1], to[1]), Math.max(from[1], to[1])];
    this.element.hidden = isDone;
    set(this.element, { style: `left:calc(${x0}px + var(--wf-left));top:${y0}px;width:${x1 - x0}px;height:${y1 - y0}px` });
    if (isDone) this.#tell(rows.slice(Math.max(0, Math.floor(y0 / ROW)), Math.floor(y1 / ROW) + 1), [axis.time(x0), axis.time(x1)], now);
  }

  /** Whether it was open. */
  close(): boolean {
    const wasOpen = !this.card.hidden;
    this.card.hidden = true;
    return wasOpen;
  }

  #tell(rows: readonly Row[], window: Gap, now: number): void {
    replace(this.card, ...statsCard(rows, window, now, () => this.close()));
    this.card.hidden = false;
    if (this.host.blocked !== null) return;
    const said = html("p", { class: "wf-muted" }, "…");
    this.card.append(said);
    const calls = rows.flatMap((row) => row.minor?.calls ?? (row.density ? [] : row.key));
    const groups = rows.flatMap((row) => row.minor?.groups ?? row.density?.key ?? []);
    this.host.ask("select", { since: window[0], until: window[1], calls, groups }).then(
      (answer) => text(said, `${isRecord(answer) ? Number(answer["count"]).toLocaleString("en") : 0} spans in \`.selection\` of this timeline`),
      (reason: Error) => text(said, reason.message),
    );
  }
}
