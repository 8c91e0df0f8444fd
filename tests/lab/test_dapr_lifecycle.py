"""From definition to rerun, row by row of the specification, as a program sees it that uses Dapr's names."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest

import wflab as wf
from tests.waiting import eventually
from wfengine.errors import InstanceAlreadyExists, InstanceNotFound, InstanceNotTerminal, InvalidArgument

WITHIN_SECONDS = 30
NO_PAUSE = timedelta(milliseconds=1)
Status = wf.WorkflowStatus


class Order:
    """Follows pydantic's protocol."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]:
        del mode
        return {"amount": self.amount}

    @classmethod
    def model_validate(cls, value: dict[str, Any]) -> "Order":
        return cls(int(value["amount"]))


class Program:
    """A runtime and a client, and what to wait for."""

    def __init__(self, lab: wf.Lab) -> None:
        self.lab = lab
        self.runtime = wf.WorkflowRuntime(lab=lab)
        self.client = wf.DaprWorkflowClient(lab=lab)

    def run(self, workflow: Callable[..., Any] | str, input: Any = None, instance_id: str | None = None) -> wf.WorkflowState:
        return self.end_of(self.client.schedule_new_workflow(workflow, input=input, instance_id=instance_id))

    def end_of(self, instance_id: str) -> wf.WorkflowState:
        state = self.client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WITHIN_SECONDS)
        assert state is not None
        return state

    def begin(self, workflow: Callable[..., Any] | str, instance_id: str, input: Any = None) -> None:
        self.client.schedule_new_workflow(workflow, instance_id=instance_id, input=input)
        self.client.wait_for_workflow_start(instance_id, timeout_in_seconds=WITHIN_SECONDS)

    def status(self, instance_id: str) -> wf.WorkflowStatus:
        state = self.client.get_workflow_state(instance_id)
        assert state is not None
        return state.runtime_status

    def kinds(self, instance_id: str) -> list[str]:
        return [event.event_type.name for event in self.client.get_workflow_history(instance_id)]


@pytest.fixture
def program(lab: wf.Lab) -> Program:
    return Program(lab)


@pytest.fixture
def chain(program: Program) -> Program:
    """`double(double(n))`, and what each `double` was called with."""

    @program.runtime.activity
    def double(_: wf.WorkflowActivityContext, number: int | None) -> int | None:
        return None if number is None else 2 * number

    @program.runtime.workflow
    def twice(ctx: wf.WorkflowContext, number: int) -> Any:
        return (yield ctx.call_activity(double, input=(yield ctx.call_activity(double, input=number))))

    return program


@pytest.fixture
def family(program: Program) -> Program:
    """A parent that waits for its child, which waits for `go`."""

    @program.runtime.workflow
    def child(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.wait_for_external_event("go"))

    @program.runtime.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_child_workflow(child, instance_id="child"))

    program.begin(parent, "parent")
    eventually(lambda: program.client.get_workflow_state("child") is not None)
    return program


def test_a1_a_workflow_that_yields_nothing_completes_at_once_with_its_return_value(program: Program) -> None:
    @program.runtime.workflow(name="at-once")
    def at_once(ctx: wf.DaprWorkflowContext, number: int) -> list[Any]:
        return [ctx.instance_id, number]

    assert program.run("at-once", 0, "one").serialized_output == '["one", 0]'
    assert program.kinds("one") == ["EXECUTION_STARTED", "EXECUTION_COMPLETED"]


def test_a1_a_lambda_needs_a_name(program: Program) -> None:
    with pytest.raises(ValueError, match="Cannot infer a name"):
        program.runtime.register_workflow(lambda _: 1)
    program.runtime.register_workflow(lambda _: 1, name="one")
    assert program.run("one").serialized_output == "1"


def test_a1_an_alternate_name_is_the_name_it_is_called_by(program: Program) -> None:
    @program.runtime.workflow
    @wf.alternate_name("add-up")
    def add(_: wf.DaprWorkflowContext, numbers: list[int]) -> int:
        return sum(numbers)

    assert program.run(add, [1, 2]).name == "add-up"
    assert program.run("add-up", [1, 2]).serialized_output == "3"


def test_a2_activities_are_functions_or_coroutines_and_get_models_that_they_annotate(program: Program) -> None:
    @program.runtime.activity(name="raise-price")
    def raised(_: wf.WorkflowActivityContext, order: Order) -> Order:
        return Order(order.amount + 1)

    @program.runtime.activity
    async def amount(_: wf.WorkflowActivityContext, order: Order | None) -> int | None:
        return None if order is None else order.amount

    @program.runtime.activity
    def nothing(_: wf.WorkflowActivityContext) -> None:
        """Takes no input."""

    @program.runtime.workflow
    def shop(ctx: wf.WorkflowContext, order: Order) -> Any:
        dearer = yield ctx.call_activity("raise-price", input=order)
        yield ctx.call_activity(nothing, input="ignored")
        return [(yield ctx.call_activity(amount, input=dearer)), (yield ctx.call_activity(amount))]

    assert program.run(shop, Order(4)).serialized_output == "[5, null]"


