"""Write docs/recipes.md and the pictures in it from the recipes: .venv/bin/python tools/recipes_page.py."""

from pathlib import Path

from wflab import protocol
from wflab.recipes.gallery import gallery
from wflab.recipes.page import markdown_of
from wflab.recipes.recipe import Recipe
from wflab.recipes.rehearsal import rehearsed
from wflab.views.recipes_picture import card_of

PAGE = Path(__file__).resolve().parent.parent / "docs" / "recipes.md"


def page() -> str:
    """The whole page."""
    return markdown_of(gallery().values(), _image)


def pictures() -> dict[str, str]:
    """The graphs of the rehearsals by the names of their files."""
    return {_file(one): f"{_card(one).svg}\n" for one in gallery().values()}


def _card(recipe: Recipe) -> protocol.RecipeCard:
    return card_of(recipe, rehearsed(recipe.source(), recipe.filename, recipe.ends))


def _file(recipe: Recipe) -> str:
    return f"recipe_{recipe.id}.svg"


def _image(recipe: Recipe) -> str:
    return f"![The graph of {recipe.title}: {_card(recipe).sentence}](images/{_file(recipe)})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for name, svg in pictures().items():
        (PAGE.parent / "images" / name).write_text(svg, encoding="utf-8")
    print(f"{PAGE.name}: {len(gallery())} recipes")
