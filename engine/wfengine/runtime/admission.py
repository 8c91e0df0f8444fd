"""Which instances may begin, where a lab limits how many workflows are under way at a time. Those without room stay PENDING, in their order.

What has begun is never held up: after a restart everything that had begun is under way, whatever the limit says now.
"""

from collections.abc import Callable

from wfengine.runtime.limits import Gate, Limits
from wfengine.runtime.residents import Resident


class Admission:
    """Used by the engine's thread. `let_in` is told of everyone whose turn has come."""

    def __init__(self, limits: Limits, let_in: Callable[[Resident], None]) -> None:
        self._is_limited = limits.most_workflows is not None or bool(limits.workflows)
        self._gate: Gate[Resident] = Gate(limits.most_workflows, limits.workflows)
        self._let_in = let_in
        self._waiting: set[int] = set()
        self._inside: set[int] = set()

    def may_go_on(self, resident: Resident) -> bool:
        """Whether it has begun or may begin now; else it waits and `let_in` is told when its turn comes."""
        if not self._is_limited:
            return True
        key = resident.instance.key
        if key in self._inside:
            return True
        if key in self._waiting:
            return False
        if resident.instance.turn:
            self._gate.take(resident.instance.name)
        elif not self._gate.enter(resident.instance.name, resident):
            self._waiting.add(key)
            return False
        self._inside.add(key)
        return True

    def succeed(self, old: int, new: int) -> None:
        """The next generation takes the place of the one before."""
        if old in self._inside:
            self._inside.remove(old)
            self._inside.add(new)

    def leave(self, resident: Resident) -> None:
        """It has ended, whether it had begun or not."""
        key = resident.instance.key
        if key in self._waiting:
            self._waiting.discard(key)
            self._gate.forget(resident.instance.name, resident)
        elif key in self._inside:
            self._inside.discard(key)
            for following in self._gate.leave(resident.instance.name):
                self._waiting.discard(following.instance.key)
                self._inside.add(following.instance.key)
                self._let_in(following)

    def waiting_reason(self, resident: Resident) -> str | None:
        """Why it does not begin; None where that is not for want of room."""
        if resident.instance.key not in self._waiting:
            return None
        name = resident.instance.name
        return f"workflow {name!r} waits for its turn: {self._gate.fullness(name) or 'others came first'} are under way"
