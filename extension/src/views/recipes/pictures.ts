// A recipe's graph as an image: a document of its own, so nothing in it can run or meet the page's ids.
import { html } from "../../dom";
import type { RecipeCard } from "../../protocol";

/** At its natural size, or as small as its place. */
export function pictureOf(card: RecipeCard, isLarge: boolean): HTMLElement {
  if (card.svg === "") return html("p", { class: "wf-muted" }, card.sentence);
  const image = html("img", { class: isLarge ? "wf-large" : "wf-thumb", alt: isLarge ? `${card.title}: ${card.sentence}` : `Graph of ${card.title}`, src: `data:image/svg+xml;charset=utf-8,${encodeURIComponent(card.svg)}` });
  if (isLarge) image.style.width = `${card.width}px`;
  return image;
}
