"""The races of one execution, round by round: who runs, who won, and who is left behind.

Two kinds of races are known. Timers and waits asked for together, and nothing with them, are one whatever the source says. Calls are one where
the source says so beyond doubt (`RaceSite`); then the first of them that ended and that the code has seen won, failed or not, as `when_any` has it.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Literal

from wflab.analytics.draft import Draft, is_race, losers_of
from wflab.analytics.race_sites import RaceSite

Outcome = Literal["won", "lost", "open"]
_WAITS = {"timer", "event"}


class Round:
    """One time that a race was run. `race` and `names` are ids of groups; `site` is None for a race that history itself tells."""

    def __init__(self, race: str, names: Sequence[str], drafts: Sequence[Draft], site: RaceSite | None) -> None:
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
        """The place of who ended first, if the code has seen it; None also where history tells the race in its own way."""
        first = next(iter(self._over), None)
        if self.site is None or first is None:
            return None
        place = next(place for place, draft in enumerate(self.drafts) if draft.id == first)
        return place if self.drafts[place].done_turn else None

    def is_lost_by(self, name: str) -> bool:
        """Whether somebody else has won."""
        return self.winner is not None and self.names[self.winner] != name

    def has_left(self, name: str) -> bool:
        """Whether nothing can follow from this one any more."""
        return self.site is not None and self.is_lost_by(name) and self.site.runners[self.names.index(name)].is_left

    def losers(self, asking_turns: Collection[int], *, is_ended: bool) -> list[Draft]:
        """Timers and waits that stay open and mean nothing any more. A call that has lost goes on: its work is done all the same."""
        if self.site is None:
            return losers_of(self.drafts, asking_turns, ended=is_ended)
        named = zip(self.names, self.drafts, strict=True)
        return [draft for name, draft in named if draft.is_open and draft.kind in _WAITS and self.has_left(name)]


class Races:
    """All rounds so far. `sites` come with the groups of their runners, in the same order."""

    def __init__(self, sites: Sequence[tuple[RaceSite, tuple[str, ...]]]) -> None:
        self._sites = [(site, names) for site, names in sites if len(set(names)) == len(site.runners)]
        self._rounds: list[Round] = []
        self._newest: dict[str, Round] = {}
        self._of_member: dict[str, Round] = {}
        self._of_draft: dict[str, Round] = {}

    def among(self, asked: Sequence[Draft], name_of: Callable[[Draft], str]) -> Iterator[tuple[list[Draft], RaceSite | None]]:
        """The races among what one turn asks for that have not begun yet."""
        if is_race(asked):
            if asked[0].id not in self._of_draft:
                yield list(asked), None
            return
        if not self._sites:
            return
        wanted = {name for _, names in self._sites for name in names}
        found: dict[str, list[Draft]] = {}
        for draft in asked:
            name = name_of(draft)
            if name in wanted:
                found.setdefault(name, []).append(draft)
        for site, names in self._sites:
            runners = [found.get(name, []) for name in names]
            if all(len(drafts) == 1 and drafts[0].id not in self._of_draft for drafts in runners):
                yield [draft for drafts in runners for draft in drafts], site

    def begin(self, race: str, names: Sequence[str], drafts: Sequence[Draft], site: RaceSite | None) -> None:
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

    def losers(self, asking_turns: Collection[int], *, is_ended: bool) -> Iterator[Draft]:
        """Of all rounds."""
        for one in self._rounds:
            yield from one.losers(asking_turns, is_ended=is_ended)
