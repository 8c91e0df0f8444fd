"""The ways runs went: folded, counted, with how they ended."""

from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.model.instance import Status
from wflab.analytics.fleet.paths import fold, text_of

WITHIN_SECONDS = 60.0


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("", ""),
        ("a b c", "a → b → c"),
        ("a a a", "a+"),
        ("a b b c", "a → b+ → c"),
        ("a b a b a b c", "(a → b)+ → c"),
        ("a b b a b b b", "(a → b+)+"),
        ("a b b a b", "a → b+ → a → b"),
        ("x a b c a b c y a b c a b c z", "x → (a → b → c)+ → y → (a → b → c)+ → z"),
        ("a a b a a b", "(a+ → b)+"),
        ("a b c d", "a → b → c → d"),
    ],
)
def test_repetitions_are_told_once(path: str, told: str) -> None:
    assert text_of(fold(path.split())) == told


def test_a_long_fan_out_is_folded_in_no_time() -> None:
    assert text_of(fold(["begin", *["score"] * 100_000, "end"])) == "begin → score+ → end"


def test_paths_are_counted_with_how_their_runs_ended(lab: wf.Lab) -> None:
    @wf.activity
    def score(_: Any, n: int) -> int:
        if n < 0:
            raise ValueError("too little")
        return n

    @wf.activity
    def ship(_: Any, __: Any) -> None: ...

    @wf.workflow
    def order(ctx: wf.WorkflowContext, parts: list[int]) -> Any:
        yield wf.when_all([ctx.call_activity(score, input=part) for part in parts])
        if len(parts) > 1:
            yield ctx.call_activity(ship)
        if parts[0] == 7:
            yield ctx.wait_for_external_event("go")

    for parts in ([1], [1, 2], [1, 2, 3], [3], [1, 2, 3, 4]):
        lab.start(order, parts).result(WITHIN_SECONDS)
    with pytest.raises(wf.WorkflowFailed):
        lab.start(order, [-1]).result(WITHIN_SECONDS)
    waiting = lab.start(order, [7, 7])
    lab.engine.wait_for_workflow_start(waiting.id, WITHIN_SECONDS)
    while "event" not in set(waiting.steps()["kind"]):
        lab.engine.get_workflow_state(waiting.id)
    found = lab.variants(order)
    assert found[["path", "count", "completed", "failed", "running"]].to_numpy().tolist() == [
        ["score", 3, 2, 1, 0],
        ["score+ → ship", 3, 3, 0, 0],
        ["score+ → ship → go", 1, 0, 0, 1],
    ]
    assert found["share"].sum() == pytest.approx(1)
    assert found["rate"].tolist()[:2] == [pytest.approx(2 / 3), 1]
    assert found["rate"].isna().tolist() == [False, False, True]
    assert found["p50"].dtype.kind == "m"
    assert found["p50"].notna().tolist() == [True, True, False]
    assert found["sample"][2] == waiting.id
    assert lab.variants("order").equals(found)
    assert lab.variants("nobody").empty


def test_attempts_and_a_run_without_steps(tmp_path: Path) -> None:
    fleet.record(tmp_path / "p.duckdb", fleet.issue_mix())
    with wf.Lab(tmp_path / "p.duckdb") as lab:
        found = lab.variants("order")
        assert found[["path", "count", "completed", "failed", "terminated"]].to_numpy().tolist() == [["charge_card", 1000, 960, 20, 10]]

        @wf.workflow
        def nothing(_: wf.WorkflowContext, __: Any) -> None: ...

        lab.start(nothing).result(WITHIN_SECONDS)
        assert lab.variants(nothing)["path"].tolist() == ["(no steps)"]


def test_many_runs_are_counted_with_states_of_their_own(tmp_path: Path) -> None:
    fleet.record(tmp_path / "p.duckdb", [fleet.run(1, status=Status.RUNNING), fleet.run(2, activity="other")])
    with wf.Lab(tmp_path / "p.duckdb") as lab:
        assert sorted(lab.variants("order")["path"]) == ["charge_card", "other"]
