"""What the replay of one history came to, as plain data."""

import msgspec

from wfengine.model.instance import Status


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """Where a history and the code part.

    `kind` is `NonDeterminismError.kind`, or "raises" (the code fails where it had not), or "version" (the version that it is recorded with is not registered).
    `event_id` and `sequence` are those of the recorded event, None where the history has none there. `source` is the text of `line`.
    """

    kind: str
    recorded: str
    attempted: str
    cause: str
    event_id: int | None = None
    sequence: int | None = None
    line: str = ""
    source: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One history: whose it is, and what does not agree; None where it agrees."""

    instance_id: str
    key: int
    status: Status
    generation: int
    version: str | None
    disagreement: Disagreement | None = None
