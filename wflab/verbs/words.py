"""How the rest of a magic's line is read: words, options, and Python expressions in the user's own names."""

import ast
import re
import shlex
from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError

_KEYWORD = re.compile(r"(?:^|\s+)(?=[A-Za-z_]\w*=(?!=))")


def value_of(text: str, names: Mapping[str, Any]) -> Any:
    """The value of a Python expression. Raises UsageError where it has none."""
    try:
        return eval(text, dict(names))  # noqa: S307  # the user's own expression in the user's own namespace, like any cell
    except Exception as error:  # noqa: BLE001  # whatever the expression raises
        raise UsageError(f"{text!r} is no Python expression that can be evaluated here ({type(error).__name__}: {error}).") from None


def input_of(text: str, names: Mapping[str, Any]) -> Any:
    """`key=value ...` as a dictionary, one expression as its value, nothing as None."""
    if not text:
        return None
    keywords = keywords_of(text)
    return value_of(text, names) if keywords is None else {key: value_of(value, names) for key, value in keywords.items()}


def keywords_of(text: str) -> dict[str, str] | None:
    """`a=1 b='x y=2'` as names and expressions; None where the text is one expression. A value ends where it is whole."""
    begins = [found.end() for found in _KEYWORD.finditer(text)]
    if not begins or begins[0] != 0:
        return None
    pairs = {}
    begin = 0
    for end in [*begins[1:], len(text)]:
        key, _, value = text[begin:end].partition("=")
        if end == len(text) or _is_whole(value):
            pairs[key] = value.strip()
            begin = end
    return pairs


def words_of(text: str, verb: str) -> list[str]:
    """The words of a line, as a shell reads them. Raises UsageError where a quote is not closed."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"%wf {verb}: {error}.") from None


def option_of(text: str, option: str) -> tuple[str, str | None]:
    """The text without `option VALUE`, and that value."""
    found = re.search(rf"(?:^|\s){option}[ =](\S+)", text)
    return (text, None) if found is None else ((text[: found.start()] + text[found.end() :]).strip(), found[1])


def flag_of(text: str, flag: str) -> tuple[str, bool]:
    """The text without `flag`, and whether it was there."""
    words = text.split(" ")
    return " ".join(word for word in words if word != flag).strip(), flag in words


def _is_whole(expression: str) -> bool:
    try:
        ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True
