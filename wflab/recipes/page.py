"""The recipes as a page of Markdown."""

from collections.abc import Callable, Iterable

from wflab.recipes.recipe import Recipe, literal

_HEAD = """# Recipes

Patterns to run, to look at, to break and to take along. In a notebook, `lab.recipes()` (or `%wf recipes`) shows them with their graphs; *Run* runs
one in the lab and holds its record against the statements below; *Insert* puts its code into a cell, as `%wf recipe NAME --insert` does.
The code is plain wflab: nothing is hidden, and it runs as it stands after `%load_ext wflab`.

"""


def markdown_of(recipes: Iterable[Recipe], image: Callable[[Recipe], str] | None = None) -> str:
    """The page; `image` gives the Markdown of a recipe's picture."""
    known = list(recipes)
    listed = "".join(f"| [{one.title}](#{_anchor(one.title)}) | `{one.id}` | {one.level} | {one.use_when} |\n" for one in known)
    table = f"| recipe | name | level | use it when |\n|---|---|---|---|\n{listed}\n"
    return _HEAD + table + "\n".join(_section(one, image) for one in known)


def _section(recipe: Recipe, image: Callable[[Recipe], str] | None) -> str:
    picture = f"{image(recipe)}\n\n" if image is not None else ""
    knobs = "".join(f"| `{knob.name}` | `{literal(knob.default)}` | {knob.label}; {knob.told} |\n" for knob in recipe.knobs)
    table = f"| knob | default | is |\n|---|---|---|\n{knobs}\n" if knobs else ""
    chosen = recipe.chosen({})
    claims = "".join(f"- {claim.words}\n" for claim in recipe.claims)
    turned = ", ".join(f"`{name} = {literal(value)}`" for name, value in recipe.failure.knobs.items())
    words = {claim.name: claim.words for claim in recipe.claims}
    broken = "; ".join(f"“{words[name]}”" for name in recipe.failure.fails)
    strange = f"**Experimental**: {recipe.experimental}\n\n" if recipe.experimental else ""
    return (
        f"## {recipe.title}\n\n{strange}**Use when** {_lower(recipe.use_when)}\n**Not when** {_lower(recipe.not_when)}\n\n"
        f"`{recipe.id}` · {recipe.level} · under {recipe.seconds:g} s · {', '.join(f'`{verb}`' for verb in recipe.verbs)} · *{recipe.label(chosen)}*\n\n"
        f"{picture}```python\n{recipe.code}\n```\n\n{table}It ends `{recipe.ends}`, and its record shows:\n\n{claims}\n"
        f"To see it fail: {turned}, so that {recipe.failure.says}. It ends `{recipe.failure.ends}` then, and this does not hold: {broken}.\n"
    )


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _anchor(title: str) -> str:
    """As GitHub makes them."""
    return "".join(letter for letter in title.lower().replace(" ", "-") if letter.isalnum() or letter in "-_")
