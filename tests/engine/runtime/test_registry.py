"""The registry: which version a name stands for, and what makes a version."""

import functools
from typing import Any

import pytest

from wfengine.errors import InvalidArgument
from wfengine.runtime.registry import Definition, Registry

LIMIT = 10
NAMES = frozenset({"a", "b", "c"})
ANYTHING = (object(), 1)


def helper(number: int) -> int:
    return number + 1


def activity(_ctx: Any, number: int) -> int:
    return number


def reads(ctx: Any, number: int) -> Any:
    return ctx.call_activity(activity, input=helper(number) if number < LIMIT else sorted(NAMES) or ANYTHING)


def made_of(source: str, **names: Any) -> Any:
    """A function with no source that could be found, as some front ends make them."""
    exec(compile(source, "<nowhere>", "exec"), names)  # noqa: S102
    return names["f"]


def hash_of(function: Any, name: str = "f") -> str:
    return Definition("workflow", name, function).code_hash


def test_the_same_code_has_the_same_hash() -> None:
    assert hash_of(reads) == hash_of(reads)
    assert hash_of(made_of("def f(ctx): return 1")) == hash_of(made_of("def f(ctx): return 1"))


def test_changed_code_has_another_hash() -> None:
    assert hash_of(made_of("def f(ctx): return 1")) != hash_of(made_of("def f(ctx): return 2"))


def test_the_hash_covers_the_constants_and_plain_functions_that_the_code_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_of(reads)
    for name, value in (("LIMIT", 11), ("NAMES", frozenset({"a"})), ("helper", lambda number: number + 2)):
        with monkeypatch.context() as patched:
            patched.setitem(globals(), name, value)
            assert hash_of(reads) != before, name
    assert hash_of(reads) == before


def test_the_hash_does_not_depend_on_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_of(reads)
    monkeypatch.setitem(globals(), "ANYTHING", (object(), 1))
    assert hash_of(reads) == before


def test_the_source_of_a_registered_activity_is_not_part_of_the_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mending an activity is no new version of the workflows that call it."""
    registry = Registry()
    registry.add("activity", activity)
    before = hash_of(reads)
    other = made_of("def f(ctx, number): return 7")
    registry.add("activity", other, "activity")
    monkeypatch.setitem(globals(), "activity", other)
    assert hash_of(reads) == before


def test_our_copy_keeps_its_code_when_a_tool_exchanges_it_inside_the_function() -> None:
    def old(_ctx: Any) -> str:
        return "old"

    def new(_ctx: Any) -> str:
        return "new"

    definition = Definition("workflow", "f", old)
    old.__code__ = new.__code__
    assert (old(None), definition(None, None)) == ("new", "old")


def test_a_name_stands_for_its_newest_version_or_the_one_asked_for() -> None:
    registry = Registry()
    first, changed = registry.add("workflow", made_of("def f(ctx): return 1"))
    assert changed
    second, changed = registry.add("workflow", made_of("def f(ctx): return 2"))
    assert changed
    assert registry.find("workflow", "f") is second
    assert registry.find("workflow", "f", first.code_hash) is first
    assert registry.find("workflow", "f", "a hash that is gone") is second
    assert registry.find("activity", "f") is None
    again, changed = registry.add("workflow", made_of("def f(ctx): return 1"))
    assert changed
    assert registry.find("workflow", "f") is again
    _, changed = registry.add("workflow", made_of("def f(ctx): return 1"))
    assert not changed


class WithCall:
    __slots__ = ()

    def __call__(self, _ctx: Any, number: int) -> int:
        return number * 3


def test_partials_wrapped_functions_and_callable_objects_are_hashed_by_the_code_inside() -> None:
    @functools.wraps(helper)
    def wrapper(*arguments: Any) -> int:
        return helper(*arguments)

    assert hash_of(functools.partial(helper)) == hash_of(wrapper) == hash_of(helper)
    assert hash_of(WithCall()) == hash_of(WithCall())
    assert "number * 3" in str(Definition("activity", "three", WithCall()).source)
    assert Registry().add("activity", WithCall(), "three")[0](None, 2) == 6


def test_a_function_may_leave_out_the_input_but_not_the_context() -> None:
    assert Definition("activity", "f", lambda ctx: ctx)("ctx", "input") == "ctx"
    with pytest.raises(InvalidArgument, match=r"takes no arguments; write `def f\(ctx, input\):`"):
        Definition("activity", "f", lambda: 1)


class Order:
    def __init__(self, amount: int) -> None:
        self.amount = amount

    def model_dump(self, **_: Any) -> dict[str, int]:
        return {"amount": self.amount}

    @classmethod
    def model_validate(cls, found: dict[str, int]) -> "Order":
        return cls(found["amount"])


def test_an_annotated_model_is_made_from_the_payload() -> None:
    def plain(_ctx: Any, order: Order) -> int:
        return order.amount

    def optional(_ctx: Any, order: Order | None = None) -> int:
        return order.amount if order else 0

    assert Definition("activity", "f", plain)(None, {"amount": 3}) == 3
    assert Definition("activity", "f", optional)(None, {"amount": 3}) == 3
    assert Definition("activity", "f", optional)(None, None) == 0
    with pytest.raises(TypeError, match="expected an object to make a Order of, got int"):
        Definition("activity", "f", plain)(None, 5)


def test_a_version_that_stands_aside_is_taken_only_by_those_that_ask_for_it() -> None:
    registry = Registry()
    registry.add("workflow", lambda _ctx: 1, "flow", version_name="v1")
    registry.add("workflow", lambda _ctx: 2, "flow", version_name="aside", is_aside=True)
    found = registry.find("workflow", "flow")
    assert found is not None
    assert found.version == "v1"
    assert registry.versions("flow") == ["aside", "v1"]


def test_importance_is_a_hint_that_the_newest_code_of_a_name_gives() -> None:
    registry = Registry()
    registry.add("activity", activity, "log", importance="low")
    registry.add("activity", activity, "log", app_id="other")
    registry.add("activity", activity, "charge", importance="high")
    assert registry.of_importance("low") == {"log"}
    _, is_new = registry.add("activity", activity, "log")
    assert is_new, "the next one is said to be of no importance"
    assert registry.of_importance("low") == set()
    with pytest.raises(InvalidArgument, match="'low', 'normal' or 'high'"):
        registry.add("activity", activity, "log", importance="none")
