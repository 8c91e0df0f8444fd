"""Every recipe that comes with wflab: it runs as it stands, ends as it declares, its record bears out what it claims, and it fails as it says."""

import ast
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

import wflab as wf
from tests.lab.seed import run_cell
from wflab.recipes.evidence import ENDED_AS_DECLARED
from wflab.recipes.gallery import gallery
from wflab.recipes.recipe import Recipe
from wflab.recipes.rehearsal import rehearsed

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[3]
PATIENCE_S = 90.0
RECIPES = gallery()
SEED = ["task chaining", "fan-out/fan-in", "async HTTP API", "monitor", "external system interaction", "compensation"]
each = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wf.Lab]:
    """One lab for all, as a person's: recipes must not get into each other's way."""
    with wf.Lab(tmp_path_factory.mktemp("recipes") / "lab.duckdb") as lab:
        yield lab


def test_the_six_patterns_of_the_seed_come_first_and_all_have_names_of_their_own() -> None:
    assert [recipe.pattern for recipe in RECIPES.values()][:6] == SEED
    assert len({recipe.pattern for recipe in RECIPES.values()}) == len(RECIPES) == 12
    defined = [
        name for one in RECIPES.values() for name in {name for _, name, _ in rehearsed(one.source(), one.filename, one.ends).defines}
    ]
    assert len(set(defined)) == len(defined)


@each
def test_it_ends_as_declared_and_all_its_evidence_passes(shared: wf.Lab, recipe: Recipe) -> None:
    trial = shared.recipes().run(recipe.id).wait(PATIENCE_S)
    evidence = trial.evidence().set_index("name")
    assert (trial.status, trial.error) == (recipe.ends, ""), trial
    slow = evidence.loc[ENDED_AS_DECLARED, "verdict"] == "fail"  # on a busy machine; all else is told by the record alone
    assert set(evidence["verdict"].drop(ENDED_AS_DECLARED)) == {"pass"}, trial
    assert not slow, trial


@each
def test_its_failure_ends_as_it_says_and_breaks_just_those_statements(shared: wf.Lab, recipe: Recipe) -> None:
    trial = shared.recipes().run(recipe.id, failure=True).wait(PATIENCE_S)
    evidence = trial.evidence()
    expected = {*recipe.failure.fails, *([ENDED_AS_DECLARED] if recipe.failure.ends != recipe.ends else [])}
    assert (trial.status, trial.error) == (recipe.failure.ends, ""), trial
    assert set(evidence.loc[evidence["verdict"] == "fail", "name"]) == expected, trial
    assert recipe.failure.fails


@each
def test_its_code_is_short_plain_and_runs_as_a_cell(shared: wf.Lab, recipe: Recipe) -> None:
    lines = recipe.code.splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 110
    imported = {alias.name for node in ast.walk(ast.parse(recipe.code)) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"wflab", "time"}
    assert isinstance(ast.parse(recipe.code).body[-1], ast.Expr), "its last line shows the run"
    names = run_cell(recipe.code, {"lab": shared})
    run: wf.Run = names["run"]
    with pytest.raises(wf.WorkflowFailed) if recipe.ends == "FAILED" else _nothing():
        run.result(PATIENCE_S)
    assert run.status == recipe.ends


@each
def test_its_rehearsal_ends_as_the_run_does(recipe: Recipe) -> None:
    played = rehearsed(recipe.source(), recipe.filename, recipe.ends)
    assert played.complaint == ""
    assert played.instance is not None
    assert str(played.instance.status) == recipe.ends


def test_a_hundred_items_are_a_hundred_items(shared: wf.Lab) -> None:
    trial = shared.recipes().run("fanout", ITEMS=100, WORK_SECONDS=0.1).wait(PATIENCE_S)
    evidence = trial.evidence().set_index("name")
    assert evidence.loc["every_item_came_back", "found"] == "100 came back"
    assert str(evidence.loc["all_were_asked_for_together", "text"]).startswith("all 100 items")


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    """After a change that is meant: .venv/bin/python tools/recipes_page.py."""
    script = runpy.run_path(str(CHECKOUT / "tools" / "recipes_page.py"))
    assert (CHECKOUT / "docs" / "recipes.md").read_text("utf-8") == script["page"]()
    assert {path.name: path.read_text("utf-8") for path in (CHECKOUT / "docs" / "images").glob("recipe_*.svg")} == script["pictures"]()


class _nothing:  # noqa: N801  # reads as one
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...
