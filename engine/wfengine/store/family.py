"""Which executions belong together: what a purge takes with it.

Children are found by the key of the execution that started them, which every generation of a child carries. An id alone says nothing: once
free, it may be used by anybody.
"""

import duckdb

_RECURSIVE = """
WITH RECURSIVE family AS (
    SELECT key, instance_id FROM executions WHERE instance_id = $id
    UNION
    SELECT other.key, other.instance_id FROM executions AS other JOIN family ON other.parent = family.key
)
SELECT key, instance_id FROM family ORDER BY key
"""
_ALONE = "SELECT key, instance_id FROM executions WHERE instance_id = $id ORDER BY key"


def family(cursor: duckdb.DuckDBPyConnection, instance_id: str, *, recursive: bool) -> list[tuple[int, str]]:
    """All executions of an id as (key, id), and with `recursive` the children of these, theirs, and so on."""
    return [(key, found) for key, found in cursor.execute(_RECURSIVE if recursive else _ALONE, {"id": instance_id}).fetchall()]
