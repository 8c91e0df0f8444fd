"""Tasks: what workflow code waits for.

A task is settled once, with a result or an exception. Whoever waits on it (a composite task, or a suspended routine) is told by `settle`,
which walks a list instead of calling back, so that a history of any length settles without deep recursion.
"""

from collections import deque
from collections.abc import Generator, Iterable, Sequence
from typing import Any, Generic, Never, NoReturn, Protocol, TypeVar

T = TypeVar("T")


class Waiter(Protocol):
    """Something that is told when a task it waits on is settled."""

    def task_settled(self, task: "Task[Any]", settled: "deque[Task[Any]]") -> None:
        """React to `task`; append any task that this settles in turn to `settled`."""


class Task(Generic[T]):
    """The future outcome of something durable. `yield` it (or `await` it in an `async def` workflow).

    `action_id` is the action that it is the outcome of (of a call with retries, the first attempt); None for any other task. `called` is the name
    of the activity or child workflow that was called.
    """

    __slots__ = ("_exception", "_is_complete", "_result", "_waiters", "action_id", "called")

    def __init__(self) -> None:
        self.action_id: int | None = None
        self.called = ""
        self._is_complete = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._waiters: list[Waiter] | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the task has a result or has failed."""
        return self._is_complete

    @property
    def is_failed(self) -> bool:
        """Whether the task has failed."""
        return self._exception is not None

    def get_result(self) -> T:
        """The result; raises the task's exception if it failed, ValueError if it has not completed."""
        if not self._is_complete:
            raise ValueError("The task has not completed yet; yield it (or a when_any/when_all that holds it) first.")
        if self._exception is not None:
            raise self._exception
        result: T = self._result
        return result

    def get_exception(self) -> BaseException:
        """What the task failed with; ValueError if it has not failed."""
        if self._exception is None:
            raise ValueError("The task has not failed.")
        return self._exception

    def __repr__(self) -> str:
        kind = type(self).__name__
        if not self._is_complete:
            return f"<{kind}: pending, yield it>"
        return f"<{kind}: failed with {self._exception!r:.80}>" if self.is_failed else f"<{kind}: completed with {self._result!r:.80}>"

    def __iter__(self) -> NoReturn:
        raise TypeError("A task is not gone through: write `yield task` (in `async def` code `await task`), without `from`, `for` or `*`.")

    def __await__(self) -> Generator["Task[T]", Any, T]:
        result: T = yield self
        return result

    def add_waiter(self, waiter: Waiter) -> None:
        """Have `waiter` told when the task is settled; the caller checks `is_complete` first."""
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)

    def record_outcome(self, result: Any, exception: BaseException | None = None) -> None:
        """Settle without telling anybody; use `settle`."""
        self._is_complete = True
        self._result = result
        self._exception = exception

    def drop_waiter(self, waiter: Waiter) -> None:
        """Have `waiter` told no more."""
        if self._waiters and waiter in self._waiters:
            self._waiters.remove(waiter)

    def take_waiters(self) -> list[Waiter]:
        """Hand over those to be told, once."""
        waiters, self._waiters = self._waiters, None
        return waiters or []


def settle(task: Task[Any], result: Any, exception: BaseException | None = None) -> None:
    """Give `task` its outcome and tell all who wait, and those who wait on them. A settled task stays as it is."""
    if task.is_complete:
        return
    task.record_outcome(result, exception)
    settled = deque((task,))
    while settled:
        done = settled.popleft()
        for waiter in done.take_waiters():
            waiter.task_settled(done, settled)


class WhenAllTask(Task[list[T]]):
    """Completes when every child has; fails with the failure that came first, but not before all have settled."""

    __slots__ = ("_first_failure", "_open", "_tasks")

    def __init__(self, tasks: Sequence[Task[T]]) -> None:
        super().__init__()
        self._tasks = _checked(tasks, "when_all")
        self._open = 0
        self._first_failure: BaseException | None = None
        for task in self._tasks:
            if not task.is_complete:
                self._open += 1
                task.add_waiter(self)
            elif task.is_failed and self._first_failure is None:
                self._first_failure = task.get_exception()
        if not self._open:
            self._finish()

    def task_settled(self, task: Task[Any], settled: "deque[Task[Any]]") -> None:
        """One more child is done."""
        self._open -= 1
        if task.is_failed and self._first_failure is None:
            self._first_failure = task.get_exception()
        if not self._open:
            self._finish()
            settled.append(self)

    def _finish(self) -> None:
        if self._first_failure is not None:
            self.record_outcome(None, self._first_failure)
        else:
            self.record_outcome([task.get_result() for task in self._tasks])


class WhenAnyTask(Task[Task[Any]]):
    """Completes with the child that completes (or fails) first; the others go on."""

    __slots__ = ("_tasks",)

    def __init__(self, tasks: Sequence[Task[Any]]) -> None:
        super().__init__()
        self._tasks = _checked(tasks, "when_any")
        if not self._tasks:
            self.record_outcome([])
        for task in self._tasks:
            if task.is_complete:
                self.record_outcome(task)
                return
        for task in self._tasks:
            task.add_waiter(self)

    def task_settled(self, task: Task[Any], settled: "deque[Task[Any]]") -> None:
        """The first child wins; the others, which a loop may wait on again and again, need not remember this."""
        if not self.is_complete:
            self.record_outcome(task)
            settled.append(self)
            for other in self._tasks:
                if other is not task:
                    other.drop_waiter(self)
            self._tasks = []


def when_all(tasks: Sequence[Task[T]], *others: Never) -> WhenAllTask[T]:
    """A task for all of `tasks`: its result is the list of their results, in the order given."""
    _refuse_loose(others, "when_all")
    return WhenAllTask(tasks)


def when_any(tasks: Sequence[Task[Any]], *others: Never) -> WhenAnyTask:
    """A task for the first of `tasks`: its result is the winning task itself; ask that for `.get_result()`."""
    _refuse_loose(others, "when_any")
    return WhenAnyTask(tasks)


def _refuse_loose(others: tuple[Any, ...], verb: str) -> None:
    if others:
        raise TypeError(f"{verb} takes one list of tasks: write {verb}([a, b]), not {verb}(a, b).")


def _checked(tasks: Any, verb: str) -> list[Any]:
    if isinstance(tasks, Task) or not isinstance(tasks, Iterable):
        raise TypeError(f"{verb} takes a list of tasks: write {verb}([...]), not {verb}({type(tasks).__name__}).")
    children = list(tasks)
    for child in children:
        if not isinstance(child, Task):
            raise TypeError(
                f"{verb} takes a list of tasks, such as [ctx.call_activity(a), ctx.create_timer(t)], not {type(child).__name__}."
            )
    return children