def test_a2_an_activity_knows_its_workflow_its_task_and_the_key_that_all_attempts_share(program: Program) -> None:
    seen = []

    @program.runtime.activity
    def at_last(ctx: wf.WorkflowActivityContext) -> None:
        seen.append((ctx.workflow_id, ctx.task_id, ctx.task_execution_id))
        assert ctx.get_inner_context().orchestration_id == ctx.workflow_id
        assert ctx.get_propagated_history() is None
        if len(seen) < 2:
            raise ConnectionError("again")

    @program.runtime.workflow
    def patient(ctx: wf.WorkflowContext) -> Any:
        pause = wf.RetryPolicy(first_retry_interval=NO_PAUSE, max_number_of_attempts=2)
        yield ctx.call_activity(at_last, retry_policy=pause)

    program.run(patient, instance_id="one")
    (first_id, first_task, first_key), (second_id, second_task, second_key) = seen
    assert first_id == second_id == "one"
    assert first_key == second_key
    assert first_task < second_task


def test_a20_lineage_reaches_over_generations_and_own_history_ends_at_the_caller(program: Program) -> None:
    runtime = program.runtime

    @runtime.activity
    def pay(_: wf.WorkflowActivityContext, amount: int) -> str:
        return f"paid {amount}"

    @runtime.activity
    def names(ctx: wf.WorkflowActivityContext) -> list[str]:
        history = ctx.get_propagated_history()
        return [] if history is None else [one.name for one in history.get_workflows()]

    @runtime.workflow
    def grandchild(ctx: wf.WorkflowContext) -> Any:
        history = ctx.get_propagated_history()
        assert history is not None
        paid = history.get_last_workflow_by_name("grandparent").get_last_activity_by_name("pay")
        lineage = yield ctx.call_activity(names, propagation=wf.PropagationScope.LINEAGE)
        own = yield ctx.call_activity(names, propagation=wf.PropagationScope.OWN_HISTORY)
        none = yield ctx.call_activity(names)
        return [paid.output, lineage, own, none]

    @runtime.workflow
    def middle(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_child_workflow(grandchild, propagation=wf.PropagationScope.LINEAGE))

    @runtime.workflow
    def grandparent(ctx: wf.WorkflowContext) -> Any:
        assert ctx.get_propagated_history() is None
        yield ctx.call_activity(pay, input=5)
        return (yield ctx.call_child_workflow(middle, propagation=wf.PropagationScope.LINEAGE))

    state = program.run(grandparent)
    state.raise_if_failed()
    assert state.serialized_output == '["\\"paid 5\\"", ["grandparent", "middle", "grandchild"], ["grandchild"], []]'


def test_a24_a_state_has_its_payloads_unless_they_are_not_asked_for(chain: Program) -> None:
    assert chain.client.get_workflow_state("nobody") is None
    whole = chain.run("twice", 3, "one")
    assert (whole.serialized_input, whole.serialized_output, whole.failure_details) == ("3", "12", None)
    assert "failure_details" not in whole.to_json()
    bare = chain.client.get_workflow_state("one", fetch_payloads=False)
    assert bare is not None
    assert (bare.serialized_input, bare.serialized_output, bare.serialized_custom_status) == (None, None, None)
    assert bare.runtime_status is Status.COMPLETED


def test_a27_what_arrives_while_it_is_suspended_waits_in_order(program: Program) -> None:
    @program.runtime.workflow
    def collecting(ctx: wf.WorkflowContext) -> Any:
        got = []
        for _ in range(3):
            got.append((yield ctx.wait_for_external_event("item")))  # noqa: PERF401  # each wait comes after the one before
        return got

    program.begin(collecting, "one")
    program.client.pause_workflow("one")
    for item in (0, False, 2):
        program.client.raise_workflow_event("one", "item", data=item)
    assert program.status("one") is Status.SUSPENDED
    program.client.resume_workflow("one")
    assert program.end_of("one").serialized_output == "[0, false, 2]"


@pytest.mark.parametrize(("recursive", "of_child"), [(True, Status.TERMINATED), (False, Status.RUNNING)])
def test_a28_terminate_ends_it_with_the_output_given_and_its_children_unless_told_otherwise(
    family: Program, *, recursive: bool, of_child: wf.WorkflowStatus
) -> None:
    family.client.terminate_workflow("parent", output={"why": "enough"}, recursive=recursive)
    ended = family.end_of("parent")
    assert (ended.runtime_status, ended.serialized_output) == (Status.TERMINATED, '{"why": "enough"}')
    if recursive:
        family.end_of("child")
    assert family.status("child") is of_child


