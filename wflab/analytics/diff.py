"""Two runs laid beside each other, step by step: what both did alike, what came out otherwise, what only one of them did.

Steps are paired by what they are: the second call of `charge` in one run goes with the second call of `charge` in the other. difflib finds the
longest common order; a pair that is out of it was done at another place.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import Literal

import msgspec

from wflab.analytics.steps import Step

Change = Literal["same", "other result", "other input", "other outcome", "only in a", "only in b"]
CHANGES: tuple[Change, ...] = ("same", "other result", "other input", "other outcome", "only in a", "only in b")


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the first run and its like in the second; None where there is none. `moved`: both did it, at different places in the order."""

    a: Step | None
    b: Step | None
    change: Change
    moved: bool = False

    @property
    def step(self) -> Step:
        """Either of them, for what they have in common: name and kind."""
        step = self.a or self.b
        if step is None:
            raise AssertionError(self)  # a pair has at least one
        return step

    @property
    def took_a(self) -> float | None:
        """Seconds from begin to end in the first run."""
        return _took(self.a)

    @property
    def took_b(self) -> float | None:
        """Seconds from begin to end in the second."""
        return _took(self.b)


def paired(first: Sequence[Step], second: Sequence[Step]) -> list[Pair]:
    """The steps of both in one order: that of the first run, with what only the second did where that did it."""
    keys_a, keys_b = _keys(first), _keys(second)
    of_a, of_b = dict(zip(keys_a, first, strict=True)), dict(zip(keys_b, second, strict=True))
    pairs: list[Pair] = []
    for tag, begin_a, end_a, begin_b, end_b in SequenceMatcher(None, keys_a, keys_b, autojunk=False).get_opcodes():
        for key in keys_a[begin_a:end_a]:
            b = of_b.get(key)
            pairs.append(Pair(a=of_a[key], b=b, change=_change(of_a[key], b), moved=tag != "equal" and b is not None))
        if tag != "equal":
            pairs += [Pair(a=None, b=of_b[key], change="only in b") for key in keys_b[begin_b:end_b] if key not in of_a]
    return pairs


def _keys(steps: Sequence[Step]) -> list[Hashable]:
    seen: Counter[tuple[str, str]] = Counter()
    keys: list[Hashable] = []
    for step in steps:
        kind_and_name = (step.kind, step.name)
        keys.append((*kind_and_name, seen[kind_and_name]))
        seen[kind_and_name] += 1
    return keys


def _change(a: Step, b: Step | None) -> Change:
    if b is None:
        return "only in a"
    if a.state is not b.state or _error(a) != _error(b):
        return "other outcome"
    if a.result != b.result:
        return "other result"
    return "same" if a.input == b.input else "other input"


def _error(step: Step) -> tuple[str, str] | None:
    return None if step.failure is None else (step.failure.error_type, step.failure.message)


def _took(step: Step | None) -> float | None:
    if step is None or step.ended_at is None:
        return None
    return (step.ended_at - (step.started_at or step.created_at)).total_seconds()
