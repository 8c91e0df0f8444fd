"""Empty records that are copied instead of made: making one takes DuckDB longer than most tests of the rooms above it take."""

import shutil
from itertools import cycle
from pathlib import Path

from wfengine.store import database

DIFFERENT = 4  # more labs than one test ever opens side by side: each has an id of its own


class EmptyRecords:
    """What `wfengine.store.database.create` makes, some of them, made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._make = database.create
        self._originals = cycle(folder / f"{number}.duckdb" for number in range(DIFFERENT))

    def create(self, path: Path) -> None:
        """Make an empty record under `path`."""
        original = next(self._originals)
        if not original.exists():
            self._make(original)
        shutil.copyfile(original, path)
