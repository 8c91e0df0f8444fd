// What is said of a saga: its sentence, its table, its footnote.
import { stateLook } from "../../palette";
import type { SagaNode, SagaPicture, SagaRow, SagaStory } from "../../protocol";
import type { TableData } from "../../shell/content";

export const number = (value: number): string => value.toLocaleString("en");

/** `Saga of trip, PARTIALLY ROLLED BACK - 1 needs attention: ship failed …` */
export function sentenceOf(picture: SagaPicture): string {
  const { word, sentence, is_saga } = picture.story;
  return is_saga ? `Saga of ${picture.name}, ${word}: ${sentence}` : `Saga of ${picture.name}: ${sentence}`;
}

export function nameOf(node: SagaNode): string {
  return node.count > 1 ? `${node.name} ×${number(node.count)}` : node.name;
}

/** `committed · 120 ms`; of a group how many calls are in which state. */
export function standingOf(node: SagaNode): string {
  if (node.count > 1) return node.caption;
  return node.caption ? `${node.word} · ${node.caption}` : node.word;
}

export function signOf(node: SagaNode): string {
  return node.is_doubtful ? "?" : stateLook(node.look).glyph;
}

/** What a screen reader hears of a node. */
export function spoken(node: SagaNode, row: SagaRow, isBack: boolean): string {
  const parts = [nameOf(node) || "no undo", standingOf(node)];
  if (isBack && row.forward) parts.push(`undoes ${row.forward.name}${row.link === "inferred" ? ", inferred from the names" : ""}`);
  if (isBack && node.order) parts.push(`compensation number ${node.order}`);
  if (!isBack && row.is_pivot) parts.push("point of no return");
  return parts.filter((part) => part !== "").join(", ");
}

export function tableDataOf(story: SagaStory): TableData {
  const { rows, total } = story.ladder;
  const cells = rows.map((row): string[] => {
    const { forward, back } = row;
    if (forward === null || back === null) return [`${number(row.count)} clean pairs`, "committed", "", "undone", "", "", ""];
    return [nameOf(forward), `${signOf(forward)} ${standingOf(forward)}`, back.name, `${signOf(back)} ${standingOf(back)}`, back.order, row.token, row.residual];
  });
  const shown = rows.reduce((sum, row) => sum + row.count, 0);
  return { caption: `${story.word}: ${story.sentence}`, heads: ["Step", "State", "Undo", "State", "Order", "Carried", "Residual"], rows: cells, total: cells.length + Math.max(0, total - shown) };
}

export function footnoteOf(story: SagaStory): string {
  const { shown, total, rows } = story.ladder;
  const folded = rows.filter((row) => row.kind === "fold").reduce((sum, row) => sum + row.count, 0);
  const parts = [`${number(total)} ${total === 1 ? "pair" : "pairs"}`];
  if (shown < total) parts.push(`showing ${number(shown)}`);
  if (folded > 0) parts.push(`${number(folded)} clean ones folded`);
  if (story.residuals_total > story.residuals.length) parts.push(`showing ${story.residuals.length} of ${number(story.residuals_total)} residual effects`);
  if (story.is_inferred) parts.push("pairs inferred from names");
  if (story.others.length > 0) parts.push(`afterwards: ${story.others.join(", ")}`);
  return parts.join(" · ");
}
