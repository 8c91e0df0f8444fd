"""All recipes: those that come with wflab, and those of a folder of one's own."""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from wfengine.errors import InvalidArgument
from wflab.recipes.reading import read_recipe
from wflab.recipes.recipe import Recipe

OURS = Path(__file__).parent / "patterns"
ORDER = (
    "chaining", "fanout", "async_api", "monitor", "external", "compensation",
    "children", "escalation", "eternal", "rate_limited", "versioning", "poison",
)  # fmt: skip


def gallery(folder: Path | None = None) -> dict[str, Recipe]:
    """The recipes by id, ours first, then those of `folder` by name. Raises InvalidArgument for a folder that is none, a bad file, or an id twice."""
    found = {recipe.id: recipe for recipe in _ours()}
    if folder is None:
        return found
    if not folder.is_dir():
        raise InvalidArgument(f"{folder} is no folder. A folder of recipes has a .py file for each, like those in {OURS}.")
    for path in sorted(folder.glob("*.py")):
        recipe = read_recipe(path)
        if recipe.id in found:
            raise InvalidArgument(f"Two recipes are called {recipe.id!r}: {found[recipe.id].path} and {path}. Rename one of the files.")
        found[recipe.id] = recipe
    return found


def recipe_of(recipes: Mapping[str, Recipe], name: str) -> Recipe:
    """The recipe of an id. Raises InvalidArgument, with the nearest names."""
    if name in recipes:
        return recipes[name]
    near = get_close_matches(name, recipes, n=1)
    raise InvalidArgument(f"There is no recipe {name!r}{f'; did you mean {near[0]!r}?' if near else '.'} There are {', '.join(recipes)}.")


@cache
def _ours() -> tuple[Recipe, ...]:
    return tuple(read_recipe(OURS / f"{name}.py") for name in ORDER)
