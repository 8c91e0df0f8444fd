"""Answers and the schemas that waits declare."""

import json
import urllib.request
from typing import Any

import pytest

from wfengine.errors import InvalidArgument
from wflab.answers import check, complaints, plain_answer

DECISION = json.dumps(
    {
        "type": "object",
        "properties": {"approved": {"type": "boolean"}, "note": {"type": "string", "maxLength": 5, "default": "fine"}},
        "required": ["approved"],
    }
)


def test_an_answer_that_fits_has_no_complaint() -> None:
    assert complaints(DECISION, {"approved": True, "note": "ok"}) == []


def test_what_is_wrong_is_said_with_its_place() -> None:
    assert complaints(DECISION, {"approved": "yes", "note": "far too long"}) == [
        ("approved", "'yes' is not of type 'boolean'"),
        ("note", "'far too long' is too long"),
    ]
    with pytest.raises(InvalidArgument, match=r"The answer to 'sign' does not fit its schema: .*approved"):
        check(DECISION, {}, "sign")


def test_a_plain_yes_or_no_is_put_in_the_schemas_terms() -> None:
    assert plain_answer(DECISION, is_yes=True) == {"approved": True, "note": "fine"}
    assert plain_answer(DECISION, is_yes=False) == {"approved": False, "note": "fine"}
    assert plain_answer('{"type": "boolean"}', is_yes=False) is False
    assert plain_answer(None, is_yes=True) is True


@pytest.mark.parametrize("schema", [None, "no JSON", '{"type": 17}', "3"])
def test_where_nothing_usable_was_declared_every_answer_fits(schema: str | None) -> None:
    assert complaints(schema, object) == []


def test_a_schema_cannot_have_anything_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may come from a stranger, and a schema in it name any address."""

    def fetch(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(urllib.request, "urlopen", fetch)
    assert complaints('{"$ref": "http://127.0.0.1:9/schema.json"}', 3) == []
