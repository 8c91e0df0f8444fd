"""What a recipe's file may hold, and where its faults are told."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfengine.errors import InvalidArgument
from wflab.recipes.gallery import ORDER, OURS, gallery, recipe_of
from wflab.recipes.reading import read_recipe
from wflab.recipes.recipe import Value, literal

FILE = '''"""
title = "Greeting"
pattern = "greeting"
use_when = "Somebody is to be greeted."
not_when = "Nobody is there."
level = "beginner"
verbs = ["call_activity"]
seconds = 5
ends = "COMPLETED"
run = "Greet {NAME} {TIMES} times"

[knobs]
NAME = { label = "who", choices = ["Ada", "Bob"] }
TIMES = { label = "how often", low = 1, high = 9 }

[failure]
says = "too often"
knobs = { TIMES = 9 }
ends = "FAILED"
fails = ["they_were_greeted"]
"""

import wflab as wf

NAME = "Ada"  # or Bob
TIMES = 2

wfr = wf.WorkflowRuntime()

@wfr.workflow
def greeting(ctx, name):
    if TIMES > 5:
        raise ValueError("that is too much")
    return f"hello {name}"
    yield

run = lab.start(greeting, NAME)
run

# %% evidence
def they_were_greeted(run):
    """{NAME} was greeted"""
    return run.output == f"hello {run.knobs['NAME']}", str(run.output)
'''


def written(folder: Path, text: str, name: str = "greeting") -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_a_file_is_read_with_its_knobs_as_the_code_assigns_them(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, FILE))
    assert [(knob.name, knob.default, knob.told) for knob in recipe.knobs] == [
        ("NAME", "Ada", "one of 'Ada', 'Bob'"),
        ("TIMES", 2, "a whole number from 1 to 9"),
    ]
    assert recipe.code.startswith("import wflab as wf\n")
    assert recipe.code.endswith("\nrun")
    assert [claim.words for claim in recipe.claims] == ["{NAME} was greeted"]
    assert recipe.label(recipe.chosen({"TIMES": 4})) == "Greet Ada 4 times"


def test_knobs_are_turned_in_the_code_and_nothing_else_changes(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, FILE))
    assert recipe.source() == recipe.code
    turned = recipe.source({"NAME": "Bob", "TIMES": 9})
    assert turned == recipe.code.replace('"Ada"', '"Bob"').replace("TIMES = 2", "TIMES = 9")
    assert 'NAME = "Bob"  # or Bob' in turned


@pytest.mark.parametrize(
    ("turned", "told"),
    [
        ({"TIMES": 10}, "TIMES (how often) is a whole number from 1 to 9, not 10"),
        ({"TIMES": 1.5}, "not 1.5"),
        ({"TIMES": True}, "not True"),
        ({"NAME": "Eve"}, "one of 'Ada', 'Bob', not 'Eve'"),
        ({"SIZE": 1}, "has no knob 'SIZE'; there are NAME, TIMES"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_in_words(tmp_path: Path, turned: dict[str, object], told: str) -> None:
    recipe = read_recipe(written(tmp_path, FILE))
    with pytest.raises(InvalidArgument, match=told.replace("(", r"\(").replace(")", r"\)")):
        recipe.source(turned)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("seconds = 5", "seconds = ", 8, "not TOML"),
        ("seconds = 5", 'seconds = "soon"', 8, "Expected `float`"),
        ('level = "beginner"', 'level = "easy"', 6, "Invalid enum value"),
        ('title = "Greeting"\n', "", 1, "missing required field `title`"),
        ("seconds = 5", "seconds = 5\ncolour = 3", 9, "unknown field `colour`"),
        ("low = 1,", "lowest = 1,", 14, "unknown field `lowest`"),
        ('says = "too often"\n', "", 16, "missing required field `says`"),
        ('"they_were_greeted"', '"they_sang"', 16, "they_sang, which nothing below"),
        ("knobs = { TIMES = 9 }", "knobs = { TIMES = 99 }", 16, "from 1 to 9, not 99"),
        ('ends = "COMPLETED"', 'ends = "DONE"', 9, "'DONE' is no state that a run ends in"),
        ("TIMES = 2\n", "TIMES = min(2, 3)\n", 26, "TIMES is a knob"),
        ("TIMES = 2\n", "TIMES = 12\n", 26, "from 1 to 9, not 12"),
        ("TIMES = 2\n", "", 14, "the knob TIMES is not in the code"),
        ("run = lab.start(greeting, NAME)\nrun", "lab.start(greeting, NAME)", 23, "binds no `run`"),
        ("    yield\n", "    yield (\n", 35, "this is not Python"),
        ("# %% evidence\n", "", 42, "there is no line `# %% evidence`"),
        ('    """{NAME} was greeted"""\n', "", 41, "has no docstring"),
        ("wfr = wf.WorkflowRuntime()", "wfr = wf.WorkflowRuntime()\n" + "#\n" * 30, 62, "a recipe has fewer than 40"),
    ],
)
def test_a_fault_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    assert old in FILE
    path = written(tmp_path, FILE.replace(old, new, 1))
    with pytest.raises(InvalidArgument) as refused:
        read_recipe(path)
    assert str(refused.value).startswith(f"{path}, line {line}: ")
    assert told in str(refused.value)


def test_a_file_without_front_matter_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="line 1: a recipe begins with its front matter"):
        read_recipe(written(tmp_path, "x = 1\n"))


def test_a_folder_of_ones_own_stands_behind_ours(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    assert list(gallery(tmp_path)) == [*ORDER, "greeting"]


def test_an_id_that_is_there_twice_names_both_files(tmp_path: Path) -> None:
    path = written(tmp_path, FILE, "fanout")
    with pytest.raises(InvalidArgument, match="Two recipes are called 'fanout'") as refused:
        gallery(tmp_path)
    assert str(path) in str(refused.value)
    assert str(OURS / "fanout.py") in str(refused.value)


def test_a_folder_that_is_none_and_a_name_that_is_none_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is no folder"):
        gallery(tmp_path / "nowhere")
    with pytest.raises(InvalidArgument, match="did you mean 'fanout'"):
        recipe_of(gallery(), "fan_out")


def test_every_file_of_ours_is_in_the_gallery() -> None:
    assert sorted(path.stem for path in OURS.glob("*.py")) == sorted(ORDER)


@given(st.text() | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_is_written_so_that_python_reads_the_same(value: Value) -> None:
    written_as = literal(value)
    assert ast.literal_eval(written_as) == value
    assert "\n" not in written_as
