"""What the lint is worth: on thirty workflows that differ between replays, and on thirty that only look so."""

import re
from pathlib import Path

import pytest

import wflab as wf
from tests.lab.linting.corpora import Entry, corpus
from wflab.linting.linting import lint
from wflab.linting.rules import RULES

BAD, GOOD = corpus("bad"), corpus("good")
PAGE = Path(__file__).resolve().parents[3] / "docs" / "lint.md"


def is_found(entry: Entry) -> bool:
    """Whether the lint finds one of its faults, at its line and by its rule."""
    return bool(entry.faults & {(one.line, one.rule) for one in lint(entry.function).findings})


def name(entry: Entry) -> str:
    return entry.function.__name__


FOUND = [entry for entry in BAD if is_found(entry)]
ALARMS = [entry for entry in GOOD if lint(entry.function).findings]
PRECISION = len(FOUND) / (len(FOUND) + len(ALARMS))
RECALL = len(FOUND) / len(BAD)


def test_the_corpus_is_thirty_bad_and_thirty_good_workflows() -> None:
    assert (len(BAD), len(GOOD)) == (30, 30)
    assert all(entry.faults for entry in BAD)
    assert not any(entry.faults for entry in GOOD)


def test_precision_and_recall_are_what_the_page_says() -> None:
    assert sorted(set(map(name, BAD)) - set(map(name, FOUND))) == ["a_set_from_elsewhere", "through_an_object", "two_calls_deep"]
    assert list(map(name, ALARMS)) == ["looks_up_a_handler"]
    told = f"recall {RECALL:.2f} ({len(FOUND)} of {len(BAD)}), precision {PRECISION:.2f} ({len(FOUND)} of {len(FOUND) + len(ALARMS)})"
    assert told == "recall 0.90 (27 of 30), precision 0.96 (27 of 28)"
    assert told in PAGE.read_text()


def test_nothing_beside_the_faults_is_found_in_the_bad_ones_but_what_follows_from_them() -> None:
    beside = {(name(entry), one.rule) for entry in BAD for one in lint(entry.function).findings if (one.line, one.rule) not in entry.faults}
    assert beside == {("with_a_pool", "concurrency")}


def test_every_rule_is_in_the_corpus_or_in_the_tests_of_rules_and_in_the_page() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert listed == list(RULES)
    for rule in RULES.values():
        assert f"| `{rule.id}` | {rule.finds} | {rule.fix} |" in PAGE.read_text().replace(" (a hint) |", " |")


PROVED = [entry for entry in BAD if entry.is_replayed]


@pytest.mark.parametrize("entry", PROVED, ids=name)
def test_always_replay_proves_it(entry: Entry) -> None:
    """Each turn is played twice, and the two plays ask for different things; so also for what no reader of source can find."""
    given = {"amount": 5, "tags": "a,b", "express": True} if name(entry) != "lottery" else [f"n{n}" for n in range(10_000)]
    names = ["save", "ship", "work", "congratulate", "charge", "confirm", "invoice", "submit", "poll"]
    mocks = {one: wf.testing.IfCalled(None) for one in names}
    with pytest.raises((wf.NonDeterminismError, wf.WorkflowFailed)) as caught:
        wf.testing.run(entry.function, given, mocks=mocks).result()
    if isinstance(caught.value, wf.WorkflowFailed):  # asyncio itself refuses, as workflow code runs without its loop
        assert name(entry) == "sleeps_on_the_loop"
        assert "create_timer" in str(caught.value)


def test_what_the_lint_misses_always_replay_finds_where_it_shows_in_one_process() -> None:
    missed = {name(entry) for entry in BAD} - {name(entry) for entry in FOUND}
    assert missed - {name(entry) for entry in PROVED} == {"a_set_from_elsewhere"}, "the order of a set is the same within a process"
