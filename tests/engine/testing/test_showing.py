"""Values as text and trees: what is Python's own as `repr` gives it, what is a user's with care."""

from collections import deque, namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import msgspec
import pandas as pd
import pytest

from wfengine.testing.stepping.showing import DEEPEST, HIDDEN, MOST_CHARACTERS, MOST_VARIABLES, Value, shown, shown_variables

Point = namedtuple("Point", "x y")  # noqa: PYI024  # the untyped one is the plainest


class Colour(Enum):
    RED = 1


@dataclass
class Order:
    id: str
    total: int
    api_token: str = "t-1"  # noqa: S105  # what must be hidden


class SecretStr:
    """As pydantic names its own."""


class Note(msgspec.Struct):
    text: str


class Plain:
    def __init__(self) -> None:
        self.size = 3

    @property
    def dear(self) -> int:
        raise AssertionError("a property is not asked for")


CALLS: list[str] = []


class Hostile(dict[str, int]):
    """Whatever may be called on it says so."""

    def __getattribute__(self, name: str) -> Any:
        CALLS.append(name)
        return super().__getattribute__(name)

    def __repr__(self) -> str:
        CALLS.append("repr")
        raise SystemExit

    def __len__(self) -> int:
        raise AssertionError

    def __iter__(self) -> Any:
        raise AssertionError

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    __hash__ = None


class Raises:
    def __repr__(self) -> str:
        raise KeyboardInterrupt


class Lies:
    def __repr__(self) -> Any:
        return 17


PLAIN = [
    None,
    True,
    17,
    -(10**30),
    1.5,
    "text",
    "quo'te",
    b"bytes",
    [1, [2, "x"]],
    (),
    (1,),
    (1, 2),
    {"a": {"b": 1}},
    {1, 2, 3},
    set(),
    frozenset({1}),
    deque([1, 2]),
    datetime(2026, 1, 1, tzinfo=UTC),
]


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_what_is_pythons_own_is_shown_as_repr_does(value: object) -> None:
    assert shown(value).text == repr(value)


def test_the_users_data_is_shown_by_its_fields_with_secrets_hidden() -> None:
    order = shown(Order("A17", 1800))
    assert order.text == f"Order(id='A17', total=1800, api_token={HIDDEN})"
    assert order.inner[1] == ("total", Value("1800"))
    assert shown([SecretStr()]).text == f"[{HIDDEN}]"
    assert shown(Note("hi")).text == "Note(text='hi')"
    assert shown(Point(1, 2)).text == "Point(x=1, y=2)"
    assert shown(Colour.RED).text == "Colour.RED"
    assert shown({"Password": "x", "n": 1}).text == f"{{'Password': {HIDDEN}, 'n': 1}}"
    assert shown("x", "github_token").text == HIDDEN


def test_an_object_without_a_repr_has_its_attributes_and_no_address() -> None:
    assert shown(Plain()) == Value("<Plain object>", (("size", Value("3")),))


def test_hostile_objects_are_not_called_and_a_failing_repr_is_said() -> None:
    CALLS.clear()
    assert shown(Hostile(a=1)).text == "Hostile({'a': 1})"
    assert CALLS == []
    assert shown(Raises()).text == "<repr failed: KeyboardInterrupt>"
    assert shown(Lies()).text.startswith("<repr failed: ")
    assert shown([Raises(), 1]).text == "[<repr failed: KeyboardInterrupt>, 1]"


def test_a_cycle_and_depth_and_length_have_ends() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    assert shown(ring).text == "[1, <itself, again>]"
    deep: list[Any] = []
    for _ in range(DEEPEST + 3):
        deep = [deep]
    assert shown(deep).text == "[[[[…]]]]"
    assert len(shown("x" * 100_000).text) < MOST_CHARACTERS + 60
    assert "950 more" in shown(list(range(1000))).text
    many = shown_variables({f"v{number}": number for number in range(MOST_VARIABLES + 5)})
    assert (len(many), many["…"].text) == (MOST_VARIABLES + 1, "5 more variables")


def test_a_data_frame_is_its_shape_and_its_first_rows() -> None:
    value = shown(pd.DataFrame({"n": range(1000)}))
    assert value.text == "<DataFrame 1,000 x 1>"
    assert len(value.inner[0][1].text.splitlines()) == 6
