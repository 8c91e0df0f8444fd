"""Large payloads: in the tables each once, by the hash of its text, and a reference wherever it would stand.

A reference is no JSON, so it is never taken for a payload; a text that looks like a reference is stored like a large one. Which executions
refer to a payload is kept beside it, so that a purge finds out cheaply what nobody refers to any more. The journal holds payloads as they are.
"""

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import duckdb

from wfengine.errors import StoreCorrupt

MARK = "@blake2b:"
LARGEST_IN_PLACE_BYTES = 1024 * 1024
_SURELY_IN_PLACE = LARGEST_IN_PLACE_BYTES // 4  # characters: none takes more than four bytes
_REFERENCE = re.compile(r"@blake2b:([0-9a-f]{64}) \d+")


def is_in_place(text: str | None) -> bool:
    """Whether a text surely stands in the table itself; False where it must be looked at more closely."""
    return text is None or (len(text) <= _SURELY_IN_PLACE and text[:1] != "@")


class LargePayloads:
    """The large payloads of a batch and who refers to them."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._holders: set[tuple[str, int]] = set()

    def placed(self, text: str | None, key: int) -> str | None:
        """What stands in a table for `text`: itself, or the reference to it. `key` is the execution that it belongs to."""
        if text is None or is_in_place(text):
            return text
        data = text.encode()
        if len(data) <= LARGEST_IN_PLACE_BYTES and not text.startswith(MARK):
            return text
        digest = blake2b(data, digest_size=32).hexdigest()
        self._texts[digest] = text
        self._holders.add((digest, key))
        return f"{MARK}{digest} {len(data)}"

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Store what is not there yet, in the transaction of the rows that refer to it."""
        if not self._texts:
            return
        there = connection.execute("SELECT hash FROM payloads WHERE hash IN (SELECT unnest(?))", [list(self._texts)]).fetchall()
        for digest in self._texts.keys() - {found for (found,) in there}:
            connection.execute("INSERT INTO payloads VALUES (?, ?)", [digest, self._texts[digest]])
        digests, keys = zip(*sorted(self._holders), strict=True)
        connection.execute("INSERT INTO payload_holders SELECT unnest(?), unnest(?)", [list(digests), list(keys)])


def forget(connection: duckdb.DuckDBPyConnection, purged: list[int]) -> None:
    """Delete the payloads that none but these executions referred to."""
    connection.execute("DELETE FROM payload_holders WHERE instance IN (SELECT unnest(?))", [purged])
    connection.execute("DELETE FROM payloads WHERE hash NOT IN (SELECT hash FROM payload_holders)")


def texts_of(cursor: duckdb.DuckDBPyConnection, cells: Iterable[str | None]) -> Mapping[str, str]:
    """The payloads by reference, for all references that these cells are or hold."""
    references = {
        found.group(): found.group(1) for cell in cells if cell is not None and MARK in cell for found in _REFERENCE.finditer(cell)
    }
    if not references:
        return {}
    found = dict(cursor.execute("SELECT hash, data FROM payloads WHERE hash IN (SELECT unnest(?))", [list(references.values())]).fetchall())
    return {reference: found[digest] for reference, digest in references.items() if digest in found}


def resolved(cell: str | None, texts: Mapping[str, str]) -> str | None:
    """The text that a cell stands for. Raises StoreCorrupt where a large payload is missing."""
    if cell is None or not cell.startswith(MARK):
        return cell
    if cell not in texts:
        raise StoreCorrupt(f"The large payload {cell!r} is missing from the table `payloads`. Restore a backup.")
    return texts[cell]
