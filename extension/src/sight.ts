// Whether anybody can see an element: it is scrolled into sight and its page is not hidden.

export function watchSight(element: Element, changed: (isSeen: boolean) => void): () => void {
  let isInSight = true;
  let last: boolean | null = null;
  const look = (): void => {
    const isSeen = isInSight && document.visibilityState !== "hidden";
    if (isSeen !== last) changed((last = isSeen));
  };
  const observer = new IntersectionObserver((entries) => {
    isInSight = entries[entries.length - 1]?.isIntersecting ?? isInSight;
    look();
  });
  observer.observe(element);
  document.addEventListener("visibilitychange", look);
  return () => {
    observer.disconnect();
    document.removeEventListener("visibilitychange", look);
  };
}
