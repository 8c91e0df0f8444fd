"""The rules of subscriptions, in the part of CEL that they are written in."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfengine.errors import InvalidArgument
from wfengine.gateway.components import Rule
from wfengine.gateway.pubsub.rules import compiled, route_of

EVENT: dict[str, Any] = {
    "type": "order.created",
    "source": "shop",
    "data": {"total": 120.5, "count": 3, "tags": ["vip", "new"], "is_paid": True, "note": None, "lines": [{"sku": "a"}]},
}


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        ('event.type == "order.created"', True),
        ("event.type == 'order.gone'", False),
        ("event.data.total > 100 && event.data.count <= 3", True),
        ("event.data.total < 100 || event.data.is_paid", True),
        ("event.data.missing == 1 || event.data.is_paid", True),
        ("event.data.missing == 1", False),
        ("!event.data.is_paid", False),
        ("!(event.data.count == 4)", True),
        ('"vip" in event.data.tags', True),
        ('event.type in ["a", "order.created"]', True),
        ('event.type.startsWith("order.") && event.source.endsWith("op")', True),
        ('event.type.contains("created")', True),
        ('event.data.lines[0].sku == "a"', True),
        ('event.data["count"] == 3', True),
        ("has(event.data.note)", True),
        ("has(event.subject)", False),
        ("event.data.note == null", True),
        ("event.data.count == -3", False),
        ("event.data.total", False),
        ('event.data.count > "2"', False),
        (r'event.source != "say \"hi\""', True),
    ],
)
def test_a_rule_says_which_events_it_is_for(rule: str, matches: bool) -> None:  # noqa: FBT001  # it is what is expected
    assert (route_of([Rule(path="/here", match=rule)], EVENT) == "/here") is matches


def test_the_first_rule_that_matches_has_the_event_and_one_without_words_the_rest() -> None:
    rules = [Rule(path="/a", match="event.data.count == 4"), Rule(path="/b", match="event.data.count == 3"), Rule(path="/rest")]
    assert [route_of(rules, {"data": {"count": count}}) for count in (4, 3, 2)] == ["/a", "/b", "/rest"]
    assert route_of(rules[:2], {}) is None


@pytest.mark.parametrize(
    "rule", ["event.", "event.type ==", "(event.a", "a == 1", "event.a = 1", 'event.a == "x', "event.f(1)", "1 2", "(" * 400]
)
def test_a_rule_that_cannot_be_read_is_refused_with_the_place(rule: str) -> None:
    with pytest.raises(InvalidArgument, match="rule"):
        compiled(rule)


@given(st.text(alphabet="event.data()[]!&|=<> 1'\"ains,-", max_size=60))
def test_whatever_is_written_is_a_rule_or_refused(text: str) -> None:
    try:
        compiled(text) if text.strip() else None
    except InvalidArgument:
        return
    assert route_of([Rule(path="/p", match=text)], EVENT) in {None, "/p"}
