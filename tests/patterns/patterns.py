"""The six patterns of Dapr Workflow (rows A41–A46 of what a workflow means here) as real workflows, each as a generator and as a coroutine.

`Pattern` says what a run of it comes to where nothing goes wrong. Both forms are registered under the same name, so that whoever
plays a pattern need not know which form it is. Every execution of an activity is told to `ran`.
"""

import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Literal, NamedTuple

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.history import EventWait, TimerCreated
from wfengine.runtime.engine import Engine
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.testing.rehearsal import Steps

Form = Literal["generator", "async"]
Ran = Callable[[WorkflowActivityContext, str, Any], None]
Flow = Coroutine[Any, Any, Any]

FORMS: tuple[Form, ...] = ("generator", "async")
A_MOMENT = timedelta(milliseconds=10)
A_WEEK = timedelta(days=7)
UP_AT_CHECK = 3


class Pattern(NamedTuple):
    """`ran` counts the executions of each activity; `raised` are the events that its waits need, in their order."""

    row: str
    name: str
    input: Any
    output: Any
    ran: Counter[str]
    raised: tuple[tuple[str, Any], ...] = ()


CHAINING = Pattern("A41", "chaining", 3, "36", Counter(double=1, square=1, describe=1))
FAN_OUT = Pattern("A42", "fan_out", 3, {"doubled": [0, 2, 4], "squared": [0, 1, 4]}, Counter(list_work=1, double=3, square=3))
ASYNC_API = Pattern("A43", "async_api", "sales", "report on sales: 9 rows", Counter(collect=1, write=1))
MONITOR = Pattern("A44", "monitor", {"checks": 0}, {"checks": UP_AT_CHECK}, Counter(check=UP_AT_CHECK, all_clear=1))
EXTERNAL = Pattern(
    "A45",
    "external",
    "order-7",
    ["approved by Ada", "no objection", 0],
    Counter(publish=1, remind=1),
    raised=(("approval", "Ada"), ("receipt", 0)),
)
COMPENSATION = Pattern(
    "A46",
    "compensation",
    ["flight", "hotel", "car"],
    {"undone": ["car", "hotel", "flight"], "because": "card declined"},
    Counter(book=3, charge=1, cancel=3, apologize=1),
)
PATTERNS = (CHAINING, FAN_OUT, ASYNC_API, MONITOR, EXTERNAL, COMPENSATION)


# As generators.


def chaining(ctx: WorkflowContext, number: int) -> Steps:
    number = yield ctx.call_activity("double", input=number)
    number = yield ctx.call_activity("square", input=number)
    return (yield ctx.call_activity("describe", input=number))


def fan_out(ctx: WorkflowContext, size: int) -> Steps:
    work = yield ctx.call_activity("list_work", input=size)
    doubled = yield when_all([ctx.call_activity("double", input=item) for item in work])
    squared = yield when_all([ctx.call_child_workflow("piece", input=item) for item in work])
    return {"doubled": doubled, "squared": squared}


def piece(ctx: WorkflowContext, item: int) -> Steps:
    return (yield ctx.call_activity("square", input=item))


def async_api(ctx: WorkflowContext, topic: str) -> Steps:
    ctx.set_custom_status("collecting")
    rows = yield ctx.call_activity("collect", input=topic)
    ctx.set_custom_status("waiting for the printer")
    yield ctx.create_timer(A_MOMENT)
    ctx.set_custom_status("writing")
    return (yield ctx.call_activity("write", input={"topic": topic, "rows": rows}))


def monitor(ctx: WorkflowContext, state: dict[str, int]) -> Steps:
    checks = state["checks"] + 1
    if (yield ctx.call_activity("check", input=checks)) == "up":
        yield ctx.call_activity("all_clear")
        return {"checks": checks}
    yield ctx.create_timer(A_MOMENT * checks)
    ctx.continue_as_new({"checks": checks})
    return None


def external(ctx: WorkflowContext, order: str) -> Steps:
    approval = ctx.wait_for_external_event("approval")
    if (yield when_any([approval, ctx.create_timer(A_WEEK)])) is not approval:
        return "expired"
    try:
        yield ctx.wait_for_external_event("objection", timeout=A_MOMENT)
    except TimeoutError:
        yield ctx.call_activity("remind", input=order)
    receipt = yield ctx.wait_for_external_event("receipt", timeout=A_WEEK)
    yield ctx.call_activity("publish", input=order)
    return [f"approved by {approval.get_result()}", "no objection", receipt]


def compensation(ctx: WorkflowContext, bookings: list[str]) -> Steps:
    booked: list[str] = []
    try:
        for booking in bookings:
            yield ctx.call_activity("book", input=booking)
            booked.append(booking)
        yield ctx.call_activity("charge")
    except TaskFailedError as error:
        ctx.set_custom_status("compensating")
        undone = []
        for booking in reversed(booked):
            yield ctx.call_activity("cancel", input=booking)
            undone.append(booking)
        yield ctx.call_activity("apologize", input=error.details.message)
        return {"undone": undone, "because": error.details.message}
    return "booked"


# As coroutines.


