"""Which lab is the current one."""

import pytest

from wflab.current import Current, NoLab


def test_the_lab_opened_last_is_current_until_it_is_closed() -> None:
    current: Current[str] = Current()
    current.enter("one")
    current.enter("two")
    assert current.get() == "two"
    current.leave("one")
    assert current.get() == "two"
    current.leave("two")
    current.leave("two")
    assert current.find() is None
    with pytest.raises(NoLab, match="No lab is open"):
        current.get()


def test_who_waits_for_a_lab_joins_the_next_one_once() -> None:
    current: Current[str] = Current()
    joined: list[str] = []
    current.when_open(joined.append)
    assert joined == []
    current.enter("one")
    current.enter("two")
    assert joined == ["one"]
    current.when_open(joined.append)
    assert joined == ["one", "two"]


def test_where_one_that_waits_raises_no_lab_is_current_and_all_go_on_waiting() -> None:
    current: Current[str] = Current()
    joined: list[str] = []

    def refuses_the_first(lab: str) -> None:
        if lab == "one":
            raise ValueError(lab)

    current.when_open(refuses_the_first)
    current.when_open(joined.append)
    with pytest.raises(ValueError, match="one"):
        current.enter("one")
    assert (current.find(), joined) == (None, [])
    current.enter("two")
    assert joined == ["two"]
