"""Routines: suspended code, a generator or a coroutine, driven alike by `send` and `throw`, with no event loop.

The workflow's own function is one routine; each retried call and each wait with a timeout is another, written as workflow code over
the primitives. A routine that can go on is put on the ready queue and run in order.
"""

from collections import deque
from collections.abc import Coroutine, Generator
from types import FrameType
from typing import Any

from wfengine.core.tasks import Task, settle

Code = Generator[Task[Any], Any, Any] | Coroutine[Task[Any], Any, Any]


class Routine:
    """Suspended code and the task for its outcome. `ready` is the queue it joins when what it waits for is settled."""

    __slots__ = ("_awaited", "_code", "_ready", "outcome")

    def __init__(self, code: Code, ready: "list[Routine]") -> None:
        self._code = code
        self._ready = ready
        self._awaited: Task[Any] | None = None
        self.outcome: Task[Any] = Task()

    @property
    def code(self) -> Code:
        """The generator or coroutine, for those who look at its frame."""
        return self._code

    @property
    def awaited(self) -> Task[Any] | None:
        """What it waits for; None where it has never waited."""
        return self._awaited

    def task_settled(self, task: Task[Any], settled: "deque[Task[Any]]") -> None:
        """What the routine waits for is there: queue it."""
        del task, settled
        self._ready.append(self)

    def run(self) -> None:
        """Go on until the code waits for an unsettled task or ends."""
        awaited, self._awaited = self._awaited, None
        while True:
            try:
                if awaited is None:
                    wanted = self._code.send(None)
                elif awaited.is_failed:
                    wanted = self._code.throw(awaited.get_exception())
                else:
                    wanted = self._code.send(awaited.get_result())
            except StopIteration as end:
                settle(self.outcome, end.value)
                return
            except BaseException as error:  # noqa: BLE001  # whatever the user's code raises is the outcome, SystemExit included
                settle(self.outcome, None, _explained(error))
                return
            awaited = wanted if isinstance(wanted, Task) else _refused(wanted, self._code)
            if not awaited.is_complete:
                self._awaited = awaited
                awaited.add_waiter(self)
                return

    def close(self) -> None:
        """End code that stays suspended. Its `finally` blocks run; what they ask for is ignored."""
        try:
            self._code.close()
        except BaseException:  # noqa: BLE001  # its clean-up failed, or it refused to end: nothing of it can have an effect any more
            return


def place_in_workflow(frame: FrameType | None) -> str | None:
    """Where in the workflow's own code a thread is that runs it; None for a thread that does something else."""
    inner: FrameType | None = None
    while frame is not None:
        if frame.f_code is Routine.run.__code__:
            return None if inner is None else f"line {inner.f_lineno} of {inner.f_code.co_name}"
        inner, frame = frame, frame.f_back
    return None


def _refused(wanted: Any, code: Code) -> Task[Any]:
    task: Task[Any] = Task()
    task.record_outcome(None, TypeError(_advice(wanted, code)))
    return task


def _advice(wanted: Any, code: Code) -> str:
    """What to write instead of waiting for this."""
    kind = type(wanted).__name__
    if isinstance(code, Coroutine):
        return (
            "An async workflow can only await tasks, such as ctx.call_activity(...) or when_all([...]). Instead of asyncio.sleep await "
            f"ctx.create_timer(timedelta(...)); other waiting belongs into an activity. (It was given {kind}.)"
        )
    told = f"A workflow can only wait for tasks, such as ctx.call_activity(...) or when_all([...]); it was given {kind}."
    if isinstance(wanted, list | tuple | set):
        return f"{told} For several tasks write `yield wf.when_all([...])`."
    if isinstance(wanted, Coroutine):
        wanted.close()  # else Python warns that nobody awaited it
        return f"{told} A coroutine is awaited by an `async def` workflow; other waiting belongs into an activity."
    if isinstance(wanted, Generator) or hasattr(wanted, "__await__"):
        return f"{told} For code that itself yields tasks write `yield from`, not `yield`."
    return told


def _explained(error: BaseException) -> BaseException:
    """Asyncio's complaint that no loop runs, in words for workflow code."""
    if not isinstance(error, RuntimeError) or str(error) != "no running event loop":
        return error
    explained = RuntimeError(
        "Workflow code runs without asyncio's event loop: instead of asyncio.sleep await ctx.create_timer(timedelta(...)); "
        "other waiting belongs into an activity."
    )
    explained.__cause__ = error
    return explained.with_traceback(error.__traceback__)
