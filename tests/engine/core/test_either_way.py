"""Same actions either way.

For any shape of workflow, any order of outcomes, any moments of suspension and any grouping of what arrives into turns:
1. an execution that is kept asks at every turn for what one rebuilt from history asks for (the rehearsal compares them);
2. the same arrivals one by one ask for the same actions in the same order, and come to the same end. Only what is asked for in the
   very turn in which the code ends may differ: that is dropped.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task, when_all, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.actions import Action, CompleteWorkflow, CreateChildWorkflow, CreateTimer, ScheduleTask
from wfengine.model.history import HistoryEvent
from wfengine.model.retry import RetryPolicy
from wfengine.testing.rehearsal import Rehearsal, Steps

Shape = list[Any]
HOUR = timedelta(hours=1)
POLICY = RetryPolicy(first_retry_interval=HOUR, max_number_of_attempts=3, jitter=0.3)

leaves = st.sampled_from(["activity", "retried", "child", "timer", "wait x", "wait y", "wait x an hour", "wait y at once"])
shapes = st.lists(
    st.recursive(leaves, lambda inner: st.tuples(st.sampled_from(["all", "any", "aside"]), st.lists(inner, max_size=3)), max_leaves=5),
    min_size=1,
    max_size=5,
)


def workflow_of(shape: Shape) -> Any:
    """A workflow that waits for one thing after the other and tells what it got."""

    def task(ctx: WorkflowContext, what: Any) -> Task[Any]:
        match what:
            case ("all", parts):
                return when_all([task(ctx, part) for part in parts])
            case ("any" | "aside", parts):
                return when_any([task(ctx, part) for part in parts])
            case "activity":
                return ctx.call_activity("a")
            case "retried":
                return ctx.call_activity("b", retry_policy=POLICY)
            case "child":
                return ctx.call_child_workflow("c")
            case "timer":
                return ctx.create_timer(HOUR)
            case _:
                _, name, *limit = str(what).split(maxsplit=2)
                return ctx.wait_for_external_event(
                    name, timeout={"an hour": HOUR, "at once": timedelta(0)}.get(limit[0]) if limit else None
                )

    def told(result: Any) -> Any:
        if isinstance(result, Task):
            return ["failed"] if result.is_failed else told(result.get_result())
        return [told(part) for part in result] if isinstance(result, list) else result

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        results: list[Any] = []
        for what in shape:
            ctx.set_custom_status(str(len(results)))
            wanted = task(ctx, what)
            if what[0] == "aside":
                continue
            try:
                results += [told((yield wanted))]
            except (TaskFailedError, TimeoutError) as error:
                results += [str(error)]
        return [*results, str(ctx.new_guid()), ctx.current_utc_datetime.isoformat()]

    return workflow


def outcome(data: st.DataObject, story: Rehearsal, action: Action) -> HistoryEvent | None:
    match action:
        case ScheduleTask(id=number):
            return story.completed(number, f"r{number}") if data.draw(st.booleans(), "succeeds") else story.failed(number, f"f{number}")
        case CreateChildWorkflow(id=number):
            return story.child_completed(number, number) if data.draw(st.booleans(), "succeeds") else story.child_failed(number)
        case CreateTimer(id=number, fire_at=moment) if moment is not None:
            return story.fired(number)
        case _:
            return None


def play(data: st.DataObject, shape: Shape) -> tuple[Rehearsal, list[list[HistoryEvent]]]:
    """Feed a workflow with arrivals, in turns of any size, until it ends or the story does."""
    story = Rehearsal(workflow_of(shape))
    turns: list[list[HistoryEvent]] = [[]]
    story.start()
    waiting = list(story.actions[-1])
    while asked(story.actions)[1] is None and len(turns) < 25:
        arrivals: list[HistoryEvent] = []
        for _ in range(data.draw(st.integers(1, 4), "size of the turn")):
            what = data.draw(st.sampled_from(["outcome", "outcome", "outcome", "raise x", "raise y", "suspend", "resume"]), "arrives")
            if what == "outcome" and waiting:
                event = outcome(data, story, waiting.pop(data.draw(st.integers(0, len(waiting) - 1), "whose")))
                arrivals += [event] if event else []
            elif what.startswith("raise"):
                arrivals.append(story.raised(what[-1], len(arrivals)))
            elif what == "suspend":
                arrivals.append(story.suspended())
            else:
                arrivals.append(story.resumed())
        waiting += story.turn(*arrivals)
        turns.append(arrivals)
    return story, turns


def asked(turns: Sequence[list[Action]]) -> tuple[list[Action], CompleteWorkflow | None]:
    actions = [action for turn in turns for action in turn]
    end = next((action for action in actions if isinstance(action, CompleteWorkflow)), None)
    return [action for action in actions if not isinstance(action, CompleteWorkflow)], end


@given(st.data(), shapes)
def test_kept_or_rebuilt_and_however_events_are_grouped_the_actions_are_the_same(data: st.DataObject, shape: Shape) -> None:
    story, turns = play(data, shape)
    one_by_one = Rehearsal(workflow_of(shape))
    one_by_one.start()
    for event in (event for turn in turns for event in turn):
        if asked(one_by_one.actions)[1] is None:
            one_by_one.turn(event)
    actions, end = asked(story.actions)
    finely, fine_end = asked(one_by_one.actions)
    assert end == fine_end
    assert actions == finely[: len(actions)]
    assert end is not None or actions == finely
    story.close()
    one_by_one.close()
