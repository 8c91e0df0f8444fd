"""What the gallery of recipes shows. The twin is extension/src/protocol/recipes.ts."""

from typing import Literal

import msgspec

KnobValue = bool | int | float | str


class RecipeKnob(msgspec.Struct, frozen=True, kw_only=True):
    """A constant of the code that may be set. `told` says in words what fits."""

    name: str
    label: str
    kind: Literal["bool", "int", "float", "text"]
    default: KnobValue
    low: float | None = None
    high: float | None = None
    choices: list[str] = []
    told: str


class RecipeStatement(msgspec.Struct, frozen=True, kw_only=True):
    """A claim about a run. `text` of a card has knobs in braces; `found` is what the record has."""

    name: str
    text: str
    verdict: Literal["pass", "fail", "pending"] = "pending"
    found: str = ""


class RecipeFailure(msgspec.Struct, frozen=True, kw_only=True):
    """How to see it fail: what happens then, the knobs that do it, the state it ends in, and which claims do not hold."""

    says: str
    knobs: dict[str, KnobValue]
    ends: str
    fails: list[str]


class RecipeCard(msgspec.Struct, frozen=True, kw_only=True):
    """One recipe. `run` is the button's text with knobs in braces, `svg` the graph of a rehearsal with `sentence` in its place for who cannot see it.

    `views` are what is worth looking at after a run. `origin` is wflab, or the file of a recipe of the user's own. `experimental` says why it is
    not to be relied on.
    """

    id: str
    title: str
    pattern: str
    use_when: str
    not_when: str
    level: str
    verbs: list[str]
    seconds: float
    tags: list[str]
    problems: list[str]
    ends: str
    run: str
    knobs: list[RecipeKnob]
    failure: RecipeFailure
    statements: list[RecipeStatement]
    code: str
    svg: str
    width: float
    height: float
    sentence: str
    views: list[str]
    origin: str = "wflab"
    experimental: str = ""


class RecipeTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A run from the gallery, the last one of its recipe. `said` is what the code printed, `error` why there is no run, or not all of it."""

    recipe: str
    number: int
    knobs: dict[str, KnobValue]
    wants_failure: bool
    instance_id: str | None = None
    workflow: str = ""
    status: str = "PENDING"
    is_over: bool = False
    took_ms: float | None = None
    statements: list[RecipeStatement]
    said: list[str] = []
    error: str = ""


class RecipesPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The gallery. `opened` is the recipe to begin with, where one was asked for."""

    view: Literal["recipes"] = "recipes"
    lab: str
    now: float
    ticks: bool
    is_over: bool = False
    recipes: list[RecipeCard]
    trials: list[RecipeTrial] = []
    opened: str | None = None
    opened_knobs: dict[str, KnobValue] = {}
