"""Payloads: what becomes JSON, what comes back, and what is refused with the path of the offending value."""

import dataclasses
import math
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfengine.errors import PayloadError
from wfengine.model.payload import coerce_to_model, from_json, to_json

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
)


@pytest.mark.slow
@given(plain)
def test_plain_data_comes_back_as_it_went(value: Any) -> None:
    assert from_json(to_json(value)) == value


@dataclasses.dataclass
class Point:
    x: int
    y: Any


class Pair(NamedTuple):
    x: int
    y: Any


@pytest.mark.parametrize("value", [Point(1, [2]), Pair(1, [2]), SimpleNamespace(x=1, y=[2])])
def test_records_come_back_as_simple_namespaces(value: Any) -> None:
    found = from_json(to_json({"at": [value]}))["at"][0]
    assert found == SimpleNamespace(x=1, y=[2])


class Model:
    def __init__(self, x: int) -> None:
        self.x = x

    def model_dump(self) -> dict[str, Any]:
        return {"x": self.x}

    @classmethod
    def model_validate(cls, found: Any) -> "Model":
        return cls(found["x"])


def test_models_become_plain_objects_and_are_made_again_where_they_are_annotated() -> None:
    assert to_json(Model(3)) == '{"x": 3}'
    for given_ in ({"x": 3}, SimpleNamespace(x=3), Model(3)):
        assert coerce_to_model(given_, Model).x == 3


def looped() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "path", "told"),
    [
        ({"a": [1, math.nan]}, "$.a[1]", "nan"),
        ([math.inf], "$[0]", "inf"),
        ({"a": {1: 2}}, "$.a", "keys must be strings"),
        ({"a": {"b\udc00": 1}}, "$.a.b\\udc00", "lone surrogate"),
        ([["x\ud800"]], "$[0][0]", "lone surrogate"),
        (Point(1, {2}), "$.y", "sorted"),
        (b"x", "$", "base64"),
        (datetime(2026, 1, 1, tzinfo=UTC), "$", "isoformat"),
        (len, "$", "Functions cannot be recorded"),
        (object(), "$", "Pass a dict"),
        ({"n": 10**5000}, "$.n", "hex"),
    ],
)
def test_what_is_not_json_is_refused_with_its_path_and_what_to_do(value: Any, path: str, told: str) -> None:
    with pytest.raises(PayloadError, match=told) as caught:
        to_json(value, "the input")
    assert caught.value.path == path
    assert str(caught.value).startswith("the input")


def test_what_contains_itself_or_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(PayloadError, match="nested deeper than 500"):
        to_json(looped())


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfengine.model.payload.LARGEST_BYTES", 1000)
    assert to_json("x" * 998)
    with pytest.raises(PayloadError, match="at most"):
        to_json("ü" * 500)


def test_no_text_is_none() -> None:
    assert from_json(None) is None
