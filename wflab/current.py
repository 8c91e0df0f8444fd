"""The current lab: the one thing in the notebook's side that is global.

A WorkflowRuntime made before any lab is open waits here and joins the next lab that opens.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from wfengine.errors import CallerError

LabType = TypeVar("LabType")


class NoLab(CallerError):
    """No lab is open."""


class Current(Generic[LabType]):
    """Holds the innermost open lab, and who waits for one."""

    def __init__(self) -> None:
        self._open: list[LabType] = []
        self._waiting: list[Callable[[LabType], None]] = []

    def get(self) -> LabType:
        """The current lab. Raises NoLab."""
        if not self._open:
            raise NoLab("No lab is open. In a notebook run `%load_ext wflab`; in a script use `with wf.Lab('orders.duckdb') as lab:`.")
        return self._open[-1]

    def find(self) -> LabType | None:
        """The current lab, if one is open."""
        return self._open[-1] if self._open else None

    def enter(self, lab: LabType) -> None:
        """`lab` is current until it leaves. Where one that waits for it raises, it is not current, and all go on waiting."""
        self._open.append(lab)
        waiting, self._waiting = self._waiting, []
        try:
            for join in waiting:
                join(lab)
        except BaseException:
            self.leave(lab)
            self._waiting = [*waiting, *self._waiting]
            raise

    def leave(self, lab: LabType) -> None:
        """`lab` is closed."""
        if lab in self._open:
            self._open.remove(lab)

    def when_open(self, join: Callable[[LabType], None]) -> None:
        """Call `join` with the current lab now, or with the next one that opens."""
        lab = self.find()
        if lab is None:
            self._waiting.append(join)
        else:
            join(lab)
