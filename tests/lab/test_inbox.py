"""The inbox on a real lab: what it lists, and what its page may ask."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

import wflab as wf
from wfengine.errors import InvalidArgument
from wflab import protocol
from wflab.display.inbox_source import InboxSource

SCHEMA = {"type": "object", "properties": {"approved": {"type": "boolean"}}, "required": ["approved"]}


@pytest.fixture
def inbox(lab: wf.Lab) -> InboxSource:
    @wf.workflow
    def asks(ctx: wf.DaprWorkflowContext, number: int) -> Any:
        timeout = timedelta(hours=number) if number else None
        return (yield ctx.wait_for_external_event("approval", timeout=timeout, title=f"Number {number}?", schema=SCHEMA))

    source = lab.source("inbox", "")
    assert isinstance(source, InboxSource)
    return source


def ask(source: InboxSource, what: str, **given: Any) -> Any:
    return source.answer(protocol.Request(id="q", what=what, arguments=given))


def place(item: protocol.InboxItem) -> dict[str, Any]:
    return {"key": item.key, "wait_id": item.wait_id, "instance_id": item.instance_id, "event": item.event}


def started(lab: wf.Lab, *numbers: int) -> list[wf.Run]:
    runs = lab.start_many("asks", numbers)
    for run in runs:
        lab.engine.wait_for_workflow_start(run.id, 20)
    return runs


def test_it_lists_what_waits_by_deadline_and_forgets_what_is_answered(lab: wf.Lab, inbox: InboxSource) -> None:
    first, second, _ = started(lab, 5, 2, 0)
    assert [item.title for item in inbox.picture().items] == ["Number 2?", "Number 5?", "Number 0?"]
    assert repr(lab.inbox()).splitlines()[:2] == ["3 questions wait for an answer.", "  asks · approval: Number 2?"]
    second.approve()
    second.result(20)
    first.suspend()
    assert [item.title for item in inbox.picture().items] == ["Number 5?", "Number 0?"]


def test_deadlines_are_on_the_labs_own_clock(lab: wf.Lab, inbox: InboxSource) -> None:
    lab.clock.virtual()
    started(lab, 2, 5)
    before = inbox.picture()
    assert not before.ticks
    lab.clock.advance(timedelta(hours=3))
    (left,) = inbox.picture().items
    assert left.title == "Number 5?"
    assert (left.until or 0) - inbox.picture().now == timedelta(hours=2).total_seconds() * 1000
    gone = next(item for item in before.items if item.title == "Number 2?")
    assert ask(inbox, "outcome", **place(gone))["reason"].startswith("timed out at")


def test_notes_are_kept_by_the_record(lab: wf.Lab, inbox: InboxSource) -> None:
    started(lab, 5)
    (item,) = inbox.picture().items
    ask(inbox, "note", **place(item), verb="delegate", value=" bob ")
    ask(inbox, "note", **place(item), verb="snooze", value=1_795_774_229_000)
    ask(inbox, "note", **place(item), verb="ignore")
    for source in (inbox, lab.source("inbox", "")):
        (noted,) = source.picture().items
        assert (noted.assignee, noted.snoozed, noted.is_ignored) == ("bob", 1_795_774_229_000.0, True)
        assert noted.until == item.until, "the deadline stays"
    detail = ask(inbox, "detail", **place(item))
    assert [row[2] for row in detail["history"]] == ["ignore approval a0", "snooze approval a0", "delegate approval a0"]
    for wrong in ({"verb": "delegate", "value": " "}, {"verb": "snooze", "value": "soon"}, {"verb": "eat"}):
        with pytest.raises(InvalidArgument):
            ask(inbox, "note", **place(item), **wrong)


def test_many_are_answered_after_a_dry_run_with_its_count(lab: wf.Lab, inbox: InboxSource) -> None:
    runs = started(lab, 1, 2, 3)
    picture = inbox.picture()
    group = {"workflow": "asks", "of_event": "approval", "verb": "approve", "data": {"approved": True}}
    assert ask(inbox, "bulk", **group)["count"] == 3
    assert ask(inbox, "bulk", **{**group, "data": {"approved": 1}})["count"] == 0
    with pytest.raises(InvalidArgument, match="3 wait for this now, not 2"):
        ask(inbox, "bulk", **group, count=2)
    assert ask(inbox, "bulk", **group, ids=[picture.items[0].id], count=1)["won"] == 1
    inbox.picture()
    assert ask(inbox, "bulk", **group, count=2, comment="all fine")["won"] == 2
    assert [run.result(20) for run in runs] == [{"approved": True}] * 3
    assert sorted(lab.sql("SELECT from_where, why FROM audit").why.fillna("").tolist()) == ["", "all fine", "all fine"]


def test_pages_and_details(lab: wf.Lab, inbox: InboxSource) -> None:
    started(lab, *range(1, 6))
    item = inbox.picture().items[0]
    page = ask(inbox, "page", workflow="asks", of_event="approval", first=3)
    assert (len(page["items"]), page["total"], page["first"]) == (2, 5, 3)
    assert ask(inbox, "page", workflow="another", of_event="approval")["total"] == 0
    detail = msgspec.convert(ask(inbox, "detail", **place(item)), protocol.InboxDetail)
    assert (detail.status, detail.steps) == ("RUNNING", [("approval", "event", "SUSPENDED")])
    assert detail.graph is not None
    assert [node.name for node in detail.graph.nodes if node.id == detail.here] == ["approval"]
    with pytest.raises(InvalidArgument):
        ask(inbox, "detail", key="x")
    with pytest.raises(InvalidArgument, match="no answer to 'nonsense'"):
        ask(inbox, "nonsense")
