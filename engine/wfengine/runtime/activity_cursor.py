"""`ctx.cursor`: the lab's database as a transactional activity sees it, inside a transaction that the engine begins and ends.

Every text is read before it runs: what would change the record or end the transaction is refused. No relations are given out, as their methods
would go round that.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import duckdb

from wfengine.errors import InvalidArgument
from wfengine.store.guarding import OURS, refusal_within_transaction

_ENGINES = frozenset(("abort", "begin", "checkpoint", "close", "commit", "cursor", "duplicate", "rollback"))
# What DuckDB's connection has of these depends on its release.
_READ = frozenset(
    (
        "arrow", "description", "df", "fetch_arrow_table", "fetch_df", "fetch_df_chunk", "fetch_record_batch", "fetchdf", "fetchnumpy", "pl",
        "rowcount", "to_arrow_reader", "to_arrow_table",
    )
)  # fmt: skip

Parameters = Sequence[Any] | Mapping[str, Any] | None


class ActivityCursor:
    """Much as DuckDB's connection: `execute`, `executemany`, `sql`, `register`, then `fetchall`, `df`, `to_arrow_table` and so on.

    DataFrames of the activity can be named as tables. For the activity's own thread, and only as long as it runs.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._finds_frames = False

    def execute(self, query: str | duckdb.Statement, parameters: Parameters = None) -> Self:
        """Run the text's statements; the answer of the last is fetched from this cursor. Raises InvalidArgument before anything has run."""
        text = self._checked(query)
        self._connection.execute(text) if parameters is None else self._connection.execute(text, parameters)
        return self

    def executemany(self, query: str | duckdb.Statement, parameters: Sequence[Parameters]) -> Self:
        """Run the text once for each of the parameters."""
        self._connection.executemany(self._checked(query), parameters)
        return self

    def sql(self, query: str | duckdb.Statement, *, params: Parameters = None) -> Self:
        """As `execute`: the answer is fetched from this cursor, there is no relation."""
        return self.execute(query, params)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row of the answer."""
        return self._connection.fetchone()

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        """The next rows of the answer."""
        return self._connection.fetchmany(size)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rest of the answer."""
        return self._connection.fetchall()

    def register(self, name: str, data: object) -> Self:
        """Make a DataFrame or an Arrow table a table of this name, for this cursor."""
        self._connection.register(_own(name), data)
        return self

    def unregister(self, name: str) -> Self:
        """Take back what was registered."""
        self._connection.unregister(_own(name))
        return self

    def _checked(self, query: str | duckdb.Statement) -> str:
        text = query if isinstance(query, str) else query.query
        refused = refusal_within_transaction(self._connection, text)
        if refused is not None:
            raise InvalidArgument(refused)
        if not self._finds_frames:  # else only this file's own variables would be looked at
            self._connection.execute("SET python_scan_all_frames = true")
            self._finds_frames = True
        return text

    def __getattr__(self, name: str) -> Any:  # whatever DuckDB gives
        if name in _ENGINES:
            raise InvalidArgument(
                f"ctx.cursor has no {name}: the engine begins this transaction, commits it when the activity returns and rolls it back when it raises."
            )
        if name in _READ:
            return getattr(self._connection, name)
        raise AttributeError(f"ctx.cursor has no {name!r}. It has execute, executemany, sql, register, fetchall, df and the like.")


def _own(name: str) -> str:
    if name.lower() in OURS:
        raise InvalidArgument(f"{name} is the name of one of the engine's tables. Register it under another.")
    return name
