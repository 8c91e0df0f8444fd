"""Which executions belong together: what a purge takes with it.

Children are found by the key of the execution that started them, which every generation of a child carries. An id alone says nothing: once
free, it may be used by anybody.
"""

from collections.abc import Sequence

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


_USES = """
WITH RECURSIVE ended AS (SELECT key, instance_id FROM executions WHERE key IN (SELECT unnest($keys))),
begun AS (
    SELECT ended.key AS last, ended.instance_id, max(first.key) AS first
    FROM ended JOIN executions AS first
        ON first.instance_id = ended.instance_id AND first.key <= ended.key AND first.generation = 0
    GROUP BY ALL
),
family AS (
    SELECT other.key, other.instance_id
    FROM executions AS other JOIN begun ON other.instance_id = begun.instance_id AND other.key BETWEEN begun.first AND begun.last
    UNION
    SELECT other.key, other.instance_id FROM executions AS other JOIN family ON other.parent = family.key
)
SELECT key, instance_id FROM family ORDER BY key
"""


def uses(cursor: duckdb.DuckDBPyConnection, ended: Sequence[int]) -> list[tuple[int, str]]:
    """These last generations of instances as (key, id), with the generations before them and the children of all: not other uses of their ids."""
    return [(key, found) for key, found in cursor.execute(_USES, {"keys": list(ended)}).fetchall()]
