"""A plotly figure that leaves more in a notebook than plotly's own data: a table and a line of text, for places that cannot draw it.

Only who makes figures imports this module, since it imports plotly.
"""

from html import escape
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from IPython.display import display

_PLOTLY = "application/vnd.plotly.v1+json"
_MOST_ROWS = 40


class LabFigure(go.Figure):  # type: ignore[misc]  # plotly carries no types
    """As any figure of plotly. `nbconvert --to html`, GitHub and other places without plotly show the table that it was drawn from."""

    _wflab_answer: pd.DataFrame | None = None

    def drawn_from(self, answer: pd.DataFrame) -> "LabFigure":
        """This figure, with the answer that it shows."""
        self._wflab_answer = answer
        return self

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(*args, **kwargs)
        if _PLOTLY not in bundle:  # another renderer of plotly's was chosen: its output stands for itself
            return bundle
        title = self.layout.title.text or "A figure"
        return {"text/html": self._table(title), "text/plain": f"Figure: {title}", **bundle}

    def _ipython_display_(self) -> None:
        bundle = self._repr_mimebundle_()
        if _PLOTLY in bundle:
            display(bundle, raw=True)
        else:
            super()._ipython_display_()

    def _table(self, title: str) -> str:
        """For a title that plotly reads as HTML, too; see `template.plain`."""
        answer = self._wflab_answer
        if answer is None or answer.empty:
            notes = "".join(f"<p>{note.text}</p>" for note in self.layout.annotations)
            return f"<p><b>{title}</b></p>{notes}"
        shown = pd.DataFrame(answer).drop(columns="steps", errors="ignore")
        cut = f"<p>the first {_MOST_ROWS} of {len(shown):,} rows</p>" if len(shown) > _MOST_ROWS else ""
        said = escape(str(answer.attrs.get("definition", "")))
        table = shown.head(_MOST_ROWS).to_html(
            index=False, border=0, na_rep="–", float_format=lambda number: f"{number:.4g}", justify="left"
        )
        return f"<p><b>{title}</b></p>{table}{cut}<p>{said}</p>"
