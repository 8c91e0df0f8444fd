// Calls over time: what went well, and on top of it what failed. A bar, pressed, chooses its stretch of time.
import { html, set, svg } from "../../dom";
import type { ApiLogPicture } from "../../protocol";
import { count, timeText } from "./words";

const HEIGHT = 46;
const STEP = 10;

export function barsOf(picture: ApiLogPicture, choose: ((since: number, until: number) => void) | null): HTMLElement {
  const most = Math.max(1, ...picture.bins.map(([ok, failed]) => ok + failed));
  const bins = Math.max(1, picture.bins.length);
  const width = (picture.end - picture.begin) / bins;
  const marks = picture.bins.flatMap(([ok, failed], place) => {
    let y = HEIGHT;
    const parts = ([["wf-well", ok], ["wf-badly", failed]] as const).flatMap(([kind, calls]) => {
      if (calls === 0) return [];
      const tall = Math.max(2, (calls / most) * (HEIGHT - 6));
      y -= tall;
      return [svg("rect", { x: place * STEP + 1, y, width: STEP - 2, height: tall, class: kind })];
    });
    const [from, to] = [picture.begin + place * width, picture.begin + (place + 1) * width];
    const stretch = svg("rect", { x: place * STEP, y: 0, width: STEP, height: HEIGHT, class: "wf-stretch", "data-wf-bin": place }, svg("title", {}, `${timeText(from, picture.now)}: ${count(ok)} ok, ${count(failed)} failed`));
    if (choose !== null && ok + failed > 0) stretch.addEventListener("click", () => choose(Math.floor(from), Math.ceil(to)));
    return [...parts, stretch];
  });
  const worst = picture.bins.reduce((found, [, failed], place) => (failed > (picture.bins[found]?.[1] ?? 0) ? place : found), 0);
  const said = `Calls over time, ${timeText(picture.begin, picture.now)} to ${timeText(picture.end, picture.now)}; at most ${count(most)} in a bar${picture.failed > 0 ? `; most failures at ${timeText(picture.begin + worst * width, picture.now)}` : ""}`;
  const drawn = svg("svg", { viewBox: `0 0 ${bins * STEP} ${HEIGHT}`, preserveAspectRatio: "none", class: "wf-callbars", role: "img", "aria-label": said }, ...marks);
  const scale = html("div", { class: "wf-callscale wf-muted" }, html("span", {}, timeText(picture.begin, picture.now)), html("span", {}, `at most ${count(most)} in a bar`), html("span", {}, timeText(picture.end, picture.now)));
  const whole = html("div", { class: "wf-calltime" });
  whole.append(drawn, scale);
  whole.hidden = picture.bins.length === 0;
  set(whole, { "data-wf-bars": picture.bins.length });
  return whole;
}
