// What is said of the mark below the pointer.
import { html, text } from "../../dom";
import { spanText } from "../../durations";
import type { Mark } from "./marks";
import type { Span } from "./spans";
import { word } from "./words";

const WIDE = 180;

export class Tip {
  readonly element = html("div", { class: "wf-tip", hidden: true });

  show(mark: Mark | undefined, event: MouseEvent, box: DOMRect, now: number): void {
    this.element.hidden = !mark;
    if (!mark) return;
    text(this.element, mark.span ? saidOf(mark, mark.span, now) : `${(mark.count ?? 0).toLocaleString("en")} at once, worst ${word(mark.state)}`);
    this.element.style.transform = `translate(${Math.min(event.clientX - box.left + 12, box.width - WIDE)}px, ${event.clientY - box.top + 14}px)`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}

function saidOf(mark: Mark, span: Span, now: number): string {
  const phase = String(mark.hooks?.["data-wf-phase"] ?? "");
  const until = phase === "backoff" ? span.fire - span.ended : phase === "queued" ? (span.started || now) - span.queued : (span.ended || now) - (span.started || span.queued);
  const parts = [`${span.name} ${phase || word(span.state)}${until ? ` ${spanText(until / 1000)}` : ""}`];
  if (span.attempt > 1) parts.push(`attempt ${span.attempt}`);
  if ((mark.count ?? 1) > 1) parts.push(`${mark.count} together`);
  if (phase === "executing" && span.error) parts.push(span.error);
  return parts.join(" · ");
}
