"""Connecting to a DuckDB file: our settings, and what each way of failing means to a person.

DuckDB's log (`.wal`) is where its files break. One that will not replay is moved aside and the file opens at its last checkpoint; the
journal reaches back that far. As a damaged log can abort the process, it is tried in a short child process first.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from wfengine.errors import NotADatabase, StoreCorrupt, StoreError, StoreInUse, StoreVersion

_Config = dict[str, str | bool | int | float | list[str]]

# Checkpoints are ours: no log reaches this size. Nothing is fetched from outside to run a query.
_CONFIG: _Config = {
    "checkpoint_threshold": "1TB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "storage_compatibility_version": "v1.5.0",
}
_SETTINGS = (
    "PRAGMA disable_checkpoint_on_shutdown",  # a process forked off must not write at its exit
    "SET auto_checkpoint_skip_wal_threshold = 1_000_000_000_000",  # DuckDB 2
    # DuckDB 2.0.0 waits for ever for a part that two branches of a query share where a LIMIT has had enough of it: of 100,000 runs,
    # `SELECT ... FROM instances WHERE ... LIMIT 1` never ends, nor does opening a lab, which asks such a thing.
    "SET disabled_optimizers = 'common_subplan'",
)
_TRIAL = "import sys, json, duckdb; duckdb.connect(sys.argv[1], read_only=True, config=json.loads(sys.argv[2])).close()"


def connect(path: Path, notes: list[str]) -> duckdb.DuckDBPyConnection:
    """Open the file, moving its log aside if that will not replay, which is told in `notes`."""
    log = path.with_name(path.name + ".wal")
    if log.exists() and (not path.exists() or _aborts(path)):
        _quarantine(path, notes)
    try:
        return _connect(path)
    except duckdb.Error as error:
        known = _explained(path, error)
        if known is not None or not log.exists():
            raise known or StoreCorrupt(f"{path} cannot be opened: {_first_line(error)}. Restore a backup of it.") from error
    moved = _quarantine(path, notes)
    try:
        return _connect(path)
    except duckdb.Error as error:
        notes.clear()
        for original, aside in moved:
            aside.rename(original)
        raise StoreCorrupt(f"{path} cannot be opened, with its log or without: {_first_line(error)}. Restore a backup of it.") from error


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(path), config=_CONFIG)
    for setting in _SETTINGS:
        try:
            connection.execute(setting)
        except (duckdb.CatalogException, duckdb.ParserException):  # a release without this setting does not need it
            continue
    return connection


def _aborts(path: Path) -> bool:
    """Whether opening the file kills the process that tries it."""
    trial = subprocess.run([sys.executable, "-P", "-c", _TRIAL, str(path), json.dumps(_CONFIG)], check=False, capture_output=True)
    return trial.returncode < 0


def _quarantine(path: Path, notes: list[str]) -> list[tuple[Path, Path]]:
    suffix = f".quarantined-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    logs = [*path.parent.glob(f"{path.name}.wal*"), path.with_name(path.name + ".checkpoint.wal")]
    moved = [(log, log.with_name(log.name + suffix)) for log in logs if log.exists() and ".quarantined-" not in log.name]
    for log, aside in moved:
        log.rename(aside)
        notes.append(
            f"DuckDB's log could not be replayed and was moved to {aside}. The lab's record is complete, from its journal; "
            "tables of your own lack what was written since the last checkpoint."
        )
    return moved


def not_now(path: Path, error: OSError | duckdb.Error) -> StoreError:
    """The error that says what was in the way, which may pass."""
    advice = " If its disk is full, free some space." if isinstance(error, OSError | duckdb.IOException) else ""
    return StoreError(f"{path} cannot be opened just now: {_first_line(error)}.{advice}")


def damage(path: Path, error: BaseException) -> StoreCorrupt | None:
    """The error that says that the file's pages are damaged, if that is what DuckDB has found."""
    if not isinstance(error, duckdb.Error) or "Corrupt database file" not in str(error):
        return None
    return StoreCorrupt(f"{path} is damaged: a page of it is not what was written. Restore a backup of it.")


def _explained(path: Path, error: duckdb.Error) -> StoreError | None:
    """The error that says it in our words, or None if the log may be the cause."""
    text = str(error)
    if "not a valid DuckDB database file" in text or "Extension" in text:
        return NotADatabase(f"{path} is not a DuckDB database; it was left as it is. Pass another file: wf.Lab('other.duckdb').")
    if "Could not set lock" in text:
        return StoreInUse(str(path), pid=None, holder="a program that opened it with DuckDB itself", since=None)
    if "different configuration" in text or "already attached" in text or "Unique file handle conflict" in text:
        return StoreInUse(str(path), pid=None, holder="a DuckDB connection in this very process (close it)", since=None)
    if "version number" in text or "newer version" in text:
        return StoreVersion(f"{path} was written by a later DuckDB: {_first_line(error)}. Upgrade: pip install --upgrade duckdb.")
    return None


def _first_line(error: OSError | duckdb.Error) -> str:
    return str(error).partition("\n")[0].rstrip(".")
