// The seconds of all views on a page fall together: twenty clocks that count are one frame a second, not twenty. A frame of a whole
// JupyterLab page costs some 15 ms, so clocks that have counted for a while with nothing new beside them go on in steps of five seconds.
const SECOND_MS = 1000;
const CALM_STEP_MS = 5 * SECOND_MS;
const CALM_AFTER_MS = 10 * SECOND_MS;

/** Call at each whole second of the page's clock, later at each fifth; returns how to stop. Whoever has news starts it anew. */
export function everySecond(tick: () => void): () => void {
  const started = Date.now();
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    const step = Date.now() - started > CALM_AFTER_MS ? CALM_STEP_MS : SECOND_MS;
    timer = setTimeout(() => {
      wait();
      tick();
    }, step - (Date.now() % step));
  };
  wait();
  return () => clearTimeout(timer);
}
