"""Dapr's query of state (alpha): a filter over the values' JSON, an order, and pages. Written over plain values, as a lab's stores are small.

{"filter": {"AND": [{"EQ": {"person.org": "A"}}, {"IN": {"state": ["CA", "WA"]}}]}, "sort": [{"key": "state", "order": "DESC"}],
 "page": {"limit": 10, "token": "10"}}
"""

import json
from collections.abc import Sequence
from typing import Any, Self

import msgspec

from wfengine.gateway.state.memory import Value

_LARGEST_PAGE = 1000
_MISSING = object()


class Sort(msgspec.Struct, frozen=True):
    """A place in the values and which way to go."""

    key: str
    order: str = "ASC"


class Page(msgspec.Struct, frozen=True):
    """How many, and where the page before has ended."""

    limit: int = 0
    token: str = ""


class Query(msgspec.Struct, frozen=True):
    """What is asked."""

    filter: dict[str, Any] = {}
    sort: list[Sort] = []
    page: Page = Page()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError that says what does not belong there."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.DecodeError as error:
            raise ValueError(f"the query is not as Dapr describes it: {error}") from None


def answer(query: Query, values: Sequence[tuple[str, Value]]) -> tuple[list[tuple[str, Value]], str]:
    """One page of the keys and values that match, and the token of the next; empty where there is none."""
    read = [(key, value, _json(value.data)) for key, value in values]
    kept = [one for one in read if not query.filter or _matches(query.filter, one[2])]
    kept.sort(key=lambda one: one[0])
    for sort in reversed(query.sort):
        if sort.order.upper() not in {"ASC", "DESC"}:
            raise ValueError(f"an order is ASC or DESC, not {sort.order!r}")
        kept.sort(key=lambda one, place=sort.key: _rank(_at(one[2], place)), reverse=sort.order.upper() == "DESC")  # type: ignore[misc]
    begin = int(query.page.token or 0)
    limit = query.page.limit or _LARGEST_PAGE
    if begin < 0 or limit < 0:
        raise ValueError("a page has no negative numbers")
    page = kept[begin : begin + limit]
    return [(key, value) for key, value, _ in page], str(begin + limit) if begin + limit < len(kept) else ""


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _MISSING


def _at(value: Any, place: str) -> Any:
    for name in place.removeprefix("value.").split("."):
        if not isinstance(value, dict) or name not in value:
            return _MISSING
        value = value[name]
    return value


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before text before everything else, so that whatever is there can be put in order."""
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, "")


def _matches(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict) or len(condition) != 1:
        raise ValueError("a filter is one of AND, OR, EQ, NEQ, GT, GTE, LT, LTE and IN, with what it is about")
    ((word, about),) = condition.items()
    if word in {"AND", "OR"}:
        if not isinstance(about, list):
            raise ValueError(f"{word} is about a list of filters")
        found = [_matches(one, value) for one in about]
        return all(found) if word == "AND" else any(found)
    if not isinstance(about, dict) or len(about) != 1:
        raise ValueError(f"{word} is about one place and a value, such as {{'{word}': {{'state': 'CA'}}}}")
    ((place, wanted),) = about.items()
    return _compares(word, _at(value, place), wanted)


def _compares(word: str, present: Any, wanted: Any) -> bool:
    match word:
        case "EQ":
            return bool(present == wanted)
        case "NEQ":
            return bool(present != wanted)
        case "IN":
            return isinstance(wanted, list) and present in wanted
        case "GT" | "GTE" | "LT" | "LTE":
            if present is _MISSING or _rank(present)[0] != _rank(wanted)[0]:
                return False
            first, second = _rank(present)[1], _rank(wanted)[1]
            is_equal = bool(first == second)
            if is_equal:
                return word.endswith("E")
            return bool(first > second) if word.startswith("G") else bool(first < second)
        case _:
            raise ValueError(f"there is no filter {word!r}")
