"""Call-sites are read from text: what it says for certain is known, what it does not is not guessed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wflab.analytics.call_sites import CallSite, Sites, call_sites, planned_of

ESCALATION = """
@wfr.workflow(name="request_escalation")
def request_escalation(ctx: wf.DaprWorkflowContext, order: dict):
    if order["amount"] < 1000:
        yield ctx.call_activity(auto_approve, input=order)
        return "auto-approved"
    approval = ctx.wait_for_external_event("human_approval")
    timeout = ctx.create_timer(timedelta(days=7))
    if (yield wf.when_any([approval, timeout])) == timeout:
        return (yield ctx.call_activity(handle_timeout, input=order))
    return (yield ctx.call_activity(activities.process_approval, input=approval.get_result()))
"""


def told(source: str) -> list[tuple[Any, ...]]:
    return [(site.kind, site.callee, site.line) for site in call_sites(source)]


def only(body: str, before: str = "def order(ctx, given):") -> CallSite:
    [site] = call_sites(f"{before}\n{body}")
    return site


def test_every_call_has_its_kind_its_callee_and_its_line_in_the_order_of_the_text() -> None:
    assert told(ESCALATION) == [
        ("activity", "auto_approve", 5),
        ("event_wait", "human_approval", 7),
        ("timer", None, 8),
        ("activity", "handle_timeout", 10),
        ("activity", "process_approval", 11),
    ]
    assert [site.is_in_branch for site in call_sites(ESCALATION)] == [True, False, False, True, False]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("ctx.call_activity('charge')", ("activity", "charge")),
        ("ctx.call_activity(activity=charge, input=1)", ("activity", "charge")),
        ("ctx.call_child_workflow(ship)", ("child", "ship")),
        ("ctx.schedule_new_workflow(workflow=report)", ("detached", "report")),
        ("ctx.step(fetch, 1)", ("activity", "fetch")),
        ("ctx.step(lambda: 1, name='one')", ("activity", "one")),
        ("ctx.wait_for_external_event(name='paid')", ("event_wait", "paid")),
        ("ctx.continue_as_new(1)", ("can", None)),
        ("ctx.call_activity(given)", ("activity", None)),
        ("ctx.call_activity(CHARGE)", ("activity", None)),
        ("ctx.call_activity(pick(1))", ("activity", None)),
        ("ctx.wait_for_external_event(f'paid-{given}')", ("event_wait", None)),
        ("audit(ctx)", ("helper", "audit")),
        ("call = ctx.call_activity", ("activity", None)),
        ("kept = [ctx]", ("helper", None)),
    ],
)
def test_a_callee_is_a_name_where_it_is_certain(call: str, expected: tuple[str, str | None]) -> None:
    site = only(f"    {call}")
    assert (site.kind, site.callee) == expected


def test_calls_in_loops_and_comprehensions_may_be_passed_many_times() -> None:
    source = """
async def order(ctx, given):
    for one in await ctx.call_activity(listed):
        await ctx.call_activity(charge, input=one)
    await when_all([ctx.call_activity(ship, input=one) for one in given])
    while await ctx.call_activity(check):
        pass
    await ctx.call_activity(close)
"""
    assert [(site.callee, site.is_in_loop) for site in call_sites(source)] == [
        ("listed", False),
        ("charge", True),
        ("ship", True),
        ("check", True),
        ("close", False),
    ]


def test_branches_tell_which_of_them_exclude_each_other() -> None:
    source = """
def order(ctx, given):
    if given:
        yield ctx.call_activity(a)
    elif ctx.is_replaying:
        yield ctx.call_activity(b)
    else:
        yield ctx.call_activity(c)
    try:
        yield ctx.call_activity(d)
    except Exception:
        yield ctx.call_activity(e)
    match given:
        case 1:
            yield ctx.call_activity(f)
    given and (yield ctx.call_activity(g))
"""
    assert [(site.callee, site.within) for site in call_sites(source)] == [
        ("a", ("if 3",)),
        ("b", ("else 3", "if 5")),
        ("c", ("else 3", "else 5")),
        ("d", ()),
        ("e", ("except 11",)),
        ("f", ("case 15",)),
        ("g", ("if 16",)),
    ]


def test_a_sagas_step_stands_there_with_its_undo_which_no_plan_has() -> None:
    source = """
def trip(ctx, given):
    saga = wf.Saga(ctx)
    try:
        yield saga.step(book, undo=cancel)
    except wf.TaskFailedError:
        yield from saga.compensate()
"""
    assert [(site.callee, site.is_undo) for site in call_sites(source)] == [("book", False), ("cancel", True)]
    assert [site.callee for site in planned_of(source)] == ["book"]


def test_the_code_of_inner_functions_is_read_and_that_of_others_is_a_helper_outside_the_plan() -> None:
    source = """
def order(ctx, given):
    def twice(context):
        yield context.call_activity(charge)
    yield from twice(ctx)
    yield from elsewhere(ctx)
"""
    assert told(source) == [("activity", "charge", 4), ("helper", "elsewhere", 6)]
    inner = call_sites(source)[0]
    assert inner.is_in_loop
    assert inner.is_in_branch
    assert [site.kind for site in planned_of(source)] == ["activity"]


def test_an_indented_source_is_read_with_the_lines_it_has() -> None:
    source = (
        '    def order(self, ctx, given):\n        """Told\nbadly."""\n        yield ctx.step(charge, 1)\n        ctx.continue_as_new(1)\n'
    )
    assert told(source) == [("activity", "charge", 4), ("can", None, 5)]


def test_a_line_is_told_where_one_site_alone_can_have_asked() -> None:
    sites = Sites(call_sites(ESCALATION))
    assert [sites.line_of("activity", name) for name in ("auto_approve", "handle_timeout", "unheard_of")] == [5, 10, None]
    assert sites.line_of("timer", "timer 7 d") == 8
    assert sites.line_of("event_wait", "human_approval") == 7


@pytest.mark.parametrize("other", ["ctx.call_activity(auto_approve)", "ctx.call_activity(order['next'])", "notify(ctx)"])
def test_no_line_is_told_where_another_site_could_have_asked_too(other: str) -> None:
    assert Sites(call_sites(f"{ESCALATION}    {other}\n")).line_of("activity", "auto_approve") is None


def test_a_second_timer_leaves_both_without_a_line() -> None:
    assert Sites(call_sites(f"{ESCALATION}    ctx.create_timer(given)\n")).line_of("timer", "timer 7 d") is None


@pytest.mark.parametrize("source", [None, "", "def order(ctx:", "\0", "lambda ctx: ctx.create_timer(1)),", "(" * 5000])
def test_text_that_is_no_python_has_no_call_sites(source: str | None) -> None:
    assert call_sites(source) == []
    assert planned_of(source) == []


@given(st.text(alphabet="abctx .()[]=:\n'\"#lambdfor01*@,", max_size=200))
def test_no_text_makes_the_reading_fail(text: str) -> None:
    call_sites(text)
    call_sites(f"def order(ctx):\n    {text}")


def test_a_sagas_point_of_no_return_is_known() -> None:
    source = """
def trip(ctx, given):
    saga = wf.Saga(ctx)
    yield saga.step(book, undo=cancel)
    yield saga.step(charge, pivot=True)
    yield saga.step(ship, pivot=is_last)
    yield ctx.step(tell)
"""
    assert [(site.callee, site.is_saga_step, site.is_pivot) for site in planned_of(source)] == [
        ("book", True, False),
        ("charge", True, True),
        ("ship", True, False),
        ("tell", False, False),
    ]
