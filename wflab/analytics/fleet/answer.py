"""What a question about the fleet is answered with: a DataFrame that knows the SQL it came from."""

from collections.abc import Mapping
from typing import Any

import duckdb
import msgspec
import pandas as pd

from wflab.analytics.frames import aware

DASH = "–"


class Answer(pd.DataFrame):
    """A DataFrame; `attrs["sql"]` and `attrs["parameters"]` are its query, for `lab.sql(sql, **parameters)`, and `attrs["definition"]` what its numbers mean.

    What there is nothing to compute from is NaN, and shown as –. What is computed from an Answer is a plain DataFrame.
    """

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.to_string(na_rep=DASH), self.attrs.get("definition", "")]))

    def _repr_html_(self) -> str:
        return self.to_html(na_rep=DASH, border=0, max_rows=60) + f"<p>{self.attrs.get('definition', '')}</p>"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query with its parameters by name. `definition` says in words what it counts."""

    sql: str
    parameters: Mapping[str, Any] = {}
    definition: str = ""

    def rows(self, cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
        """What it finds."""
        return cursor.execute(self.sql, dict(self.parameters) or None).fetchall()

    def frame(self, cursor: duckdb.DuckDBPyConnection) -> pd.DataFrame:
        """The same as a DataFrame, with aware times."""
        return aware(cursor.execute(self.sql, dict(self.parameters) or None).df())

    def answer(self, frame: pd.DataFrame) -> Answer:
        """The frame that was made of it, with the query."""
        found = Answer(frame)
        found.attrs.update(sql=self.sql, parameters=dict(self.parameters), definition=self.definition)
        return found
