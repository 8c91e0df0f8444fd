"""`lab.recipes()`: the gallery to display, and its recipes by name: to read, to put into a cell, to run."""

from typing import Any

import pandas as pd
from IPython.core.getipython import get_ipython

from wfengine.errors import InvalidArgument
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.display.recipe_trials import Trial
from wflab.display.recipes_source import RecipesSource
from wflab.recipes.gallery import recipe_of
from wflab.recipes.page import markdown_of


class RecipesHandle(ViewHandle):
    """The gallery. Knobs are keywords: `lab.recipes().run("fanout", ITEMS=100)`."""

    source: RecipesSource

    def __init__(self, displays: Displays, source: RecipesSource) -> None:
        super().__init__(displays, source)

    def code(self, name: str, **knobs: Any) -> str:
        """The code of a recipe with these knobs, ready for a cell. Raises InvalidArgument for a name, a knob or a value that is none."""
        return recipe_of(self.source.recipes, name).source(knobs)

    def insert(self, name: str, **knobs: Any) -> str:
        """Put the code into a new cell below the one that runs now, and give it. Raises as `code`, and outside IPython."""
        code = self.code(name, **knobs)
        shell = get_ipython()
        if shell is None:
            raise InvalidArgument("There is no notebook to insert into. `lab.recipes().code(name)` gives the text.")
        shell.set_next_input(code, replace=False)
        return code

    def run(self, name: str, *, failure: bool = False, **knobs: Any) -> Trial:
        """Run a recipe in the lab, which returns at once; `.wait()` for its end, `.evidence()` is what its record shows. `failure` has it fail."""
        return self.source.start(name, knobs, wants_failure=failure)

    def df(self) -> pd.DataFrame:
        """One row per recipe: id, title, pattern, level, seconds (declared), ends, use_when, not_when, verbs, tags, knobs, experimental, path."""
        rows = [
            {
                "id": one.id,
                "title": one.title,
                "pattern": one.pattern,
                "level": one.level,
                "seconds": one.seconds,
                "ends": one.ends,
                "use_when": one.use_when,
                "not_when": one.not_when,
                "verbs": list(one.verbs),
                "tags": list(one.tags),
                "knobs": {knob.name: knob.default for knob in one.knobs},
                "experimental": card.experimental,
                "path": one.path,
            }
            for one, card in zip(self.source.recipes.values(), self.source.picture().recipes, strict=True)
        ]
        return pd.DataFrame(rows).set_index("id")

    def markdown(self) -> str:
        """All recipes as a page of Markdown, without pictures."""
        return markdown_of(self.source.recipes.values())