def test_a28_an_activity_under_way_is_not_stopped_and_its_result_is_not_heard(program: Program, release: Event) -> None:
    began, ended = Event(), Event()

    @program.runtime.activity
    def slow(_: wf.WorkflowActivityContext) -> str:
        began.set()
        release.wait(WITHIN_SECONDS)
        ended.set()
        return "done"

    @program.runtime.workflow
    def calling(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_activity(slow))

    program.begin(calling, "one")
    assert began.wait(WITHIN_SECONDS)
    program.client.terminate_workflow("one")
    release.set()
    assert ended.wait(WITHIN_SECONDS)
    assert program.end_of("one").serialized_output is None
    assert "TASK_COMPLETED" not in program.kinds("one")


@pytest.fixture
def release() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


def test_a29_only_what_has_ended_can_be_purged_and_its_children_go_with_it(family: Program) -> None:
    with pytest.raises(InstanceNotTerminal):
        family.client.purge_workflow("parent")
    family.client.raise_workflow_event("child", "go")
    family.end_of("parent")
    family.client.purge_workflow("parent")
    assert list(family.client.iter_workflow_instance_ids()) == []
    with pytest.raises(InstanceNotFound):
        family.client.purge_workflow("parent")


def test_a32_a_rerun_shares_the_past_up_to_an_event_and_does_that_again(chain: Program) -> None:
    chain.run("twice", 3, "source")
    before = chain.client.get_workflow_history("source")
    second = [event for event in before if event.is_rerunnable][1]
    made = chain.client.rerun_workflow_from_event("source", second.event_id)
    assert made != "source"
    assert chain.end_of(made).serialized_output == "12"
    assert chain.client.get_workflow_history("source") == before, "the source is left as it was"


@pytest.mark.parametrize(("input", "output"), [(50, "100"), (0, "0"), (None, None)], ids=["another", "zero", "none"])
def test_a32_the_input_of_what_is_done_again_can_be_replaced_and_cleared(chain: Program, input: Any, output: str | None) -> None:
    chain.run("twice", 3, "source")
    second = [event for event in chain.client.get_workflow_history("source") if event.is_rerunnable][1]
    chain.client.rerun_workflow_from_event("source", second.event_id, new_instance_id="again", input=input)
    assert chain.end_of("again").serialized_output == output


def test_a32_a_child_that_is_run_again_can_be_given_its_id(family: Program) -> None:
    family.client.raise_workflow_event("child", "go", data=1)
    family.end_of("parent")
    [created] = [event for event in family.client.get_workflow_history("parent") if event.is_rerunnable]
    family.client.rerun_workflow_from_event(
        "parent", created.event_id, new_instance_id="again", new_child_workflow_instance_id="child-again"
    )
    eventually(lambda: family.client.get_workflow_state("child-again") is not None)
    family.client.raise_workflow_event("child-again", "go", data=2)
    assert family.end_of("again").serialized_output == "2"


def test_a32_what_cannot_be_run_again_is_refused(family: Program) -> None:
    def rerun(*where: Any, **how: Any) -> str:
        return family.client.rerun_workflow_from_event(*where, **how)

    with pytest.raises(InvalidArgument, match="only an ended one can be rerun"):
        rerun("parent", 0)
    family.client.raise_workflow_event("child", "go")
    family.end_of("parent")
    with pytest.raises(InvalidArgument, match="is a child of"):
        rerun("child", 0)
    with pytest.raises(InstanceNotFound):
        rerun("nobody", 0)
    with pytest.raises(InstanceNotFound):
        rerun("parent", 0, app_id="elsewhere")
    for event_id in (-1, 99):
        with pytest.raises(ValueError, match="has the event id"):
            rerun("parent", event_id)
    for name in ("new_instance_id", "new_child_workflow_instance_id"):
        with pytest.raises(ValueError, match="instance id is printable text"):
            rerun("parent", 0, **{name: ""})
    family.begin("child", "busy")
    with pytest.raises(InstanceAlreadyExists):
        rerun("parent", 0, new_instance_id="busy")


def test_a32_a_timer_takes_no_input(program: Program) -> None:
    @program.runtime.workflow
    def brief(ctx: wf.WorkflowContext) -> Any:
        yield ctx.create_timer(NO_PAUSE)

    program.run(brief, instance_id="one")
    [timer] = [event for event in program.client.get_workflow_history("one") if event.is_rerunnable]
    with pytest.raises(InvalidArgument, match="takes no input"):
        program.client.rerun_workflow_from_event("one", timer.event_id, input=None)
    again = program.client.rerun_workflow_from_event("one", timer.event_id)
    assert program.end_of(again).runtime_status is Status.COMPLETED
