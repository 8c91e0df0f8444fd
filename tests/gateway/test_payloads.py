"""Payloads on the wire are any text, and ours are JSON."""

import json

import pytest

from wfengine.gateway.taskhub.scalars import as_it_came, json_text


@pytest.mark.parametrize(
    "said",
    [
        "waiting",
        'it says "no"',
        "1 of 3",
        "{",
        " almost",
        "ä ☃",
        '"half',
        "NaN",
        '"text"',
        '{"a": [1]}',
        "17",
        "null",
        "[" * 100_000,
        "[" * 5_000 + "]" * 5_000,
    ],
)
def test_a_text_goes_out_as_it_came_and_is_json_in_between(said: str) -> None:
    kept = json_text(said)
    assert kept is not None
    json.loads(kept)
    assert as_it_came(kept) == said


def test_json_text_is_not_taken_for_another_because_of_a_space_before_it() -> None:
    kept = json_text(' "text"')
    assert kept is not None
    assert json.loads(as_it_came(kept)) == "text"


def test_no_text_is_no_payload() -> None:
    assert json_text("") is None
