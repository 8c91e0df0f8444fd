// The seconds of all views on a page fall together: twenty clocks that count are one frame a second, not twenty.
const SECOND_MS = 1000;

/** Call at each whole second of the page's clock; returns how to stop. */
export function everySecond(tick: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (): void => {
    timer = setTimeout(() => {
      wait();
      tick();
    }, SECOND_MS - (Date.now() % SECOND_MS));
  };
  wait();
  return () => clearTimeout(timer);
}
