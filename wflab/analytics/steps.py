"""A history folded into steps: one for each logical call, timer, wait and child that the workflow's code asked for.

A step holds all attempts of its call; the pauses between attempts belong to it and are no steps of their own. Steps come in the order
in which the code asked for them. The fold never raises: what it does not know, or cannot place, it leaves out.
"""

from collections.abc import Collection, Sequence

from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.work import HistoryRow
from wflab.analytics.race_rounds import races_in
from wflab.analytics.step import LOST, START, Attempt, Kind, Phase, Step, StepState, open_waits
from wflab.analytics.step_fold import StepFold

__all__ = ["LOST", "START", "Attempt", "Kind", "Phase", "Step", "StepState", "open_waits", "steps_of"]


def steps_of(instance: Instance, rows: Sequence[HistoryRow], *, held_up: Collection[int] = (), source: str | None = None) -> list[Step]:
    """The steps of one execution. `held_up` holds the event ids of open attempts that nobody makes just now.

    Only its `source` tells who lost a race; without it a wait or timer is open until it, or the execution, has ended.
    """
    fold = StepFold()
    for row in rows:
        fold.take(row)
    return fold.steps(ended=instance.status in TERMINAL, held_up=held_up, races=races_in(source))