async def chaining_async(ctx: WorkflowContext, number: int) -> Any:
    number = await ctx.call_activity("double", input=number)
    number = await ctx.call_activity("square", input=number)
    return await ctx.call_activity("describe", input=number)


async def fan_out_async(ctx: WorkflowContext, size: int) -> Any:
    work = await ctx.call_activity("list_work", input=size)
    doubled = await when_all([ctx.call_activity("double", input=item) for item in work])
    squared = await when_all([ctx.call_child_workflow("piece", input=item) for item in work])
    return {"doubled": doubled, "squared": squared}


async def piece_async(ctx: WorkflowContext, item: int) -> Any:
    return await ctx.call_activity("square", input=item)


async def async_api_async(ctx: WorkflowContext, topic: str) -> Any:
    ctx.set_custom_status("collecting")
    rows = await ctx.call_activity("collect", input=topic)
    ctx.set_custom_status("waiting for the printer")
    await ctx.create_timer(A_MOMENT)
    ctx.set_custom_status("writing")
    return await ctx.call_activity("write", input={"topic": topic, "rows": rows})


async def monitor_async(ctx: WorkflowContext, state: dict[str, int]) -> Any:
    checks = state["checks"] + 1
    if await ctx.call_activity("check", input=checks) == "up":
        await ctx.call_activity("all_clear")
        return {"checks": checks}
    await ctx.create_timer(A_MOMENT * checks)
    ctx.continue_as_new({"checks": checks})
    return None


async def external_async(ctx: WorkflowContext, order: str) -> Any:
    approval = ctx.wait_for_external_event("approval")
    if await when_any([approval, ctx.create_timer(A_WEEK)]) is not approval:
        return "expired"
    try:
        await ctx.wait_for_external_event("objection", timeout=A_MOMENT)
    except TimeoutError:
        await ctx.call_activity("remind", input=order)
    receipt = await ctx.wait_for_external_event("receipt", timeout=A_WEEK)
    await ctx.call_activity("publish", input=order)
    return [f"approved by {approval.get_result()}", "no objection", receipt]


async def compensation_async(ctx: WorkflowContext, bookings: list[str]) -> Any:
    booked: list[str] = []
    try:
        for booking in bookings:
            await ctx.call_activity("book", input=booking)
            booked.append(booking)
        await ctx.call_activity("charge")
    except TaskFailedError as error:
        ctx.set_custom_status("compensating")
        undone = []
        for booking in reversed(booked):
            await ctx.call_activity("cancel", input=booking)
            undone.append(booking)
        await ctx.call_activity("apologize", input=error.details.message)
        return {"undone": undone, "because": error.details.message}
    return "booked"


WORKFLOWS: dict[Form, dict[str, Callable[..., Any]]] = {
    "generator": {flow.__name__: flow for flow in (chaining, fan_out, piece, async_api, monitor, external, compensation)},
    "async": {
        flow.__name__.removesuffix("_async"): flow
        for flow in (chaining_async, fan_out_async, piece_async, async_api_async, monitor_async, external_async, compensation_async)
    },
}


# What they call.


def _declined(_: Any) -> None:
    raise ValueError("card declined")


ACTIVITIES: dict[str, Callable[[Any], Any]] = {
    "double": lambda number: 2 * number,
    "square": lambda number: number**2,
    "describe": str,
    "list_work": lambda size: list(range(size)),
    "collect": lambda _: 9,
    "write": lambda asked: f"report on {asked['topic']}: {asked['rows']} rows",
    "check": lambda number: "up" if number >= UP_AT_CHECK else "down",
    "all_clear": lambda _: None,
    "remind": lambda _: None,
    "publish": lambda _: None,
    "book": lambda booking: f"{booking} booked",
    "charge": _declined,
    "cancel": lambda _: None,
    "apologize": lambda _: None,
}


def register(engine: Engine, form: Form, ran: Ran) -> None:
    """Define all that the patterns need; `ran` hears of every execution of an activity when it begins."""
    for name, work in ACTIVITIES.items():
        engine.register_activity(_noted(name, work, ran), name)
    for name, workflow in WORKFLOWS[form].items():
        engine.register_workflow(workflow, name)


def waits_for(engine: Engine, instance_id: str, event_name: str) -> bool:
    """Whether it is recorded that the instance has asked for this event."""
    created = [row.event for row in engine.history(instance_id) if isinstance(row.event, TimerCreated)]
    return any(isinstance(event.origin, EventWait) and event.origin.name == event_name for event in created)


def until(engine: Engine, is_so: Callable[[], bool]) -> None:
    """Wait until it is so, looking again at every change; AssertionError where nothing changes any more."""
    changed = threading.Event()
    stop = engine.listen(lambda _: changed.set())
    try:
        while not is_so():
            assert changed.wait(20)
            changed.clear()
    finally:
        stop()


def _noted(name: str, work: Callable[[Any], Any], ran: Ran) -> Callable[..., Any]:
    def activity(ctx: WorkflowActivityContext, given: Any) -> Any:
        ran(ctx, name, given)
        return work(given)

    return activity
