"""What a live run waits for, asked of the engine: its state, its steps and the sentence, for handles and displays alike.

The standing is asked for before the history is read: what is held up then is at worst held up no more, and is never shown as begun before it was.
"""

from wfengine.errors import InstanceNotFound
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wfengine.runtime.standing import Standing
from wflab.analytics.call_sites import call_sites
from wflab.analytics.race_rounds import races_in
from wflab.analytics.sources import source_of, source_of_races
from wflab.analytics.span import Span
from wflab.analytics.spans import spans_of
from wflab.analytics.steps import Step, steps_of
from wflab.analytics.why import FREE, why

_DEEPEST = 3


def state_of(engine: Engine, instance_id: str) -> Instance:
    """The present state. Raises InstanceNotFound."""
    state = engine.get_workflow_state(instance_id)
    if state is None:
        raise InstanceNotFound(instance_id)
    return state


def standing_of(engine: Engine, instance: Instance) -> Standing:
    """What holds it up; nothing, once it has ended or while the engine cannot be asked."""
    return FREE if instance.status.is_terminal or engine.trouble is not None else engine.standing(instance.instance_id)


def steps_now(engine: Engine, instance: Instance, rows: list[HistoryRow], standing: Standing) -> list[Step]:
    """The steps, with the attempts that nobody makes just now as such, and what its source tells of races."""
    return steps_of(
        instance, rows, held_up=[held.event_id for held in standing.held_up], source=source_of_races(engine, instance.key, rows)
    )


def spans_now(engine: Engine, instance: Instance, rows: list[HistoryRow], standing: Standing) -> list[Span]:
    """The spans, likewise, with the lines of the source that the instance runs."""
    source = source_of(engine, instance.key)
    held_up = [held.event_id for held in standing.held_up]
    return spans_of(instance, rows, held_up=held_up, sites=call_sites(source.text), races=races_in(source.text), file=source.origin)


def sentence(engine: Engine, instance: Instance, steps: list[Step], standing: Standing, *, depth: int = 0) -> str:
    """Why it is not done; where it waits for a child, that one's sentence, too."""

    def of_child(child_id: str) -> str:
        child = engine.get_workflow_state(child_id)
        if child is None or child.status.is_terminal:
            return ""
        below = standing_of(engine, child)
        return sentence(engine, child, steps_now(engine, child, engine.store.history(child.key), below), below, depth=depth + 1)

    ask = of_child if depth < _DEEPEST else None
    return why(instance, steps, now=engine.now(), standing=standing, trouble=engine.trouble, of_child=ask).rstrip()
