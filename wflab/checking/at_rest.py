"""A lab's file to be read while nothing of it may run: a copy, made while nobody else has the file open."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wfengine.errors import InvalidArgument
from wfengine.store.lock import Lock


@contextmanager
def copied(path: str | Path) -> Iterator[Path]:
    """The path of a copy of the file and its journal, deleted at the end. Raises InvalidArgument where there is no file, StoreInUse where a kernel has it."""
    place = Path(path).resolve()
    if not place.is_file():
        raise InvalidArgument(f"There is no lab's file {path}. Name it: wflab check --db FILE module:function.")
    with tempfile.TemporaryDirectory(prefix="wflab-check-") as scratch:
        copy = Path(scratch) / place.name
        lock = _locked(place)
        try:
            for suffix in ("", ".wal", ".journal"):
                part = place.with_name(place.name + suffix)
                if part.is_dir():
                    shutil.copytree(part, copy.with_name(part.name))
                elif part.exists():
                    shutil.copy(part, copy.with_name(part.name))
        finally:
            if lock is not None:
                lock.release()
        yield copy


def _locked(place: Path) -> Lock | None:
    try:
        return Lock.take(place, "wflab check")
    except PermissionError:  # a folder that cannot be written to, as in CI: no kernel of this user works in it, either
        return None
