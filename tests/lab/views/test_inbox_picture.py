"""From the waits in the engine's mind to the inbox's picture, its static forms, and what people noted."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from wfengine.model.history import EventWait, TimerCreated
from wfengine.model.instance import Instance, Status
from wfengine.runtime.operations import Awaited
from wflab import protocol
from wflab.display.inbox_source import notes_of
from wflab.protocol.inbox import InboxPicture
from wflab.views.bundles import bundle_of, snapshot_of
from wflab.views.inbox_picture import MOST_ITEMS, MOST_SAVED, PAGE, Notes, groups_of, inbox_picture, ordered, what_next

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SCHEMAS = {
    "note": json.dumps(
        {
            "type": "object",
            "description": "A remark is welcome.",
            "properties": {
                "approved": {"type": "boolean"},
                "note": {"type": "string", "maxLength": 200, "title": "Note", "description": "A remark"},
            },
            "required": ["approved"],
        }
    ),
    "all": json.dumps(
        {
            "type": "object",
            "$defs": {
                "Address": {"type": "object", "properties": {"city": {"type": "string"}, "country": {"type": "string", "default": "CH"}}}
            },
            "properties": {
                "size": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
                "price": {"type": "number", "exclusiveMinimum": 0},
                "colour": {"enum": ["red", "blue"]},
                "day": {"type": "string", "format": "date"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "address": {"$ref": "#/$defs/Address"},
                "urgent": {"type": "boolean"},
                "code": {"anyOf": [{"type": "string", "pattern": "^[A-Z]-[0-9]+$", "maxLength": 9}, {"type": "null"}], "default": None},
            },
            "required": ["colour"],
        }
    ),
}


def waits(
    asked: Sequence[tuple[str | None, str | None, float | None]], *, event: str = "approval", workflow: str = "order"
) -> list[Awaited]:
    """Title, schema and seconds to the deadline of each; the first is of execution 1, wait a0."""
    found = []
    for place, (title, schema, until) in enumerate(asked):
        instance = Instance(
            key=place + 1, instance_id=f"r{place}", name=workflow, status=Status.RUNNING, created_at=NOW, updated_at=NOW, root=place + 1
        )
        origin = EventWait(name=event, title=title, schema=schema)
        fire_at = None if until is None else NOW + timedelta(seconds=until)
        timer = TimerCreated(occurred_at=NOW - timedelta(minutes=5), event_id=place, fire_at=fire_at, origin=origin)
        found.append(Awaited(instance, timer, origin, fire_at))
    return found


def picture_with(
    asked: Sequence[tuple[str | None, str | None, float | None]], *, ticks: bool = False, others: int = 0, event: str = "approval"
) -> InboxPicture:
    return inbox_picture(waits(asked, event=event), {}, lab="lab.duckdb", user="ana", now=NOW, ticks=ticks, others=others)


def test_the_nearest_deadline_comes_first_and_those_without_one_last() -> None:
    found = ordered(waits([("a", None, None), ("b", None, 60), ("c", None, 30)]))
    assert [one.wait.title for one in found] == ["c", "b", "a"]


def test_equal_schemas_are_given_once_and_notes_stand_with_their_wait() -> None:
    noted = {(2, 1): Notes(assignee="bob", snoozed=NOW, is_ignored=True)}
    asked = waits([("a", SCHEMAS["note"], 1), ("b", SCHEMAS["note"], 2), ("c", None, 3)])
    picture = inbox_picture(asked, noted, lab="l", user="ana", now=NOW, ticks=True)
    assert picture.schemas == [SCHEMAS["note"]]
    assert [item.schema for item in picture.items] == [0, 0, None]
    assert [(item.id, item.assignee, item.is_ignored) for item in picture.items] == [
        ("1.a0", "", False),
        ("2.a1", "bob", True),
        ("3.a2", "", False),
    ]


def test_risk_and_requester_are_told_in_the_picture_and_in_its_still_form() -> None:
    [asked] = waits([("Ship it?", None, 90)])
    declared = EventWait(name="approval", title="Ship it?", risk="high", requester="ben")
    picture = inbox_picture([asked._replace(wait=declared)], {}, lab="l", user="ana", now=NOW, ticks=False)
    assert (picture.items[0].risk, picture.items[0].requester) == ("high", "ben")
    assert "Ship it? · high risk · for ben" in bundle_of(picture)["text/html"]


def test_too_many_are_a_page_and_groups() -> None:
    many = [*waits([(None, None, 1)] * 900), *waits([(None, None, 2)] * 200, event="sign", workflow="trip")]
    picture = inbox_picture(many, {}, lab="l", user="ana", now=NOW, ticks=True)
    assert (picture.total, len(picture.items)) == (1100, PAGE)
    assert [(group.workflow, group.event, group.count) for group in picture.groups] == [("order", "approval", 900), ("trip", "sign", 200)]
    assert groups_of([]) == []
    assert not inbox_picture(many[:MOST_ITEMS], {}, lab="l", user="ana", now=NOW, ticks=True).groups


def test_the_saved_snapshot_is_of_bounded_size() -> None:
    saved = snapshot_of(picture_with([("Question?" * 10, SCHEMAS["all"], 100)] * 1000))
    assert (len(saved["picture"]["items"]), saved["picture"]["total"]) == (MOST_SAVED, 1000)
    assert len(json.dumps(saved)) < 256 * 1024


def test_the_static_form_is_an_image_and_a_table_without_buttons() -> None:
    evil = '<script>alert(1)</script>"\u202e'
    bundle = bundle_of(picture_with([("Ship it?", None, 90), (evil, None, None)]))
    html = bundle["text/html"]
    assert re.search(r'<img alt="2 questions wait for an answer\. Ship it\? of order, 1 min 30 s left;', html)
    assert "<table" in html
    assert not re.search(r"<(button|script|style|svg|form)", html)
    assert len(html) < 40_000
    assert bundle["text/plain"].splitlines()[:2] == ["2 questions wait for an answer.", "  order · approval: Ship it?"]


def test_nothing_to_do_says_what_else_there_is() -> None:
    assert bundle_of(picture_with([], others=4))["text/plain"] == "Nothing is waiting on you. 4 workflows wait on timers or systems."
    assert bundle_of(picture_with([]))["text/plain"] == "Nothing is waiting on you."


def test_notes_are_read_from_audit_the_last_word_counts() -> None:
    rows = [
        (1, "delegate approval a0", "bob"),
        (1, "snooze human approval a0", "2026-11-27T13:00:00+00:00"),
        (1, "ignore approval a0", None),
        (1, "restore approval a0", None),
        (1, "delegate approval a0", "eve"),
        (2, "snooze approval a3", "not a moment"),
        (None, "ignore approval a0", None),
        (2, "ignore something else", None),
    ]
    assert notes_of(rows) == {
        (1, 0): Notes(assignee="eve", snoozed=datetime(2026, 11, 27, 13, tzinfo=UTC)),
        (2, 3): Notes(),
    }


def test_what_may_come_next_is_read_from_the_source() -> None:
    source = """
