"""From recipes and what was tried of them to the RecipesPicture that every form of the gallery is drawn from."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from wflab import protocol
from wflab.recipes.evidence import Statement, claimed
from wflab.recipes.gallery import OURS
from wflab.recipes.recipe import Knob, Recipe
from wflab.recipes.rehearsal import Rehearsed
from wflab.views.graph_picture import graph_picture, run_graph
from wflab.views.graph_svg import size_of, svg_of
from wflab.views.graph_words import sentence_of
from wflab.views.head import milliseconds

AFTERWARDS = ("graph", "timeline", "saga", "replay")
LARGEST = 250_000
_LEVEL = 3
_KINDS: dict[type, Literal["bool", "int", "float", "text"]] = {bool: "bool", int: "int", float: "float", str: "text"}


def recipes_picture(
    cards: Sequence[protocol.RecipeCard],
    trials: Iterable[protocol.RecipeTrial],
    *,
    lab: str,
    now: datetime,
    ticks: bool,
    opened: str | None = None,
    knobs: dict[str, Any] | None = None,
) -> protocol.RecipesPicture:
    """The gallery as it stands."""
    return protocol.RecipesPicture(
        lab=lab, now=milliseconds(now), ticks=ticks, recipes=list(cards), trials=list(trials), opened=opened, opened_knobs=knobs or {}
    )


def card_of(recipe: Recipe, played: Rehearsed) -> protocol.RecipeCard:
    """A recipe with the graph of its rehearsal; one that could not be rehearsed, or did not end as it declares, is experimental."""
    svg, width, height, sentence = _drawn(recipe, played)
    is_ours = recipe.path.startswith(str(OURS))
    return protocol.RecipeCard(
        id=recipe.id,
        title=recipe.title,
        pattern=recipe.pattern,
        use_when=recipe.use_when,
        not_when=recipe.not_when,
        level=recipe.level,
        verbs=list(recipe.verbs),
        seconds=recipe.seconds,
        tags=list(recipe.tags),
        problems=list(recipe.problems),
        ends=recipe.ends,
        run=recipe.run,
        knobs=[_knob(knob) for knob in recipe.knobs],
        failure=protocol.RecipeFailure(
            says=recipe.failure.says, knobs=dict(recipe.failure.knobs), ends=recipe.failure.ends, fails=list(recipe.failure.fails)
        ),
        statements=statements_of(claimed(recipe, {})),
        code=recipe.code,
        svg=svg,
        width=width,
        height=height,
        sentence=sentence,
        views=views_of(recipe),
        origin="wflab" if is_ours else recipe.path,
        experimental=recipe.experimental or played.complaint,
    )


def statements_of(statements: Iterable[Statement]) -> list[protocol.RecipeStatement]:
    """As messages."""
    return [protocol.RecipeStatement(name=one.name, text=one.text, verdict=one.verdict, found=one.found) for one in statements]


def views_of(recipe: Recipe) -> list[str]:
    """What to look at after a run: the views of a run that there are; of those on undoing only where something is undone."""
    known = get_args(protocol.ViewName)
    return [name for name in AFTERWARDS if name in known and (name != "saga" or "Saga" in recipe.verbs)]


def cut(picture: protocol.RecipesPicture) -> protocol.RecipesPicture:
    """What fits into a notebook: pictures go first, from the last recipe on."""
    cards = list(picture.recipes)
    for place in reversed(range(len(cards))):
        if len(msgspec.json.encode(picture)) <= LARGEST:
            break
        cards[place] = msgspec.structs.replace(cards[place], svg="")
        picture = msgspec.structs.replace(picture, recipes=list(cards))
    while len(msgspec.json.encode(picture)) > LARGEST and len(picture.recipes) > 1:
        picture = msgspec.structs.replace(picture, recipes=picture.recipes[: len(picture.recipes) // 2])
    return picture


def _knob(knob: Knob) -> protocol.RecipeKnob:
    return protocol.RecipeKnob(
        name=knob.name,
        label=knob.label,
        kind=_KINDS[type(knob.default)],
        default=knob.default,
        low=knob.low,
        high=knob.high,
        choices=list(knob.choices),
        told=knob.told,
    )


def _drawn(recipe: Recipe, played: Rehearsed) -> tuple[str, float, float, str]:
    instance = played.instance
    if instance is None:
        return "", 0.0, 0.0, f"There is no picture of {recipe.title}: {played.complaint}"
    run = run_graph(instance, played.rows, source=played.source)
    picture = graph_picture(run, played.rows, now=instance.updated_at, ticks=False)
    if not picture.levels:
        return "", 0.0, 0.0, f"{recipe.title} has too many steps for a picture."
    width, height = size_of(picture, _LEVEL)
    return svg_of(picture, _LEVEL), width, height, sentence_of(picture)
