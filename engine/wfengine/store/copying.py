"""A copy of an open database. Only DuckDB itself can make it: whoever opens the file by its path drops DuckDB's lock on it."""

from pathlib import Path
from uuid import uuid4

import duckdb

from wfengine.store.segments import sync_directory, sync_file


def copy(cursor: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Copy everything the cursor sees to a new file, whole or not at all."""
    unnamed = target.with_name(target.name + ".new")
    unnamed.unlink(missing_ok=True)
    source = cursor.execute("SELECT current_database()").fetchone()
    names = {"source": _quoted(source[0] if source else "", '"'), "file": _quoted(str(unnamed), "'"), "copy": f"copy_{uuid4().hex}"}
    try:
        # ATTACH and COPY FROM DATABASE take no parameters
        cursor.execute("ATTACH {file} AS {copy} (STORAGE_VERSION 'v1.5.0')".format(**names))
        try:
            cursor.execute("COPY FROM DATABASE {source} TO {copy}".format(**names))
            cursor.execute("CHECKPOINT {copy}".format(**names))
        finally:
            cursor.execute("DETACH {copy}".format(**names))
        sync_file(unnamed)
        unnamed.rename(target)
    finally:
        for leftover in (unnamed, unnamed.with_name(unnamed.name + ".wal")):
            leftover.unlink(missing_ok=True)
    sync_directory(target.parent)


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark
