"""A recipe: one pattern as code that runs as it stands, what to know of it, its knobs, and what the record of a run must show."""

import ast
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from wfengine.errors import InvalidArgument

Value = bool | int | float | str
Level = Literal["beginner", "intermediate", "advanced"]
ORIGIN = "<recipe "
LEVELS: tuple[Level, ...] = ("beginner", "intermediate", "advanced")


class Knob(msgspec.Struct, frozen=True, kw_only=True):
    """A constant at the top of the code that may be given another value. Its type is that of `default`.

    `low` and `high` bound numbers, `choices` text. `line` counts from 0 within the code; from `column` to `end` (bytes) stands the value.
    """

    name: str
    label: str
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    line: int
    column: int
    end: int

    def checked(self, value: Any) -> Value:
        """The value as this knob's type. Raises InvalidArgument where it is none, or out of bounds."""
        match self.default:
            case bool():
                fits = isinstance(value, bool)
            case int():
                fits = isinstance(value, int) and not isinstance(value, bool)
            case float():
                fits = isinstance(value, int | float) and not isinstance(value, bool)
                value = float(value) if fits else value
            case _:
                fits = isinstance(value, str) and (not self.choices or value in self.choices)
        if fits and isinstance(value, int | float) and not isinstance(value, bool):
            fits = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        if not fits:
            raise InvalidArgument(f"{self.name} ({self.label}) is {self.told}, not {value!r}.")
        return value  # type: ignore[no-any-return]  # it was looked at just now

    @property
    def told(self) -> str:
        """What may be chosen, in words."""
        if isinstance(self.default, bool):
            return "True or False"
        if isinstance(self.default, str):
            return f"one of {', '.join(map(repr, self.choices))}" if self.choices else "text"
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        if self.low is not None and self.high is not None:
            return f"{kind} from {self.low:g} to {self.high:g}"
        return kind if self.low is None else f"{kind} of at least {self.low:g}"


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One statement that a run's record is to bear out: the name of the function that checks it, and its words with knobs in braces."""

    name: str
    words: str


class Failing(msgspec.Struct, frozen=True, kw_only=True):
    """How to see the pattern fail: which knobs to turn, how the run ends then, and which claims (by name) do not hold."""

    says: str
    knobs: Mapping[str, Value]
    ends: str
    fails: tuple[str, ...]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """One pattern.

    `code` is what stands in a cell, `checks` the Python of the claims. `seconds` is what a run may take with the default knobs, `ends` the state
    it ends in. `experimental` says why it is not to be relied on; empty for most. `path` is where it was read.
    """

    id: str
    title: str
    pattern: str
    use_when: str
    not_when: str
    level: Level
    verbs: tuple[str, ...]
    seconds: float
    tags: tuple[str, ...]
    problems: tuple[str, ...]
    ends: str
    run: str
    knobs: tuple[Knob, ...]
    failure: Failing
    claims: tuple[Claim, ...]
    code: str
    checks: str
    checks_line: int
    path: str
    experimental: str = ""

    def chosen(self, given: Mapping[str, Any]) -> dict[str, Value]:
        """The values of all knobs, with those that are given. Raises InvalidArgument for one that is not there, or a value that does not fit."""
        known = {knob.name: knob for knob in self.knobs}
        for name in given:
            if name not in known:
                raise InvalidArgument(f"Recipe {self.id!r} has no knob {name!r}; there are {', '.join(known) or 'none'}.")
        return {name: knob.checked(given[name]) if name in given else knob.default for name, knob in known.items()}

    def source(self, given: Mapping[str, Any] | None = None) -> str:
        """The code with these knobs, ready for a cell; all others as they stand. Raises as `chosen`."""
        chosen = self.chosen(given or {})
        lines = self.code.split("\n")
        for knob in self.knobs:
            value = chosen[knob.name]
            if value != knob.default:
                line = lines[knob.line].encode()
                lines[knob.line] = (line[: knob.column] + literal(value).encode() + line[knob.end :]).decode()
        return "\n".join(lines)

    def label(self, given: Mapping[str, Value]) -> str:
        """What the button says that runs it: `Run fan-out with 100 items`."""
        return in_words(self.run, given)

    @property
    def filename(self) -> str:
        """What its code is compiled as."""
        return f"{ORIGIN}{self.id}>"


def literal(value: Value) -> str:
    """A knob's value as Python; text in double quotes, as everywhere in the code."""
    return ast.unparse(ast.Constant(value)) if not isinstance(value, str) else '"' + repr(value)[1:-1].replace('"', '\\"') + '"'


def in_words(words: str, knobs: Mapping[str, Value]) -> str:
    """A sentence with its `{KNOB}`s filled in; yes and no for True and False."""
    for name, value in knobs.items():
        told = ("yes" if value else "no") if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)
        words = words.replace(f"{{{name}}}", told)
    return words
