// A description in Markdown, which the kernel has taken apart (wflab/views/markdown.py): elements from tags that are allowed here once more, text as text.
import { type Child, html } from "../../dom";

const TAGS = ["p", "h4", "ul", "ol", "li", "blockquote", "strong", "em", "hr", "br", "code", "pre"] as const;
const DEEPEST = 20;

export function nodesOf(tree: unknown, depth = 0): Child[] {
  if (!Array.isArray(tree) || depth > DEEPEST) return [];
  return tree.map((node: unknown) => {
    if (typeof node === "string") return node;
    if (!Array.isArray(node)) return null;
    const [tag, address, inside] = node as readonly unknown[];
    const children = nodesOf(inside, depth + 1);
    if (tag === "a" && typeof address === "string" && /^(https?:\/\/|mailto:)/i.test(address)) {
      return html("a", { href: address, target: "_blank", rel: "noopener noreferrer", title: address }, ...children);
    }
    const known = TAGS.find((one) => one === tag);
    return known === undefined ? html("span", {}, ...children) : html(known, {}, ...children);
  });
}
