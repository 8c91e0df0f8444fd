// The pointer over the chart: drag pans, Shift and drag selects an area, Ctrl and the wheel zoom. The wheel alone scrolls the notebook.
const STILL = 3;

type Point = readonly [x: number, y: number];

interface Heard {
  /** Where the chart begins, on the screen. */
  readonly left: () => number;
  readonly pan: (pixels: number) => void;
  readonly zoom: (factor: number, x: number) => void;
  readonly select: (from: Point, to: Point, isDone: boolean) => void;
  readonly hover: (event: MouseEvent | null) => void;
}

export function pointing(element: HTMLElement, heard: Heard): void {
  const at = (event: MouseEvent): Point => [event.clientX - heard.left(), event.clientY - element.getBoundingClientRect().top + element.scrollTop];
  element.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    heard.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 200))), at(event)[0]);
  }, { passive: false });
  element.addEventListener("pointermove", (event) => event.buttons === 0 && heard.hover(event));
  element.addEventListener("pointerleave", () => heard.hover(null));
  element.addEventListener("pointerdown", (begin) => {
    if (begin.button !== 0 || at(begin)[0] < 0) return;
    const from = at(begin);
    const isArea = begin.shiftKey;
    let last = from[0];
    let isMoved = false;
    if (isArea) begin.preventDefault();
    const move = (event: PointerEvent): void => {
      const here = at(event);
      if (!isMoved && Math.hypot(here[0] - from[0], here[1] - from[1]) < STILL) return;
      if (!isMoved) element.setPointerCapture(begin.pointerId);
      isMoved = true;
      heard.hover(null);
      if (isArea) heard.select(from, here, false);
      else heard.pan(last - here[0]);
      last = here[0];
    };
    const end = (event: PointerEvent): void => {
      element.removeEventListener("pointermove", move);
      if (!isMoved) return;
      if (isArea) heard.select(from, at(event), true);
      // what follows a drag is no click
      const stop = (click: Event): void => click.stopPropagation();
      element.addEventListener("click", stop, true);
      setTimeout(() => element.removeEventListener("click", stop, true));
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", end, { once: true });
  });
}
