"""What the lint found, as plain data."""

import msgspec

from wflab.linting.rules import RULES


class Finding(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One place.

    `line` and `column` (both from 1) are those of the file or cell; `function` is the one they stand in; `via` is the line of the call that leads
    from the workflow to another function of yours.
    """

    line: int
    column: int
    rule: str
    message: str
    function: str
    via: int | None = None
    source: str = ""

    @property
    def fix(self) -> str:
        """What to write instead."""
        return RULES[self.rule].fix

    @property
    def is_hint(self) -> bool:
        """Whether it is only seldom meant, and not wrong."""
        return RULES[self.rule].is_hint
