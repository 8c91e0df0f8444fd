"""Which of a subscription's routes an event takes: Dapr's rules, in the part of CEL that they are written in.

`event.type == "order.created" && event.data.total > 100 || "vip" in event.data.tags`, `has(event.subject)`, `event.source.startsWith("shop")`.
An expression is read once, into a function of the event; what an event lacks makes the rule not match.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from wfengine.errors import InvalidArgument
from wfengine.gateway.components import Rule
from wfengine.gateway.pubsub.envelope import Envelope

Expression = Callable[[Envelope], Any]
_TOKEN = re.compile(r"""\s*(?:(\d+(?:\.\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||==|!=|<=|>=|[-!<>().,\[\]]))""")
_MOST_TOKENS = 150  # nested in each other they must not exhaust the stack
_METHODS: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": lambda text, part: part in text,
}
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class Lacking(Exception):
    """The event has no such part, or one of another kind."""


def route_of(rules: Sequence[Rule], event: Envelope) -> str | None:
    """The path of the first rule that matches; None where none does."""
    for rule in rules:
        if not rule.match.strip():
            return rule.path
        try:
            if compiled(rule.match)(event) is True:
                return rule.path
        except (Lacking, TypeError):
            continue
    return None


@lru_cache(maxsize=1000)
def compiled(text: str) -> Expression:
    """The expression as a function. Raises InvalidArgument for what is not understood, with the place."""
    return _Reader(text).whole()


class _Reader:
    """Reads one expression, from the loosest binding to the tightest."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._place = 0

    def whole(self) -> Expression:
        made = self._either()
        if self._place < len(self._tokens):
            raise self._unread()
        return made

    def _either(self) -> Expression:
        made = self._both()
        while self._take("||"):
            made = _either_of(made, self._both())
        return made

    def _both(self) -> Expression:
        made = self._compared()
        while self._take("&&"):
            made = _both_of(made, self._compared())
        return made

    def _compared(self) -> Expression:
        first = self._negated()
        for sign, compare in _COMPARISONS.items():
            if self._take(sign):
                second = self._negated()
                return lambda event: compare(first(event), second(event))
        if self._take("in"):
            among = self._negated()
            return lambda event: first(event) in among(event)
        return first

    def _negated(self) -> Expression:
        if self._take("!"):
            inner = self._negated()
            return lambda event: not _truth(inner(event))
        if self._take("-"):
            inner = self._negated()
            return lambda event: -inner(event)
        return self._member()

    def _member(self) -> Expression:
        made = self._single()
        while True:
            if self._take("."):
                name = self._word()
                made = self._method(made, name) if self._take("(") else _part(made, name)
            elif self._take("["):
                made = _item_of(made, self._either())
                self._need("]")
            else:
                return made

    def _method(self, made: Expression, name: str) -> Expression:
        if name not in _METHODS:
            raise InvalidArgument(f"A rule has {', '.join(_METHODS)}, and no {name}(): {self._text!r}.")
        argument = self._either()
        self._need(")")
        return lambda event: _METHODS[name](_as_text(made(event)), _as_text(argument(event)))

    def _single(self) -> Expression:
        if self._take("("):
            inner = self._either()
            self._need(")")
            return inner
        if self._take("["):
            items: list[Expression] = []
            while not self._take("]"):
                items.append(self._either())
                self._take(",")
            return lambda event: [item(event) for item in items]
        if self._place >= len(self._tokens):
            raise self._unread()
        word = self._tokens[self._place]
        self._place += 1
        if word[0].isdigit():
            number = float(word) if "." in word else int(word)
            return lambda _: number
        if word[0] in "\"'":
            text = word[1:-1].replace("\\" + word[0], word[0]).replace("\\\\", "\\")
            return lambda _: text
        if word == "has":
            self._need("(")
            inner = self._either()
            self._need(")")
            return lambda event: _is_there(inner, event)
        known: dict[str, Any] = {"true": True, "false": False, "null": None}
        if word in known:
            return lambda _: known[word]
        if word == "event":
            return lambda event: event
        self._place -= 1
        raise self._unread()

    def _word(self) -> str:
        if self._place < len(self._tokens) and (self._tokens[self._place][0].isalpha() or self._tokens[self._place][0] == "_"):
            self._place += 1
            return self._tokens[self._place - 1]
        raise self._unread()

    def _take(self, token: str) -> bool:
        found = self._place < len(self._tokens) and self._tokens[self._place] == token
        self._place += found
        return found

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise self._unread()

    def _unread(self) -> InvalidArgument:
        what = repr(self._tokens[self._place]) if self._place < len(self._tokens) else "the end"
        return InvalidArgument(f"A rule cannot be read at {what}: {self._text!r}. It is like event.type == 'order.created'.")


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    place = 0
    while text[place:].strip():
        token = _TOKEN.match(text, place)
        if token is None or len(found) >= _MOST_TOKENS:
            raise InvalidArgument(f"A rule cannot be read at {text[place : place + 20]!r}: {text!r:.200}.")
        found.append(next(group for group in token.groups() if group is not None))
        place = token.end()
    return found


def _either_of(first: Expression, second: Expression) -> Expression:
    return lambda event: _truth(_or_lacking(first, event)) or _truth(second(event))


def _both_of(first: Expression, second: Expression) -> Expression:
    return lambda event: _truth(first(event)) and _truth(second(event))


def _item_of(made: Expression, index: Expression) -> Expression:
    return lambda event: _item(made(event), index(event))


def _part(made: Expression, name: str) -> Expression:
    return lambda event: _item(made(event), name)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict) and key in value:
        return value[key]
    if isinstance(value, list) and isinstance(key, int) and 0 <= key < len(value):
        return value[key]
    raise Lacking(key)


def _is_there(inner: Expression, event: Envelope) -> bool:
    try:
        inner(event)
    except Lacking:
        return False
    return True


def _or_lacking(inner: Expression, event: Envelope) -> Any:
    """One side of an or, which may well be missing."""
    try:
        return inner(event)
    except (Lacking, TypeError):
        return False


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Lacking(value)
    return value


def _as_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Lacking(value)
    return value
