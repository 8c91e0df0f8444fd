"""The one workflow that runs every drawn program, as a generator and as a coroutine.

It is code like a user's: what it does must follow from history alone.
"""

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import msgspec

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task, when_all, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.retry import RetryPolicy
from wfengine.testing.simulation.shapes import (
    INLINE,
    RETRY_SECONDS,
    Ask,
    Await,
    Call,
    Check,
    Every,
    First,
    Hear,
    Launch,
    Look,
    Part,
    Sleep,
    Spawn,
    Step,
    Tell,
    Waitable,
)

Steps = Generator[Task[Any], Any, Any]


class AsWrittenError(Exception):
    """The end of a program that is written to fail."""


def play(ctx: WorkflowContext, part: Any) -> Steps:
    """Run a part of a program."""
    return (yield from _steps(ctx, msgspec.convert(part, Part)))


async def play_async(ctx: WorkflowContext, part: Any) -> Any:
    """The same as a coroutine."""
    steps = _steps(ctx, msgspec.convert(part, Part))
    try:
        wanted = next(steps)
        while True:
            try:
                answer = await wanted
            except (TaskFailedError, TimeoutError) as error:
                wanted = steps.throw(error)
            else:
                wanted = steps.send(answer)
    except StopIteration as end:
        return end.value


def edited(workflow: Callable[..., Any]) -> Callable[..., Any]:
    """The workflow as somebody has edited it: new instances do not notice, but it disagrees with every history."""

    def play_edited(ctx: WorkflowContext, part: Any) -> Any:
        if ctx.is_replaying:
            ctx.call_activity("was not there before")
        return workflow(ctx, part)

    return play_edited


def _steps(ctx: WorkflowContext, part: Part) -> Steps:
    results = list(part.results)
    for statement in part.program.body:
        match statement:
            case Await(wanted):
                try:
                    results.append(_told((yield _task(ctx, wanted))))
                except (TaskFailedError, TimeoutError) as error:
                    results.append({"failed": type(error).__name__})
            case Ask(wanted):
                _task(ctx, wanted)
            case Tell(text):
                ctx.set_custom_status(text)
            case Look():
                seen = [ctx.current_utc_datetime.isoformat(), str(ctx.new_guid()), ctx.random().random()]
                results.append({"seen": seen})
            case Check(patch):
                results.append(ctx.is_patched(patch))
            case Launch(program, instance_id):
                first = msgspec.to_builtins(Part(program=program, left=program.generations))
                ctx.schedule_new_workflow(program.workflow, input=first, instance_id=instance_id)
    if part.left:
        following = Part(program=part.program, left=part.left - 1, results=results)
        ctx.continue_as_new(msgspec.to_builtins(following), save_events=part.program.saves_events)
        return None
    if part.program.ending == "raise":
        raise AsWrittenError(str(len(results)))
    return results


def _task(ctx: WorkflowContext, wanted: Waitable) -> Task[Any]:
    match wanted:
        case Call():
            return ctx.call_activity(wanted.name, input=wanted.input, retry_policy=_policy(wanted.attempts))
        case Step(attempts):
            return ctx.step(_never_called, 1, name=INLINE, retry_policy=_policy(attempts))
        case Sleep(seconds):
            return ctx.create_timer(timedelta(seconds=seconds))
        case Hear(event, seconds):
            return ctx.wait_for_external_event(event, timeout=None if seconds is None else timedelta(seconds=seconds))
        case Spawn(program, instance_id, attempts):
            part = msgspec.to_builtins(Part(program=program, left=program.generations))
            return ctx.call_child_workflow(program.workflow, input=part, instance_id=instance_id, retry_policy=_policy(attempts))
        case Every(parts):
            return when_all([_task(ctx, part) for part in parts])
        case First(parts):
            return when_any([_task(ctx, part) for part in parts])


def _never_called(_: int) -> None:
    """What activities return is drawn, not computed."""


def _policy(attempts: int) -> RetryPolicy | None:
    return None if attempts == 1 else RetryPolicy(first_retry_interval=timedelta(seconds=RETRY_SECONDS), max_number_of_attempts=attempts)


def _told(result: Any) -> Any:
    """What goes into the output: of a winning task its place is not known, so only what it came to."""
    if isinstance(result, Task):
        return {"failed": type(result.get_exception()).__name__} if result.is_failed else {"first": _told(result.get_result())}
    return [_told(one) for one in result] if isinstance(result, list) else result
