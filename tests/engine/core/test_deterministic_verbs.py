"""A16 and A17: what a workflow draws, asks the time of, and logs is the same at every replay."""

from datetime import timedelta
from typing import Any

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps


def test_deterministic_helpers_give_the_same_at_every_replay_and_differ_between_calls() -> None:
    drawn: list[list[Any]] = []

    def draws(ctx: WorkflowContext, _: Any) -> Steps:
        seen = [
            str(ctx.new_guid()),
            str(ctx.uuid4()),
            ctx.random().random(),
            ctx.random_int(1, 6),
            ctx.random_int(),
            ctx.random_choice("abc"),
            ctx.random_string(8),
            ctx.random_string(8, alphabet="x"),
            str(ctx.now()),
            str(ctx.now_with_sequence()),
            str(ctx.now_with_sequence()),
        ]
        drawn.append(seen)
        yield ctx.call_activity("a", input=seen)

    play = Rehearsal(draws)
    play.start()
    play.rebuilt()
    assert drawn[0] == drawn[1] == drawn[2]
    one, two, share, die, anything, letter, text, same, now, first, second = drawn[0]
    assert one != two
    assert 0 <= share < 1
    assert 1 <= die <= 6
    assert 0 <= anything < 2**31
    assert letter in "abc"
    assert text.isalnum()
    assert same == "xxxxxxxx"
    assert now == str(BEGINNING.replace(tzinfo=None)) == first
    assert second == str(BEGINNING.replace(tzinfo=None) + timedelta(microseconds=1))


class Lines:
    """Something like a logger."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.name = "lines"

    def info(self, line: str) -> None:
        self.lines.append(line)


def test_a_replay_safe_logger_logs_each_line_once() -> None:
    lines = Lines()

    def logs(ctx: WorkflowContext, _: Any) -> Steps:
        log = ctx.create_replay_safe_logger(lines)
        log.info("begun")
        assert log.name == "lines"
        yield ctx.call_activity("a")
        log.info("done")

    execution = Execution(logs)
    play = Rehearsal(lambda ctx, _: (yield ctx.call_activity("a")))
    play.start()
    execution.replay(play.history)
    assert lines.lines == []
    execution.advance([play.completed(0)])
    assert lines.lines == ["done"]
