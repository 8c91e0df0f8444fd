"""`lab.api_log()`: to display, to export, and its calls as a DataFrame."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import duckdb
import pandas as pd

from wflab.analytics.api_calls import frame
from wflab.display.api_log_source import ApiLogSource
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.protocol.api_log import ApiLogFilter

Cursor = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


class ApiLogHandle(ViewHandle):
    """The API log. What a person filters in any display of it is here, too."""

    source: ApiLogSource

    def __init__(self, displays: Displays, source: ApiLogSource, cursor: Cursor) -> None:
        super().__init__(displays, source)
        self._cursor = cursor

    @property
    def filter(self) -> ApiLogFilter:
        """Which calls are looked at."""
        return self.source.filter

    def df(self, limit: int | None = None) -> pd.DataFrame:
        """One row per call that the filter leaves, the newest first; `limit` is how many at most.

        Columns: occurred_at (aware UTC), app_id (None: the lab's own sidecar), api, method, target, status (an HTTP code, or the name of a gRPC code),
        is_failed, duration_ms, trace, caller, error, request_bytes, response_bytes.
        """
        with self._cursor() as cursor:
            return frame(cursor, self.source.scope(), limit)
