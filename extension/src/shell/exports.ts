// What can be taken out of a view. All of it is made in the page, from what the picture holds.
import { escaped } from "../markup";
import type { TableData } from "./content";

export function download(name: string, type: string, content: string): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A page that stands alone: the sentence, the picture, the table. */
export function pageOf(sentence: string, svg: string | null, table: TableData): string {
  const image = svg === null ? "" : `<p><img alt="${escaped(sentence)}" src="data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}"></p>`;
  const heads = table.heads.map((head) => `<th scope="col">${escaped(head)}</th>`).join("");
  const rows = table.rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`).join("\n");
  return `<!doctype html><meta charset="utf-8"><title>${escaped(sentence)}</title>
<style>body{font:14px system-ui,sans-serif;margin:2em}td,th{text-align:left;padding:3px 12px 3px 0;border-bottom:1px solid #d0d7de}</style>
<p>${escaped(sentence)}</p>${image}<table><caption>${escaped(table.caption)}</caption><thead><tr>${heads}</tr></thead><tbody>
${rows}</tbody></table>`;
}

/** A file's name from whatever an id may hold. */
export function fileName(...parts: readonly string[]): string {
  return parts.map((part) => part.replace(/[^\w.-]+/g, "_").slice(0, 40)).join("-") || "view";
}

export async function copy(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return false; // no clipboard without a secure context
  }
}
