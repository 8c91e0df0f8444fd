"""Where the gallery gets its pictures from: the recipes with the graphs of their rehearsals, and the runs that were made of them."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.display.recipe_trials import Trial, Trials
from wflab.display.source import no_such_question
from wflab.recipes.gallery import recipe_of
from wflab.recipes.recipe import Recipe
from wflab.recipes.rehearsal import rehearsed
from wflab.views.recipes_picture import card_of, recipes_picture


class RecipesSource:
    """A source (see `source.Source`). `bench` gives what a recipe's code finds there, as `lab`; `opened` is the recipe to begin with."""

    instance_id = None
    freezes = False

    def __init__(
        self,
        engine: Engine,
        recipes: Mapping[str, Recipe],
        bench: Callable[[], dict[str, Any]],
        *,
        lab: str,
        opened: str | None = None,
        knobs: Mapping[str, Any] | None = None,
    ) -> None:
        self.recipes = recipes
        self.trials = Trials(engine, bench)
        self._engine = engine
        self._lab = lab
        self._opened = None if opened is None else recipe_of(recipes, opened)
        self._knobs = {} if self._opened is None else self._opened.chosen(knobs or {})
        self._cards: list[protocol.RecipeCard] | None = None

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Runs of its own that are under way."""
        return self.trials.concerns(set(instance_ids))

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """See `source.TellsOfChanges`."""
        return self.trials.listen(changed)

    def picture(self) -> protocol.RecipesPicture:
        """All recipes, and the last run of each."""
        if self._cards is None:
            self._cards = [card_of(one, rehearsed(one.source(), one.filename, one.ends)) for one in self.recipes.values()]
        return recipes_picture(
            self._cards,
            self.trials.latest(),
            lab=self._lab,
            now=self._engine.now(),
            ticks=not self._engine.virtual_time.is_on,
            opened=None if self._opened is None else self._opened.id,
            knobs=self._knobs,
        )

    def start(self, name: str, given: Mapping[str, Any], *, wants_failure: bool = False) -> Trial:
        """Run a recipe. Raises InvalidArgument."""
        return self.trials.start(recipe_of(self.recipes, name), given, wants_failure=wants_failure)

    def answer(self, request: protocol.Request) -> Any:
        """`run` a recipe with knobs, or give its `source` with them."""
        given = request.arguments
        name, knobs = str(given.get("recipe")), given.get("knobs", {})
        if not isinstance(knobs, dict):
            raise InvalidArgument("Knobs are given as names and values.")
        match request.what:
            case "run":
                self.start(name, knobs, wants_failure=given.get("failure") is True)
                return None
            case "source":
                return recipe_of(self.recipes, name).source(knobs)
        raise no_such_question(request)
