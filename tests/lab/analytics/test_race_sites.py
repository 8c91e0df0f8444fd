"""Races are read from a source only where its text leaves no doubt."""

import pytest

from wflab.analytics.race_sites import race_sites

PLAIN = """\
def quote(ctx, order):
    fast = ctx.call_activity(ask_fast, input=order)
    cheap = ctx.call_child_workflow(ask_cheap, input=order)
    if (yield wf.when_any([fast, cheap, ctx.create_timer(LIMIT)])) == fast:
        return fast.get_result()
    yield cheap
"""


def two(between: str = "", raced: str = "yield when_any([a, b])", bound: str = "ctx.call_activity(one)") -> str:
    lines = [
        "def w(ctx, x):",
        f"    a = {bound}",
        "    b = ctx.call_activity(two)",
        *([f"    {between}"] if between else []),
        f"    {raced}",
    ]
    return "\n".join(lines) + "\n"


def test_a_race_has_its_runners_with_their_lines_and_whether_they_are_waited_for_again() -> None:
    (race,) = race_sites(PLAIN)
    assert race.line == 4
    assert [(one.kind, one.callee, one.line, one.is_left) for one in race.runners] == [
        ("activity", "ask_fast", 2, True),
        ("child", "ask_cheap", 3, False),
        ("timer", None, 4, True),
    ]


@pytest.mark.parametrize(
    "source",
    [
        two(),
        two(raced="first = yield wf.when_any((a, b))"),
        two(raced="return (yield when_any([a, b])).get_result()"),
        two(between="note = str(x)"),
        two(raced="first = await when_any([a, b])").replace("def w", "async def w"),
        "    def method(self, ctx, x):\n        yield when_any([ctx.call_activity(one), ctx.call_activity(two)])\n",
        "def w(ctx, x):\n    while x:\n" + two().partition("\n")[2].replace("    ", "        "),
    ],
)
def test_these_are_races(source: str) -> None:
    assert [[one.callee for one in race.runners] for race in race_sites(source)] == [["one", "two"]]


@pytest.mark.parametrize(
    "source",
    [
        None,
        "no python (",
        two(between="yield a"),  # over before the race begins
        two(between="if x: return 1"),  # perhaps no race at all
        two(raced="yield when_all([a, b])"),
        two(raced="race = when_any([a, b])"),  # waited for who knows where
        two(raced="x and (yield when_any([a, b]))"),
        two(raced="while (yield when_any([a, b])): pass"),
        two(raced="yield when_any([a, *more])"),
        two(raced="yield when_any(tasks)"),
        two(raced="yield when_any([a])"),
        two(raced="if x:\n        yield when_any([a, b])"),
        two(between="b = ctx.call_activity(three)"),  # bound twice
        two(bound="ctx.call_activity(NAMED)"),  # may be any activity
        two(bound="begin(ctx)"),
        two(bound="x"),
        two(bound="ctx.call_activity(one).task"),
        "def w(ctx, x):\n    def inner(y):\n" + two().partition("\n")[2].replace("    ", "        "),
    ],
)
def test_where_the_text_leaves_a_doubt_there_is_no_race(source: str | None) -> None:
    assert race_sites(source) == []
