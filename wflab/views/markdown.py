"""Markdown as a small tree that a page builds elements from: no markup passes, whatever the text says.

A node is a text, or a list of a tag, the address of a link ("" for all else) and its nodes. Tags are those in `TAGS`, and addresses begin with
http, https or mailto; what is neither becomes its own text. extension/src/views/inbox/markdown.ts asks for the same once more.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it.tree import SyntaxTreeNode

LONGEST = 20_000
_DEEPEST = 16
_TAGS = {
    "paragraph": "p", "heading": "h4", "bullet_list": "ul", "ordered_list": "ol", "list_item": "li", "blockquote": "blockquote",
    "strong": "strong", "em": "em", "hr": "hr", "hardbreak": "br",
}  # fmt: skip
_TEXTS = {"code_inline": "code", "fence": "pre", "code_block": "pre"}
TAGS = frozenset({*_TAGS.values(), *_TEXTS.values(), "a"})
_ADDRESSES = ("http://", "https://", "mailto:")
Node = str | list[Any]


def tree_of(text: str) -> list[Node]:
    """The nodes of a text, of its first 20,000 characters where it is longer."""
    from markdown_it import MarkdownIt  # noqa: PLC0415  # most kernels never see a question with a description
    from markdown_it.tree import SyntaxTreeNode  # noqa: PLC0415

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEEPEST})
    return _inside(SyntaxTreeNode(parser.parse(text[:LONGEST])), 0)


def _inside(node: "SyntaxTreeNode", depth: int) -> list[Node]:
    return [made for child in node.children for made in _made(child, depth + 1)] if depth < _DEEPEST else []


def _made(node: "SyntaxTreeNode", depth: int) -> list[Node]:
    if node.type in _TAGS:
        return [[_TAGS[node.type], "", _inside(node, depth)]]
    if node.type in _TEXTS:
        return [[_TEXTS[node.type], "", [node.content]]]
    if node.type == "link":
        address = str(node.attrs.get("href", ""))
        inside = _inside(node, depth)
        return [["a", address, inside]] if address.lower().startswith(_ADDRESSES) else inside
    if node.type == "softbreak":
        return [" "]
    return _inside(node, depth) if node.children else [node.content]
