"""Which of the engine's tables a SQL text would change. They are the record: people read them and make tables of their own beside them.

DuckDB's own lexer splits the text, so that a comment, a string or a quoted name is never mistaken for something else. A name of ours is
looked for behind every word that can introduce a target, at any depth: DuckDB also changes data inside WITH, EXPLAIN ANALYZE and PREPARE.
"""

import duckdb

_TABLES = (
    "history", "runs", "definitions", "circuits", "transactions", "payloads", "payload_holders", "api_calls", "audit", "meta", "progress",
)  # fmt: skip
_VIEWS = ("executions", "instances", "events", "activities", "waits", "failures", "circuit_breakers")
OURS = frozenset((*_TABLES, *_VIEWS))
_INTRODUCE = frozenset(("into", "update", "table", "view", "truncate", "copy"))
_BETWEEN = frozenset(("if", "not", "exists"))


def changed_by(query: str) -> str | None:
    """The first of the engine's tables that the text names as a target, or `None`."""
    words = _words(query)
    for place, word in enumerate(words):
        if word.strip('"') in OURS and _is_target(words, place):
            return word.strip('"')
    return None


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
    """The lexer's words in lower case, without comments. Its offsets count bytes."""
    text = query.encode()
    tokens = duckdb.tokenize(query)
    ends = [*(offset for offset, _ in tokens[1:]), len(text)][: len(tokens)]
    return [
        text[offset:end].decode().strip().lower()
        for (offset, kind), end in zip(tokens, ends, strict=True)
        if kind not in {duckdb.token_type.comment, duckdb.token_type.string_const}
    ]
