"""`lab.lint`: rule by rule, what is allowed, how deep it looks, and how it tells."""

import asyncio
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import wflab as wf
from tests.lab.checking.test_on_edit import cell  # noqa: F401  # a fixture
from wfengine.errors import DefinitionNotFound, InvalidArgument
from wflab.linting.linting import lint
from wflab.linting.rules import RULES

TOTALS: dict[str, int] = {}
DICE = random.Random(1)


def rules(workflow: Callable[..., Any]) -> list[str]:
    return [one.rule for one in lint(workflow).findings]


def helper() -> float:
    return time.time()


def deeper() -> float:
    return helper()


@wf.alternate_name("registered")
def an_activity() -> float:
    return time.time()


def test_actions_that_depend_on_replaying_are_found() -> None:
    def skips(ctx: Any, _: Any) -> Any:
        if not ctx.is_replaying:
            yield ctx.call_activity("first")
        yield ctx.call_activity("second")

    def repeats(ctx: Any, _: Any) -> Any:
        if ctx.is_replaying:
            yield ctx.create_timer(timedelta(1))
        yield ctx.call_activity("second")

    assert rules(skips) == rules(repeats) == ["replaying"]


def test_a_yield_of_what_is_no_task_is_found() -> None:
    def yields(ctx: Any, _: Any) -> Any:
        yield
        yield [ctx.call_activity("a"), ctx.call_activity("b")]
        yield ctx.call_activity("a")

    assert rules(yields) == ["not-a-task", "not-a-task"]


def test_prints_and_logs_are_hints_and_none_where_history_is_not_replayed() -> None:
    def prints(ctx: Any, _: Any) -> Any:
        print("hello")  # noqa: T201
        if not ctx.is_replaying:
            print("once")  # noqa: T201
        yield ctx.call_activity("a")

    linted = lint(prints)
    assert linted.ok
    assert [(one.rule, one.source) for one in linted.hints] == [("output", 'print("hello")')]


def test_a_generator_with_a_seed_that_the_workflow_makes_is_fine_and_one_from_elsewhere_goes_on_where_the_last_replay_left_it() -> None:
    def seeded(ctx: Any, seed: int) -> Any:
        dice = random.Random(seed)
        yield ctx.create_timer(timedelta(seconds=random.Random(seed).uniform(1, 5) + dice.lognormvariate(0, 1)))

    def unseeded(ctx: Any, _: Any) -> Any:
        yield ctx.create_timer(timedelta(seconds=random.Random().uniform(1, 5)))

    def shared(ctx: Any, _: Any) -> Any:
        yield ctx.create_timer(timedelta(seconds=DICE.random()))

    assert rules(seeded) == []
    assert rules(unseeded) == rules(shared) == ["random"]


def test_it_looks_one_call_deep_and_not_into_activities() -> None:
    def calls(ctx: Any, _: Any) -> Any:
        first = helper()
        second = deeper()
        yield ctx.call_activity(an_activity, input=[first, second])
        return an_activity()

    [found] = lint(calls).findings
    assert (found.rule, found.function) == ("clock", "helper")
    assert found.via is not None
    assert found.line < found.via
    assert "in helper(), called in line" in repr(lint(calls))


def test_a_comment_allows_a_rule_at_its_line_only_and_at_a_call_what_that_leads_to() -> None:
    def allowed(ctx: Any, _: Any) -> Any:
        begin = time.time()  # wf: allow clock, random
        helper()  # wf: allow clock
        yield ctx.call_activity(
            "a",  # wf: allow random
            input=time.time() - begin,
        )

    assert rules(allowed) == ["clock"]


def test_what_an_activity_will_run_is_passed_over() -> None:
    def steps(ctx: Any, _: Any) -> Any:
        def read() -> str:
            return str(time.time())

        yield ctx.step(read)
        yield ctx.step(lambda: time.time(), name="now")  # noqa: PLW0108
        yield ctx.step(time.time, name="now")

    assert rules(steps) == []


def test_state_outside_is_found_where_it_is_written_and_where_others_write_what_is_read() -> None:
    def writes(ctx: Any, given: Any) -> Any:
        TOTALS[given] = 1
        TOTALS.update(given)
        yield ctx.call_activity("a")

    def hides(ctx: Any, given: Any) -> Any:
        TOTALS = {}  # noqa: N806
        TOTALS[given] = 1
        yield ctx.call_activity("a", input=TOTALS)

    count = 0

    def outside(ctx: Any, _: Any) -> Any:
        nonlocal count
        count += 1
        yield ctx.call_activity("a")

    assert rules(writes) == ["global-state", "global-state"]
    assert rules(hides) == []
    assert rules(outside) == ["global-state"]


def test_line_and_column_are_those_of_the_file() -> None:
    def stamped(ctx: Any, _: Any) -> Any:
        yield ctx.call_activity("a", input=str(datetime.now()))  # noqa: DTZ005

    [found] = lint(stamped).findings
    first = stamped.__code__.co_firstlineno
    assert (found.line, found.column) == (first + 1, 48)
    assert "ctx.current_utc_datetime" in found.fix


def test_the_result_has_a_text_a_frame_and_a_picture_that_are_stable_and_safe() -> None:
    async def sleeps(_ctx: Any, _: Any) -> None:
        await asyncio.sleep("<b>")  # type: ignore[call-overload]

    linted = lint(sleeps)
    line = sleeps.__code__.co_firstlineno + 1
    assert repr(linted) == (
        f"sleeps: 1 finding.\n  line {line}, column 15: sleep\n"
        "    asyncio.sleep() waits, and nobody records it.\n"
        '    > await asyncio.sleep("<b>")\n'
        "    Instead: ctx.create_timer(timedelta(...)), awaited."
    )
    assert list(linted.df().rule) == ["sleep"]
    assert "<b>" not in linted._repr_html_()
    assert lint(helper_free).headline == "helper_free: nothing found that differs between replays."
    assert lint(helper_free).df().empty


def helper_free(ctx: Any, _: Any) -> Any:
    yield ctx.call_activity("a")


def test_a_registered_workflow_is_found_by_its_name(lab: wf.Lab) -> None:
    wf.WorkflowRuntime(lab=lab).register_workflow(helper_free)
    assert lab.lint("helper_free").ok
    assert lab.lint(helper_free).ok
    with pytest.raises(DefinitionNotFound):
        lab.lint("nobody")
    with pytest.raises(InvalidArgument, match="lint takes a workflow"):
        lab.lint(5)  # type: ignore[arg-type]


SURE = """
import wflab as wf, time
@wf.workflow
def timed(ctx, order):
    yield ctx.call_activity("work", input=time.time())
"""


def test_a_cell_that_defines_a_workflow_says_in_one_line_what_surely_differs(cell: Callable[[str], str]) -> None:  # noqa: F811
    said = cell(SURE)
    assert said == (
        "timed may differ between replays. line 4: time.time() reads the machine's clock (clock). "
        "lab.lint('timed') tells what to write instead."
    )
    assert cell(SURE) == "", "nothing has changed"
    assert cell(SURE.replace("time.time()", "order")) == ""
    assert cell(SURE.replace("input=time.time()", "input=hash(order)")) == "", "quiet about what is less sure"
    cell("lab.lint_on_define = False")
    assert cell(SURE) == ""


def test_every_rule_says_what_it_finds_and_what_to_write_instead() -> None:
    assert all(rule.finds and rule.fix and rule.id == key for key, rule in RULES.items())
