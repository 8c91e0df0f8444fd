"""Which SQL may not run: what would change the engine's tables, which are the record, and inside a transaction of ours what would end it.

People read these tables and make tables of their own beside them. DuckDB's own lexer splits the text, so that a comment, a string or a quoted
name is never mistaken for something else. A name of ours is looked for behind every word that can introduce a target, at any depth: DuckDB also
changes data inside WITH, EXPLAIN ANALYZE and PREPARE, and takes a string in quotes for a name there.
"""

import duckdb

TABLES = (
    "history", "runs", "definitions", "circuits", "transactions", "payloads", "payload_holders", "api_calls", "audit", "meta", "progress",
    "state", "pubsub_messages", "pubsub_subscribers", "pubsub_deliveries",
)  # fmt: skip
VIEWS = ("executions", "instances", "events", "activities", "waits", "failures", "circuit_breakers", "spans")
OURS = frozenset((*TABLES, *VIEWS))
_INTRODUCE = frozenset(("into", "update", "table", "view", "truncate", "copy"))
_BETWEEN = frozenset(("if", "not", "exists"))
_QUOTES = "\"'"
# These bring SQL of their own, or tables of any name.
_BRING_ANYTHING = {
    ("import", "database"): "IMPORT DATABASE",
    ("import_database",): "import_database",
    ("copy", "from", "database"): "COPY FROM DATABASE",
    ("copy_database",): "copy_database",
}
# Not among them: EXPLAIN, which can run a COMMIT, PRAGMA and CALL, which can checkpoint, SET, which can lead elsewhere, and EXECUTE.
_WITHIN_TRANSACTION = frozenset(
    ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE_INTO", "CREATE", "CREATE_FUNC", "ALTER", "DROP", "COPY", "MULTI")
)


def changed_by(query: str) -> str | None:
    """The first of the engine's tables that the text names as a target, or `None`."""
    words = _words(query)
    for place, word in enumerate(words):
        if word.strip(_QUOTES) in OURS and _is_target(words, place):
            return word.strip(_QUOTES)
    return None


def refusal(query: str) -> str | None:
    """Why this text may run nowhere in a lab, in a sentence or two, or `None`."""
    ours = changed_by(query)
    if ours is not None:
        return f"{ours} is the engine's and can only be read: it is the record. Make a table of your own: CREATE TABLE mine AS FROM {ours}."
    words = [word.strip('"') for word in _words(query)]
    for sequence, name in _BRING_ANYTHING.items():
        if any(tuple(words[place : place + len(sequence)]) == sequence for place in range(len(words))):
            return f"{name} could change the record. Make a table of your own from each file: CREATE TABLE mine AS FROM 'mine.parquet'."
    return None


def refusal_within_transaction(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Why this text may not run inside a transaction that the engine has begun. Raises duckdb.Error for what is not SQL."""
    for statement in connection.extract_statements(query):
        if statement.type.name not in _WITHIN_TRANSACTION:
            return (
                f"{_words(statement.query)[0].upper()} cannot be run here: the engine begins and ends this transaction. "
                "Queries and changes of tables of your own can."
            )
    return refusal(query)


def _is_target(words: list[str], place: int) -> bool:
    following = words[place + 1] if place + 1 < len(words) else ""
    if following == "." and "column" not in words[:place]:
        return False  # it qualifies the name that follows
    before = place - 1
    while before >= 1 and words[before] == ".":
        before -= 2
    while before >= 0 and words[before] in _BETWEEN:
        before -= 1
    introduced_by = words[max(0, before - 1) : before + 1]
    match introduced_by:
        case [*_, word] if word in _INTRODUCE:
            return True
        case ["delete", "from"]:
            return True
        case [*_, "on"]:  # an index or a trigger; in a join a column follows the name
            return "create" in words[:place] and following != "."
        case [*_, "column"]:
            return "comment" in words[:place]
        case _:
            return False


def _words(query: str) -> list[str]:
    """The lexer's words in lower case with their quotes, without comments. Its offsets count bytes."""
    text = query.encode()
    tokens = duckdb.tokenize(query)
    ends = [*(offset for offset, _ in tokens[1:]), len(text)][: len(tokens)]
    return [
        text[offset:end].decode().strip().lower()
        for (offset, kind), end in zip(tokens, ends, strict=True)
        if kind != duckdb.token_type.comment
    ]
