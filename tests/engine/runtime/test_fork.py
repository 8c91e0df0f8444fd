"""Fork: a new instance shares the past of any one, running or ended, and goes on from there with what was edited; the source stays as it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import (
    DefinitionNotFound,
    InstanceAlreadyExists,
    InstanceNotFound,
    InvalidArgument,
    NonDeterminismError,
    PayloadError,
    TaskFailedError,
)
from wfengine.model import history as h
from wfengine.model.instance import Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]
SOURCE = "source"


class Shop:
    """Activities that note how often they run and under which idempotency key."""

    def __init__(self, engine: Engine) -> None:
        self.ran: list[str] = []
        self.keys: list[str] = []
        self.register(engine)

    def register(self, engine: Engine) -> None:
        for activity in (self.reserve, self.charge, self.ship):
            engine.register_activity(activity, activity.__name__)
        for workflow in (order, approval, family, child):
            engine.register_workflow(workflow)

    def reserve(self, _ctx: Any, item: str) -> str:
        self.ran.append("reserve")
        return f"{item} reserved"

    def charge(self, _ctx: Any, amount: int) -> int:
        self.ran.append("charge")
        if amount < 0:
            raise ValueError("no money")
        return amount

    def ship(self, ctx: Any, what: Any) -> str:
        self.ran.append("ship")
        self.keys.append(ctx.task_execution_id)
        return f"shipped {what}"


def order(ctx: WorkflowContext, given: dict[str, Any]) -> Steps:
    number = ctx.random_int(0, 10**9)
    reserved, paid = yield when_all([ctx.call_activity("reserve", input=given["item"]), ctx.call_activity("charge", input=given["amount"])])
    ctx.set_custom_status("paid")
    shipped = yield ctx.call_activity("ship", input=[reserved, paid])
    return [number, shipped]


def approval(ctx: WorkflowContext, _: Any) -> Steps:
    ctx.set_custom_status("asking")
    answer, timer = ctx.wait_for_external_event("answer"), ctx.create_timer(timedelta(days=7))
    first = yield when_any([answer, timer])
    if first is timer:
        return "too late"
    paid = yield ctx.call_activity("charge", input=answer.get_result())
    return f"charged {paid}"


def family(ctx: WorkflowContext, _: Any) -> Steps:
    first = yield ctx.call_child_workflow("child", input="first")
    second = yield ctx.call_child_workflow("child", input="second", instance_id="second-child")
    return [first, second]


def child(ctx: WorkflowContext, what: str) -> Steps:
    yield ctx.wait_for_external_event("go")
    return f"{what} of {ctx.instance_id}"


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return Shop(engine)


def run(engine: Engine, workflow: str = "order", given: Any = None, instance_id: str = SOURCE) -> Any:
    engine.schedule_new_workflow(workflow, input=given, instance_id=instance_id)
    return done(engine, instance_id)


def done(engine: Engine, instance_id: str) -> Any:
    state = engine.wait_for_workflow_completion(instance_id, 20)
    assert state.status is Status.COMPLETED, state
    return state.output


def place(engine: Engine, kind: type[h.HistoryEvent], number: int = 0, instance_id: str = SOURCE) -> int:
    return [row.sequence for row in engine.history(instance_id) if isinstance(row.event, kind)][number]


def rows_of(engine: Engine, instance_id: str) -> list[Any]:
    """All that the tables hold of an instance, cell by cell."""
    key = engine.key_of(instance_id)
    with engine.store.cursor() as cursor:
        return [
            cursor.execute(f"SELECT * FROM {table} WHERE instance = ? ORDER BY ALL", [key]).fetchall()  # noqa: S608
            for table in ("history", "runs")
        ]


BOOK = {"item": "book", "amount": 10}


def test_a_fork_of_an_ended_run_makes_its_last_turn_again(engine: Engine, shop: Shop) -> None:
    output = run(engine, given=BOOK)
    fork = engine.fork_workflow(SOURCE)
    assert done(engine, fork) == output, "random numbers are drawn as the source drew them"
    assert len(shop.ran) == 3, "what had completed is not made again"


def test_a_fork_at_an_event_makes_again_what_was_open_there(engine: Engine, shop: Shop) -> None:
    run(engine, given=BOOK)
    fork = engine.fork_workflow(SOURCE, place(engine, h.TaskScheduled, 2))
    assert "shipped ['book reserved', 10]" in done(engine, fork)
    assert shop.ran[3:] == ["ship"]
    assert len(set(shop.keys)) == 2, "it has an idempotency key of its own"


def test_nothing_after_the_fork_is_inherited(engine: Engine, shop: Shop) -> None:
    run(engine, given=BOOK)
    completed = place(engine, h.TaskCompleted, 0)
    fork = engine.fork_workflow(SOURCE, completed)
    done(engine, fork)
    assert len(shop.ran) == 5, "one of the two that ran side by side had not completed, and what came after it is made anew"


@pytest.mark.parametrize("at", range(7))
def test_a_fork_at_any_event_comes_to_the_same_end(engine: Engine, shop: Shop, at: int) -> None:
    output = run(engine, given=BOOK)
    assert done(engine, engine.fork_workflow(SOURCE, at)) == output
    assert set(shop.ran) == {"reserve", "charge", "ship"}


@pytest.mark.parametrize("at", [None, 0, 4, 7])
def test_the_source_stays_byte_identical(engine: Engine, shop: Shop, at: int | None) -> None:
    del shop
    run(engine, given=BOOK)
    before = rows_of(engine, SOURCE)
    done(engine, engine.fork_workflow(SOURCE, at, edit={"input": {"item": "map", "amount": 3}} if at == 0 else None))
    assert rows_of(engine, SOURCE) == before


def test_an_edited_input_starts_over_with_it(engine: Engine, shop: Shop) -> None:
    run(engine, given=BOOK)
    fork = engine.fork_workflow(SOURCE, edit={"input": {"item": "map", "amount": 3}})
    assert "shipped ['map reserved', 3]" in done(engine, fork)
    assert len(shop.ran) == 6
    state = engine.get_workflow_state(fork)
    assert state is not None
    assert state.input == '{"item": "map", "amount": 3}'


@pytest.mark.parametrize("by", ["place", "call", "name"])
def test_an_edited_result_goes_on_from_there(engine: Engine, shop: Shop, by: str) -> None:
    run(engine, given=BOOK)
    outcome = next(
        row.sequence for row in engine.history(SOURCE) if isinstance(row.event, h.TaskCompleted) and row.event.task_scheduled_id == 1
    )
    keys: dict[str, int | str] = {"place": outcome, "call": place(engine, h.TaskScheduled, 1), "name": "charge"}
    fork = engine.fork_workflow(SOURCE, edit={keys[by]: 99})
    assert "99" in done(engine, fork)
    assert "charge" not in shop.ran[3:]
    assert "ship" in shop.ran[3:]


def test_a_failure_can_be_edited_away_and_a_result_into_a_failure(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("order", input={"item": "book", "amount": -1}, instance_id=SOURCE)
    assert engine.wait_for_workflow_completion(SOURCE, 20).status is Status.FAILED
    mended = engine.fork_workflow(SOURCE, edit={"charge": 5})
    assert "5" in done(engine, mended)
    broken = engine.fork_workflow(mended, edit={"ship": ValueError("the road is closed")})
    state = engine.wait_for_workflow_completion(broken, 20)
    assert state.status is Status.FAILED
    assert state.failure is not None
    assert "the road is closed" in state.failure.message


def test_an_edited_answer_replaces_the_one_that_was_given(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.raise_workflow_event(SOURCE, "answer", data=1)
    assert done(engine, SOURCE) == '"charged 1"'
    assert done(engine, engine.fork_workflow(SOURCE, edit={"answer": 2})) == '"charged 2"'


def test_a_fork_before_an_answer_does_not_use_it_again(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    engine.raise_workflow_event(SOURCE, "answer", data=1)
    done(engine, SOURCE)
    fork = engine.fork_workflow(SOURCE, place(engine, h.TimerCreated, 1))
    assert len(engine.awaited(fork)) == 1
    engine.raise_workflow_event(fork, "answer", data=7)
    assert done(engine, fork) == '"charged 7"'


def test_a_running_instance_is_forked_as_it_stands_and_goes_on_itself(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    fork = engine.fork_workflow(SOURCE)
    state = engine.get_workflow_state(fork)
    assert state is not None
    assert (state.status, state.custom_status) == (Status.RUNNING, "asking")
    engine.raise_workflow_event(fork, "answer", data=2)
    engine.raise_workflow_event(SOURCE, "answer", data=1)
    assert (done(engine, fork), done(engine, SOURCE)) == ('"charged 2"', '"charged 1"')


def test_an_open_timer_runs_its_whole_span_or_the_one_it_is_given(engine: Engine, shop: Shop, advance: Advance) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    advance(timedelta(days=6))
    timer = place(engine, h.TimerCreated, 1)
    whole = engine.fork_workflow(SOURCE)
    short = engine.fork_workflow(SOURCE, edit={timer: timedelta(hours=1)})
    at_once = engine.fork_workflow(SOURCE, edit={timer: None})
    assert done(engine, at_once) == '"too late"'
    advance(timedelta(hours=2))
    assert done(engine, short) == '"too late"'
    advance(timedelta(days=2))
    assert done(engine, SOURCE) == '"too late"'
    state = engine.get_workflow_state(whole)
    assert state is not None
    assert state.status is Status.RUNNING
    advance(timedelta(days=5))
    assert done(engine, whole) == '"too late"'


def test_children_that_completed_keep_their_results_and_open_ones_start_anew(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("family", instance_id=SOURCE)
    engine.wait_for_workflow_start(f"{SOURCE}:0000", 20)
    engine.raise_workflow_event(f"{SOURCE}:0000", "go")
    engine.wait_for_workflow_completion(f"{SOURCE}:0000", 20)
    engine.wait_for_workflow_start("second-child", 20)
    fork = engine.fork_workflow(SOURCE, new_instance_id="fork")
    engine.wait_for_workflow_start("fork:0001", 20)
    engine.raise_workflow_event("fork:0001", "go")
    assert done(engine, fork) == '["first of source:0000", "second of fork:0001"]'
    state = engine.get_workflow_state("second-child")
    assert state is not None
    assert state.status is Status.RUNNING, "the source's child is nobody else's"


def test_a_fork_of_a_child_is_nobodys_child(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("family", instance_id=SOURCE)
    engine.wait_for_workflow_start(f"{SOURCE}:0000", 20)
    fork = engine.fork_workflow(f"{SOURCE}:0000", new_instance_id="fork")
    engine.raise_workflow_event(fork, "go")
    done(engine, fork)
    state = engine.get_workflow_state(fork)
    assert state is not None
    assert state.parent is None


def test_other_code_must_agree_with_the_shared_past_and_then_goes_its_own_way(engine: Engine, shop: Shop) -> None:
    output = run(engine, given=BOOK)

    def gift(ctx: WorkflowContext, given: dict[str, Any]) -> Steps:
        yield when_all([ctx.call_activity("reserve", input=given["item"]), ctx.call_activity("charge", input=given["amount"])])
        return (yield ctx.call_activity("wrap"))

    engine.register_activity(lambda _ctx: "wrapped", "wrap")
    before = rows_of(engine, SOURCE)
    with pytest.raises(
        NonDeterminismError, match=r"Recorded is call_activity\('ship'\), the code asks for call_activity\('wrap'\)"
    ) as caught:
        engine.fork_workflow(SOURCE, code=gift, new_instance_id="fork")
    assert engine.key_of("fork") is None
    assert engine.registry.versions("order") == [], "what was refused is not registered"
    assert "at=4" in str(caught.value) or "at=5" in str(caught.value)
    earlier = int(str(caught.value).split("at=")[1].rstrip("."))
    assert done(engine, engine.fork_workflow(SOURCE, earlier, code=gift, new_instance_id="fork")) == '"wrapped"'
    state = engine.get_workflow_state("fork")
    assert state is not None
    assert (state.name, state.version) == ("order", "gift")
    assert rows_of(engine, SOURCE) == before
    assert run(engine, given=BOOK, instance_id="new")[:1] == output[:1], "new instances run what they ran before"
    assert shop.ran.count("ship") == 2


def test_code_that_is_registered_runs_under_its_own_name(engine: Engine, shop: Shop) -> None:
    del shop
    run(engine, given=BOOK)

    def cheap(ctx: WorkflowContext, given: dict[str, Any]) -> Steps:
        del given
        return ctx.workflow_name
        yield

    engine.register_workflow(cheap)
    for code in (cheap, "cheap"):
        fork = engine.fork_workflow(SOURCE, 0, code=code)
        assert done(engine, fork) == '"cheap"'
        state = engine.get_workflow_state(fork)
        assert state is not None
        assert (state.name, state.version) == ("cheap", None)
    with pytest.raises(DefinitionNotFound):
        engine.fork_workflow(SOURCE, 0, code="nobody")


def test_code_of_the_same_name_stands_aside(engine: Engine, shop: Shop) -> None:
    del shop
    output = run(engine, given=BOOK)

    def order(ctx: WorkflowContext, given: dict[str, Any]) -> str:  # another of that name
        del ctx
        return f"only {given['item']}"

    assert done(engine, engine.fork_workflow(SOURCE, 0, code=order)) == '"only book"'
    [version] = engine.registry.versions("order")
    assert version.startswith("fork-")
    assert run(engine, given=BOOK, instance_id="new")[-20:] == output[-20:]


def test_a_fork_runs_the_newest_code_so_that_mended_code_can_be_tried_on_a_failed_run(engine: Engine) -> None:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("one")
        raise TaskFailedError("broken", None)  # type: ignore[arg-type]

    engine.register_workflow(flow)
    engine.register_activity(lambda _ctx: 1, "one")
    engine.schedule_new_workflow("flow", instance_id=SOURCE)
    engine.wait_for_workflow_completion(SOURCE, 20)

    def mended(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_activity("one"))

    engine.register_workflow(mended, "flow")
    assert done(engine, engine.fork_workflow(SOURCE)) == "1"


def test_an_edit_that_sends_the_code_another_way_before_the_fork_is_refused(engine: Engine, shop: Shop) -> None:
    del shop

    def choosing(ctx: WorkflowContext, _: Any) -> Steps:
        amount = yield ctx.call_activity("charge", input=1)
        yield ctx.call_activity("ship" if amount < 5 else "reserve", input="x")
        return "done"

    engine.register_workflow(choosing)
    run(engine, "choosing")
    last = len(engine.history(SOURCE)) - 1
    with pytest.raises(NonDeterminismError, match=r"asks for call_activity\('reserve'\).*at=2"):
        engine.fork_workflow(SOURCE, last, edit={"charge": 9})
    assert done(engine, engine.fork_workflow(SOURCE, 2, edit={"charge": 9})) == '"done"'


def test_a_fork_tells_whose_past_it_shares_also_a_fork_of_a_fork_and_a_rerun(engine: Engine, shop: Shop) -> None:
    del shop
    run(engine, given=BOOK)
    fork = engine.fork_workflow(SOURCE, 4, new_instance_id="fork")
    done(engine, fork)
    third = engine.fork_workflow("fork", 4, new_instance_id="third")
    rerun = engine.rerun_workflow_from_event("fork", 0, new_instance_id="rerun")
    for one, source in ((fork, SOURCE), (third, "fork"), (rerun, "fork")):
        done(engine, one)
        started = engine.history(one)[0].event
        assert isinstance(started, h.ExecutionStarted)
        assert started.forked_from is not None
        assert (started.forked_from.instance_id, started.forked_from.key) == (source, engine.key_of(source))
    started = engine.history(fork)[0].event
    assert isinstance(started, h.ExecutionStarted)
    assert started.forked_from is not None
    assert started.forked_from.at == 4


def test_a_fork_survives_a_restart_and_replays(opened: Opener, engine: Engine, shop: Shop) -> None:
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    engine.fork_workflow(SOURCE, new_instance_id="fork")
    engine.close()
    engine = opened()
    shop.register(engine)
    engine.raise_workflow_event("fork", "answer", data=3)
    assert done(engine, "fork") == '"charged 3"'


def test_a_generation_of_continue_as_new_is_forked_with_its_carried_events(engine: Engine) -> None:
    def counts(ctx: WorkflowContext, number: int) -> Steps:
        got = yield ctx.wait_for_external_event("add")
        if number == 0:
            ctx.continue_as_new(got, save_events=True)
            return None
        yield ctx.wait_for_external_event("stop")
        return [number, got]

    engine.register_workflow(counts)
    engine.schedule_new_workflow("counts", input=0, instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    engine.pause_workflow(SOURCE)
    for number in (1, 2):
        engine.raise_workflow_event(SOURCE, "add", data=number)
    engine.raise_workflow_event(SOURCE, "stop")
    engine.resume_workflow(SOURCE)
    assert done(engine, SOURCE) == "[1, 2]"
    assert engine.history(SOURCE)[0].turn == 0, "what the generation begins with was recorded before its code ran"
    assert done(engine, engine.fork_workflow(SOURCE)) == "[1, 2]"
    assert done(engine, engine.fork_workflow(SOURCE, 2, edit={"input": 5})) == "[5, 2]"


def test_a_terminated_run_is_forked_as_it_stood_before(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    engine.terminate_workflow(SOURCE)
    engine.wait_for_workflow_completion(SOURCE, 20)
    fork = engine.fork_workflow(SOURCE)
    engine.raise_workflow_event(fork, "answer", data=4)
    assert done(engine, fork) == '"charged 4"'


def test_a_suspended_run_is_forked_suspended(engine: Engine, shop: Shop) -> None:
    del shop
    engine.schedule_new_workflow("approval", instance_id=SOURCE)
    engine.wait_for_workflow_start(SOURCE, 20)
    engine.pause_workflow(SOURCE)
    fork = engine.fork_workflow(SOURCE)
    engine.raise_workflow_event(fork, "answer", data=4)
    state = engine.get_workflow_state(fork)
    assert state is not None
    assert state.status is Status.SUSPENDED
    engine.resume_workflow(fork)
    assert done(engine, fork) == '"charged 4"'


def test_what_cannot_be_forked_is_refused_and_nothing_is_recorded(engine: Engine, shop: Shop) -> None:
    del shop
    run(engine, given=BOOK)
    engine.schedule_new_workflow("approval", instance_id="live")
    engine.wait_for_workflow_start("live", 20)
    last = len(engine.history(SOURCE)) - 1
    with pytest.raises(InstanceNotFound):
        engine.fork_workflow("nobody")
    with pytest.raises(InvalidArgument, match=rf"0 to {last}, not {last + 1}"):
        engine.fork_workflow(SOURCE, last + 1)
    with pytest.raises(InvalidArgument, match="There is no event 77 to edit"):
        engine.fork_workflow(SOURCE, edit={77: 1})
    with pytest.raises(InvalidArgument, match="to name one call or external event of this history, and it has none"):
        engine.fork_workflow(SOURCE, edit={"wrap": 1})
    with pytest.raises(InvalidArgument, match="lies beyond the fork"):
        engine.fork_workflow(SOURCE, 1, edit={5: 1})
    with pytest.raises(InvalidArgument, match="holds nothing to edit"):
        engine.fork_workflow(SOURCE, edit={last: 1})
    with pytest.raises(InvalidArgument, match="mean the same event"):
        engine.fork_workflow(SOURCE, edit={0: 1, "input": 2})
    with pytest.raises(InvalidArgument, match="edit says what is to be other"):
        engine.fork_workflow(SOURCE, edit=[1])  # type: ignore[arg-type]
    with pytest.raises(PayloadError):
        engine.fork_workflow(SOURCE, edit={"input": float("nan")})
    with pytest.raises(InvalidArgument, match="fires at once"):
        engine.fork_workflow("live", edit={place(engine, h.TimerCreated, 1, "live"): 5})
    with pytest.raises(InvalidArgument, match=r"fork.raise_event\('answer', data\)"):
        engine.fork_workflow("live", edit={place(engine, h.TimerCreated, 0, "live"): 5})
    with pytest.raises(InstanceAlreadyExists):
        engine.fork_workflow(SOURCE, new_instance_id="live")
    with pytest.raises(InvalidArgument, match="An instance id is"):
        engine.fork_workflow(SOURCE, new_instance_id="")
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM instances").fetchone() == (2,)


def test_a_fork_is_audited(engine: Engine, shop: Shop) -> None:
    del shop
    run(engine, given=BOOK)
    engine.fork_workflow(SOURCE, audit=AuditRow(at=engine.now(), who="ann", what="fork"))
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT who, what FROM audit").fetchall() == [("ann", "fork")]
