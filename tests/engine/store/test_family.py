"""What a recursive purge takes: the executions of an id and all that these started, by their keys and never by their ids."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.engine.store.desk import Desk, state
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import Commit
from wfengine.store.family import family


def child_of(parent: Instance, key: int, instance_id: str, *, generation: int = 0) -> Instance:
    known = ParentInstance(key=parent.key, instance_id=parent.instance_id, name=parent.name, task_id=0)
    return msgspec.structs.replace(state(key, Status.COMPLETED, instance_id=instance_id, generation=generation), parent=known)


def keys_of(desk: Desk, instance_id: str, *, recursive: bool = True) -> list[int]:
    with desk.store.cursor() as cursor:
        return [key for key, _ in family(cursor, instance_id, recursive=recursive)]


def test_a_later_use_of_a_childs_id_by_somebody_else_is_left_alone(place: Path, opened: Callable[..., Desk]) -> None:
    root = state(1, Status.COMPLETED, instance_id="root")
    child = child_of(root, 2, "ship")
    unrelated = state(3, Status.COMPLETED, instance_id="ship")
    of_another = child_of(state(4, Status.COMPLETED, instance_id="other"), 5, "ship")
    desk = opened(place).commit(Commit(runs=[root, child, unrelated, state(4, Status.COMPLETED, instance_id="other"), of_another]))
    assert keys_of(desk, "root") == [1, 2]
    assert keys_of(desk, "other") == [4, 5]
    assert keys_of(desk, "ship") == [2, 3, 5], "asked for by its id, every use of it is meant"


def test_all_generations_of_the_id_and_of_its_children_belong_to_it(place: Path, opened: Callable[..., Desk]) -> None:
    first, second = (state(key, Status.COMPLETED, instance_id="root", generation=key - 1) for key in (1, 2))
    children = [child_of(first, 3, "a"), child_of(first, 4, "a", generation=1), child_of(second, 5, "b")]
    grandchild = child_of(children[1], 6, "c")
    desk = opened(place).commit(Commit(runs=[first, second, *children, grandchild, state(7, instance_id="other")]))
    assert keys_of(desk, "root") == [1, 2, 3, 4, 5, 6]
    assert keys_of(desk, "a") == [3, 4, 6]
    assert keys_of(desk, "root", recursive=False) == [1, 2]
