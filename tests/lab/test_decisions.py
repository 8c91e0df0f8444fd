"""One answer for each wait, whoever gives it and from wherever."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from wfengine.errors import InstanceNotFound, InvalidArgument
from wflab.decisions import Decided
from wflab.protocol import Act, Notice

SCHEMA = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "note": {"type": "string", "maxLength": 200, "default": "-"}},
    "required": ["approved"],
}


@pytest.fixture(autouse=True)
def _defined(lab: wf.Lab) -> None:
    assert wf.current_lab() is lab

    @wf.workflow
    def asks(ctx: wf.DaprWorkflowContext, hours: float) -> Any:
        try:
            answer = yield ctx.wait_for_external_event("approval", timeout=timedelta(hours=hours), title="Ship?", schema=SCHEMA)
        except TimeoutError:
            answer = "timeout"
        yield ctx.wait_for_external_event("go")
        return answer

    @wf.workflow
    def bare(ctx: wf.DaprWorkflowContext, _: Any) -> Any:
        return (yield ctx.wait_for_external_event("approval"))


def asked(lab: wf.Lab, workflow: str = "asks", instance_id: str = "w") -> wf.Run:
    run = lab.start(workflow, 1, instance_id=instance_id)
    lab.engine.wait_for_workflow_start(run.id, 20)
    return run


def decide(lab: wf.Lab, data: Any, verb: str = "approve", *, wait_id: str = "a0", **more: Any) -> Decided:
    return lab.decisions.decide("w", wait_id, "approval", data, verb=verb, where="test", **more).result(20)


def events(run: wf.Run) -> int:
    return int((run.history().type == "EventRaised").sum())


def test_who_is_first_wins_and_who_is_later_reads_who_was(lab: wf.Lab) -> None:
    run = asked(lab)
    won = decide(lab, {"approved": False}, "reject", comment="too dear")
    lost = decide(lab, {"approved": True})
    assert won.won
    assert not lost.won
    assert (lost.who, lost.verb) == (won.who, "reject")
    assert re.fullmatch(rf"already decided by {won.who} at \d\d:\d\d:\d\d", lost.reason)
    assert events(run) == 1
    (row,) = lab.sql("SELECT who, what, from_where, why, instance_id FROM audit").to_dict("records")
    assert row == {"who": won.who, "what": "reject approval", "from_where": "test", "why": "too dear", "instance_id": "w"}


def test_everybody_at_once_display_handle_and_sidebar_makes_one_event(lab: wf.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    run = asked(lab)
    told: list[Notice] = []
    outcomes: list[Decided] = []
    act = Act(act="raise", token="t", wait_id="a0", event="approval", data={"approved": True}, verb="approve")  # noqa: S106  # of a click
    work = [lambda: lab.decisions.answer(act, "w", "display", told.append) for _ in range(20)]
    work += [lambda: outcomes.append(decide(lab, {"approved": False}, "reject")) for _ in range(20)]
    work += [lambda: run.approve("approval") for _ in range(5)]
    threads = [threading.Thread(target=job, daemon=True) for job in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    decide(lab, {"approved": False})  # jobs are carried out in order: all have been by now
    assert events(run) == 1
    winners = sum(not notice.text for notice in told) + sum(one.won for one in outcomes)
    assert winners <= 1
    assert lab.sql("SELECT count(*) AS n FROM audit WHERE what NOT LIKE 'raise_event%'").n[0] == 1
    said = capsys.readouterr().out
    assert winners == 1 or said.count("already decided by") == 4


def test_an_answer_that_does_not_fit_is_not_delivered_and_the_wait_stays_open(lab: wf.Lab) -> None:
    run = asked(lab)
    with pytest.raises(InvalidArgument, match=r"does not fit its schema: note: .*too long"):
        decide(lab, {"approved": True, "note": "x" * 201})
    assert events(run) == 0
    assert decide(lab, {"approved": True}).won


def test_a_plain_yes_becomes_what_the_schema_calls_one(lab: wf.Lab) -> None:
    run = asked(lab)
    run.approve()
    run.raise_event("go")
    assert run.result(20) == {"approved": True, "note": "-"}
    other = asked(lab, "bare", "b")
    other.reject()
    assert other.result(20) is False


def test_after_the_deadline_nothing_is_delivered_and_the_moment_is_told(lab: wf.Lab) -> None:
    lab.clock.virtual()
    run = asked(lab)
    lab.clock.advance(timedelta(hours=2))
    late = decide(lab, {"approved": True})
    assert not late.won
    assert re.fullmatch(r"timed out at \d\d:\d\d:\d\d, the workflow took the timeout branch", late.reason)
    assert events(run) == 0
    assert "TimerFired" in set(run.history().type)
    run.raise_event("go")
    assert run.result(20) == "timeout"
    assert "timed out at" in decide(lab, {"approved": True}).reason, "also once the run is over"


def test_nothing_stale_answers_after_a_purge(lab: wf.Lab) -> None:
    run = asked(lab)
    key = lab.engine.key_of("w")
    run.terminate()
    ended = decide(lab, {"approved": True}, key=key)
    assert ended.reason.startswith("asks is TERMINATED since")
    run.purge()
    with pytest.raises(InstanceNotFound):
        decide(lab, {"approved": True}, key=key)
    again = asked(lab)
    stale = decide(lab, {"approved": True}, key=key)
    assert not stale.won
    assert events(again) == 0
    with pytest.raises(InvalidArgument, match="no wait 'e7'"):
        decide(lab, {}, wait_id="e7")


def test_an_event_that_nobody_waits_for_is_kept_as_before(lab: wf.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    run = asked(lab)
    run.approve("later")
    assert "kept: asks does not wait for 'later' just now (it waits for approval)." in capsys.readouterr().out
    assert events(run) == 1


def test_what_was_decided_by_a_program_or_in_another_kernel_is_told_too(lab: wf.Lab) -> None:
    run = asked(lab)
    run.raise_event("approval", {"approved": True})
    lost = decide(lab, {"approved": True})
    assert (lost.won, lost.verb) == (False, "raise_event")
    lab.engine.schedule_new_workflow("bare", instance_id="w2")
    lab.engine.raise_workflow_event("w2", "approval", data=1)
    lab.engine.wait_for_workflow_completion("w2", 20)
    lost = lab.decisions.decide("w2", "a0", "approval", data=True, verb="approve", where="test").result(20)
    assert (lost.won, lost.who) == (False, "")


def test_an_act_beside_the_answers_is_a_row_of_audit(lab: wf.Lab) -> None:
    asked(lab)
    lab.decisions.note("w", "delegate approval", where="inbox", why="bob").result(20)
    assert lab.sql("SELECT what, why, instance_id FROM audit").to_dict("records") == [
        {"what": "delegate approval", "why": "bob", "instance_id": "w"}
    ]


def test_a_closed_lab_says_so(lab: wf.Lab) -> None:
    asked(lab)
    lab.close()
    with pytest.raises(wf.WflabError):
        decide(lab, {"approved": True})