def order(ctx, amount):
    yield ctx.call_activity(reserve)
    try:
        answer = yield ctx.wait_for_external_event("approval", timeout=DAY)
    except TimeoutError:
        return (yield ctx.call_activity(escalate))
    if answer["approved"]:
        yield ctx.call_activity(ship)
    else:
        yield ctx.call_activity(refund)
"""
    assert what_next(source, "approval") == (
        [('if answer["approved"]', "call ship"), ('else of: if answer["approved"]', "call refund")],
        "call escalate",
    )
    assert what_next(None, "approval") == ([], "")
    assert what_next(source, "another") == ([], "")


def test_a_picture_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, print this message as JSON (indent 1) into the sample and mend protocol/inbox.ts."""
    asked = waits([("Ship it?", SCHEMAS["note"], 90), (None, None, None)])
    noted = {(2, 1): Notes(assignee="bob", snoozed=NOW)}
    picture = inbox_picture(asked, noted, lab="lab.duckdb", user="ana", now=NOW, ticks=True)
    picture = msgspec.structs.replace(picture, groups=groups_of(asked))
    sample = json.loads((Path(__file__).parents[2] / "protocol" / "inbox.json").read_text())
    assert protocol.as_data(protocol.ShowPicture(seq=2, picture=picture)) == sample
