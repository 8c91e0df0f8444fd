"""What parents and children missed of each other when the process died between their commits.

The end of a child and the parent's learning of it are two commits, and so are the termination of a parent and that of its children. What the
first one says and the second one lacks is made up for at opening.
"""

from datetime import datetime

from wfengine.core.transitions import id_taken, outcome_for_parent
from wfengine.model.failure import FailureDetails
from wfengine.model.history import ChildWorkflowInstanceCreated, ChildWorkflowInstanceFailed, ExecutionTerminated, HistoryEvent
from wfengine.model.instance import Instance, Status
from wfengine.runtime.residents import Resident
from wfengine.store.store import Store


def is_child(resident: Resident | None, parent_key: int, task_id: int) -> bool:
    """Whether the resident is the child that this task of this parent started."""
    parent = None if resident is None else resident.instance.parent
    return parent is not None and (parent.key, parent.task_id) == (parent_key, task_id)


def missed_outcome(store: Store, parent: Instance, child: ChildWorkflowInstanceCreated, now: datetime) -> HistoryEvent:
    """What a child that is not alive any more, or never was, had to tell its parent."""
    if child.child_key is None:
        return id_taken(child.event_id, child.instance_id, now)
    generations = [one for one in store.children(parent.key) if one.parent is not None and one.parent.task_id == child.event_id]
    for ended in reversed(generations):
        if ended.status.is_terminal and ended.status is not Status.CONTINUED_AS_NEW:
            return outcome_for_parent(child.event_id, child.instance_id, ended.status, ended.output, ended.failure, now)
    return purged_child(child.event_id, child.instance_id, now)


def purged_child(task_id: int, instance_id: str, now: datetime) -> ChildWorkflowInstanceFailed:
    """What a parent learns of a child whose history is gone."""
    gone = FailureDetails(message=f"Child workflow {instance_id!r} was purged before its outcome was seen.", error_type="WorkflowPurged")
    return ChildWorkflowInstanceFailed(occurred_at=now, task_scheduled_id=task_id, failure=gone)


def was_to_end_with_parent(store: Store, child: Instance) -> bool:
    """Whether the child's parent was terminated together with its children."""
    parent = None if child.parent is None else store.instance(child.parent.key)
    if parent is None or parent.status is not Status.TERMINATED:
        return False
    return any(isinstance(row.event, ExecutionTerminated) and row.event.recurse for row in store.history(parent.key)[-2:])
