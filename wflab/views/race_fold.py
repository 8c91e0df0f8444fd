"""The races of one execution, round by round: who runs, who won, and who is left behind.

The source tells which there are (`race_rounds`). The first of a round that ended and that the code has seen won, failed or not, as `when_any` has it.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from wflab.analytics.draft import Draft
from wflab.analytics.race_rounds import KnownRaces, left_behind, rounds_of
from wflab.analytics.race_sites import RaceSite

Outcome = Literal["won", "lost", "open"]


class Round:
    """One time that a race was run. `race` and `names` are ids of groups; `names` and `drafts` stand in the order of the site's runners."""

    def __init__(self, race: str, names: Sequence[str], drafts: Sequence[Draft], site: RaceSite) -> None:
        self.race = race
        self.names = tuple(names)
        self.drafts = tuple(drafts)
        self.site = site
        self._over: dict[str, None] = {}  # in the order of the record

    def follow(self, draft: Draft) -> None:
        """One of its drafts has changed."""
        if draft.is_open:  # also a failed attempt that is followed by another
            self._over.pop(draft.id, None)
        else:
            self._over.setdefault(draft.id)

    @property
    def winner(self) -> int | None:
        """The place of who ended first, if the code has seen it."""
        first = next(iter(self._over), None)
        if first is None:
            return None
        place = next(place for place, draft in enumerate(self.drafts) if draft.id == first)
        return place if self.drafts[place].done_turn else None

    def is_lost_by(self, name: str) -> bool:
        """Whether somebody else has won."""
        return self.winner is not None and self.names[self.winner] != name

    def has_left(self, name: str) -> bool:
        """Whether nothing can follow from this one any more."""
        return self.is_lost_by(name) and self.site.runners[self.names.index(name)].is_left


class Races:
    """All rounds so far of one execution, whose source has these races."""

    def __init__(self, known: KnownRaces) -> None:
        self._known = known
        self._rounds: list[Round] = []
        self._newest: dict[str, Round] = {}
        self._of_member: dict[str, Round] = {}
        self._of_draft: dict[str, Round] = {}

    def among(self, asked: Sequence[Draft]) -> Iterator[tuple[RaceSite, list[Draft]]]:
        """The races among what one turn asks for that have not begun yet."""
        for site, drafts in rounds_of(self._known, asked):
            if not any(draft.id in self._of_draft for draft in drafts):
                yield site, drafts

    def begin(self, race: str, names: Sequence[str], drafts: Sequence[Draft], site: RaceSite) -> None:
        """A round begins."""
        begun = Round(race, names, drafts, site)
        self._rounds.append(begun)
        self._newest[race] = begun
        self._of_member.update(dict.fromkeys(names, begun))
        self._of_draft.update({draft.id: begun for draft in drafts})
        for draft in drafts:
            begun.follow(draft)

    def follow(self, draft: Draft) -> None:
        """Called at the very row that changed a draft, so that who ended first is known."""
        begun = self._of_draft.get(draft.id)
        if begun is not None:
            begun.follow(draft)

    def newest_of(self, race: str) -> Round | None:
        """The newest round of this race."""
        return self._newest.get(race)

    def newest_with(self, name: str) -> Round | None:
        """The newest round that a group ran in."""
        return self._of_member.get(name)

    def losers(self) -> Iterator[Draft]:
        """Timers and waits of all rounds that stay open and mean nothing any more."""
        for one in self._rounds:
            yield from left_behind(one.site, one.drafts)
