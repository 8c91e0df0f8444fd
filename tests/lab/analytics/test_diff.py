"""Two runs laid beside each other: what is alike, what came out otherwise, what only one of them did."""

from typing import Any

import pytest

import wflab as wf
from tests.lab.conftest import Story
from wfengine.errors import InstanceNotFound
from wfengine.model.instance import Status
from wflab.analytics.diff import paired
from wflab.analytics.steps import steps_of
from wflab.views.diff import RunDiff

WITHIN_SECONDS = 60.0


def diff(a: Story, b: Story) -> RunDiff:
    return RunDiff(a.instance, steps_of(a.instance, a.rows), b.instance, steps_of(b.instance, b.rows))


def shop(*names: str, results: dict[str, str] | None = None, seconds: float = 1.0) -> Story:
    """A run that makes these calls, one after the other, and returns."""
    story = Story()
    for name in names:
        number = story.call(name, payload=f'"for {name}"')
        story.later(seconds=seconds).turn().returns(number, (results or {}).get(name, '"fine"'))
    return story.ends(output='"done"')


def told(found: RunDiff) -> list[tuple[str, str]]:
    frame = found.df()
    return list(zip(frame["step"], frame["change"].astype(str), strict=True))


def test_runs_that_did_the_same_are_the_same_whatever_the_time() -> None:
    found = diff(shop("reserve", "charge"), shop("reserve", "charge", seconds=5))
    assert found.is_same
    assert told(found) == [("reserve", "same"), ("charge", "same")]
    assert repr(found).splitlines()[0] == "Two runs of order: 2 same"
    assert "both are COMPLETED" in repr(found)


def test_what_only_one_did_stands_where_that_one_did_it() -> None:
    found = diff(shop("reserve", "wrap", "ship"), shop("reserve", "insure", "ship", "mail"))
    assert told(found) == [("reserve", "same"), ("wrap", "only in a"), ("insure", "only in b"), ("ship", "same"), ("mail", "only in b")]
    assert not found.is_same
    assert repr(found) == (
        "Two runs of order: 2 same, 1 only in a, 2 only in b\n"
        '  both are COMPLETED with "done"\n'
        "  = reserve                  same\n"
        '  - wrap                     only in a: "fine"\n'
        '  + insure                   only in b: "fine"\n'
        "  = ship                     same\n"
        '  + mail                     only in b: "fine"'
    )


def test_another_result_is_told_with_both() -> None:
    found = diff(shop("price"), shop("price", results={"price": "7"}))
    assert told(found) == [("price", "other result")]
    assert 'price                    other result: "fine" in a, 7 in b' in repr(found)
    row = found.df().iloc[0]
    assert (row["result_a"], row["result_b"]) == ("fine", 7)


def test_loops_are_paired_in_their_order_and_the_rest_of_the_longer_is_its_own() -> None:
    found = diff(shop("poll", "poll", "poll", "ship"), shop("poll", "ship"))
    assert told(found) == [("poll", "same"), ("poll", "only in a"), ("poll", "only in a"), ("ship", "same")]


def test_a_step_done_at_another_place_is_one_step_that_moved() -> None:
    found = diff(shop("reserve", "charge", "ship"), shop("charge", "reserve", "ship"))
    assert sorted(told(found)) == [("charge", "same"), ("reserve", "same"), ("ship", "same")]
    assert found.df()["moved"].sum() == 1
    assert not found.is_same
    assert "at another place" in repr(found)


def test_a_failure_in_one_is_another_outcome_and_the_ends_are_told() -> None:
    a, b = shop("charge"), Story()
    number = b.call("charge", payload='"for charge"')
    b.later(seconds=3).turn().fails(number, "ValueError", "card <b>17</b>").ends(Status.FAILED)
    found = diff(a, b)
    assert told(found) == [("charge", "other outcome")]
    assert 'a is COMPLETED with "done", b is FAILED' in repr(found)
    html = found._repr_html_()
    assert "<b>17</b>" not in html
    assert "card &lt;b&gt;17&lt;/b&gt;" in html
    row = found.df().iloc[0]
    assert (str(row["state_a"]), str(row["state_b"]), row["error_b"]) == ("COMPLETED", "FAILED", "ValueError: card <b>17</b>")
    assert row["difference"].total_seconds() == pytest.approx(row["took_b"].total_seconds() - row["took_a"].total_seconds())


def test_other_inputs_are_told_and_secrets_are_not() -> None:
    a, b = Story(payload='{"token": "s3cr3t", "n": 1}'), Story(payload='{"token": "0ther", "n": 2}')
    for story, given in ((a, '{"password": "hunter2"}'), (b, '{"password": "hunter3"}')):
        story.returns(story.call("login", payload=given)).ends()
    found = diff(a, b)
    assert told(found) == [("login", "other input")]
    shown = repr(found) + found._repr_html_()
    assert not any(secret in shown for secret in ("s3cr3t", "0ther", "hunter"))
    assert '{"token": "(hidden)", "n": 2} in b' in repr(found)


def test_two_large_fan_outs_are_aligned_at_once() -> None:
    names = ["begin", *["score"] * 20_000, "end"]
    a, b = Story(), Story()
    for story, calls in ((a, names), (b, [*names[:-1], "score", "check", "end"])):
        numbers = [story.call(name) for name in calls]
        story.turn()
        for number in numbers:
            story.returns(number)
        story.ends()
    pairs = paired(steps_of(a.instance, a.rows), steps_of(b.instance, b.rows))
    assert [pair.step.name for pair in pairs if pair.change != "same"] == ["score", "check"]
    shown = diff(a, b)
    assert "showing 400 of 20,004 steps" in repr(shown)
    assert shown._repr_html_().count("<tr") == 401


def test_a_run_is_compared_with_its_rerun(lab: wf.Lab) -> None:
    @wf.activity
    def charge(_: Any, amount: int) -> str:
        return f"charged {amount}"

    @wf.workflow
    def pay(ctx: wf.WorkflowContext, amount: int) -> Any:
        return (yield ctx.call_activity(charge, input=amount))

    first = lab.start(pay, 5)
    first.result(WITHIN_SECONDS)
    again = first.rerun(0, input=7)
    again.result(WITHIN_SECONDS)
    found = wf.diff(first, again.id)
    assert told(found) == [("charge", "other result")]
    assert 'a is COMPLETED with "charged 5", b is COMPLETED with "charged 7"' in repr(found)
    assert repr(first.diff(again)) == repr(found)
    assert not any(run.id in repr(found) for run in (first, again))
    with pytest.raises(InstanceNotFound):
        wf.diff(first, "nobody")
