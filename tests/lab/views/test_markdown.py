"""A description in Markdown becomes a tree of allowed tags; whatever else a text says is text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.browser.hostile import hostile_strings
from wflab.views.markdown import LONGEST, TAGS, tree_of


def tags_and_addresses(nodes: list[Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for node in nodes:
        if not isinstance(node, str):
            tag, address, inside = node
            found += [(tag, address), *tags_and_addresses(inside)]
    return found


def test_paragraphs_lists_code_and_links_have_their_tags() -> None:
    assert tree_of("Pay **42** to `ana`:\n\n- [terms](https://a.example/t)\n- now") == [
        ["p", "", ["Pay ", ["strong", "", ["42"]], " to ", ["code", "", ["ana"]], ":"]],
        ["ul", "", [["li", "", [["p", "", [["a", "https://a.example/t", ["terms"]]]]]], ["li", "", [["p", "", ["now"]]]]]],
    ]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "![x](https://evil.example/pixel.png)",
        "[x](vbscript:msgbox)",
        "<https://a.example> <a href=javascript:alert(1)>b</a>",
        ">" * 500,
        "**" * 10_000,
        "x" * (3 * LONGEST),
        *hostile_strings(),
    ],
)
def test_no_markup_passes_whatever_it_says(text: str) -> None:
    for tag, address in tags_and_addresses(tree_of(text)):
        assert tag in TAGS
        assert address == "" or (tag == "a" and address.startswith(("http://", "https://", "mailto:")))


@given(st.text(alphabet="*_`[]()<>!#-\n 1.a:/\"'&;\\"))
def test_any_text_has_a_tree(text: str) -> None:
    assert all(tag in TAGS for tag, _ in tags_and_addresses(tree_of(text)))
