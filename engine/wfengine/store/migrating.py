"""Bringing an older file to the present schema: a backup first, then everything in one transaction, then a checkpoint.

Whatever happens meanwhile, the file is as it was or as it shall be: DuckDB's log has the whole transaction or nothing of it. A step is
`migrate_<version>.sql`; views and macros are made anew after the last one. What is in the journal needs no step: records only gain fields that
have defaults.
"""

from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import duckdb

from wfengine.errors import StoreError
from wfengine.store import copying


def script(name: str) -> str:
    """The text of a SQL file of this room."""
    return resources.files("wfengine.store").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, found: int, wanted: int, notes: list[str]) -> None:
    """Bring the open file at `path` from schema `found` to `wanted`, which is told in `notes`; nothing happens where they are the same.

    Raises StoreError where a table of the user's own stands in the way.
    """
    if found == wanted:
        return
    backup = path.with_name(f"{path.name}.schema-{found}")
    if backup.exists():  # of an attempt that was cut short, or of another file that had this name: who knows
        backup = backup.with_name(f"{backup.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    copying.copy(connection, backup)
    connection.begin()
    try:
        for name in (*(f"migrate_{version}" for version in range(found + 1, wanted + 1)), "views"):
            for statement in connection.extract_statements(script(name)):
                connection.execute(statement)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(wanted)])
        connection.commit()
    except duckdb.CatalogException as error:
        connection.rollback()
        reason = str(error).partition("\n")[0].rstrip(".")
        raise StoreError(
            f"{path} cannot be brought up to date: {reason}. The lab needs that name now: rename your table with DuckDB "
            "(ALTER TABLE ... RENAME TO ...), then open the lab again."
        ) from error
    connection.execute("CHECKPOINT")
    notes.append(f"The file was brought from schema {found} to {wanted}. As it was before, it is kept in {backup}.")
