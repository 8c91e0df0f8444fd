"""Which instances may begin, where a lab limits how many workflows are under way at a time. Those without room stay PENDING, in their order.

What has begun is never held up: after a restart everything that had begun is under way, whatever the limit says now. Nor does a child wait for a place
that its own family holds, as its parent waits for it: it counts with its parent in all, and with an ancestor of its own name.
"""

from collections.abc import Callable

from wfengine.runtime.limits import Gate, Limits
from wfengine.runtime.residents import Resident


class Admission:
    """Used by the engine's thread. `let_in` is told of everyone whose turn has come; `of_key` finds a live parent."""

    def __init__(self, limits: Limits, let_in: Callable[[Resident], None], of_key: Callable[[int], Resident | None]) -> None:
        self.is_limited = limits.most_workflows is not None or bool(limits.workflows)
        self._gate: Gate[Resident] = Gate(limits.most_workflows, limits.workflows)
        self._let_in = let_in
        self._of_key = of_key
        self._waiting: set[int] = set()
        self._inside: set[int] = set()

    def may_go_on(self, resident: Resident) -> bool:
        """Whether it has begun or may begin now; else it waits and `let_in` is told when its turn comes."""
        if not self.is_limited:
            return True
        key = resident.instance.key
        if key in self._inside:
            return True
        if key in self._waiting:
            return False
        is_within = resident.instance.parent is not None
        if resident.instance.turn or self._is_within_its_own(resident):
            self._gate.take(resident.instance.name, is_within=is_within)
        elif not self._gate.enter(resident.instance.name, resident, is_within=is_within):
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
        is_within = resident.instance.parent is not None
        if key in self._waiting:
            self._waiting.discard(key)
            self._gate.forget(resident.instance.name, resident, is_within=is_within)
        elif key in self._inside:
            self._inside.discard(key)
            for following in self._gate.leave(resident.instance.name, is_within=is_within):
                self._waiting.discard(following.instance.key)
                self._inside.add(following.instance.key)
                self._let_in(following)

    def waiting_reason(self, resident: Resident) -> str | None:
        """Why it does not begin; None where that is not for want of room."""
        queued = self.queued(resident)
        return None if queued is None else f"workflow {resident.instance.name!r} waits for its turn: {queued}"

    def queued(self, resident: Resident) -> str | None:
        """What is in its place, as `2 of 2 in all are under way`; None where it has begun, or may."""
        if resident.instance.key not in self._waiting:
            return None
        fullness = self._gate.fullness(resident.instance.name)
        return "others came first" if fullness is None else f"{fullness} are under way"

    def _is_within_its_own(self, resident: Resident) -> bool:
        parent = resident.instance.parent
        while parent is not None:
            if parent.name == resident.instance.name:
                return True
            above = self._of_key(parent.key)
            parent = None if above is None else above.instance.parent
        return False
