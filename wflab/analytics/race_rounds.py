"""Which of what a turn asked for ran in a race, and who was left behind: told only where the source leaves no doubt.

History has no word for a race: a timer and an event wait that were asked for together may as well be waited for one after the other, and then
the wait is open long after the timer has fired. So whoever says that a wait, or a timer, has lost asks here, with the source that runs.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from wfengine.model.history import EventWait, TimerCreated
from wflab.analytics.call_sites import Sites, call_sites
from wflab.analytics.draft import Draft
from wflab.analytics.race_sites import RaceSite, Runner, race_sites

_SITES = {"event": "event_wait"}
_WAITS = {"timer", "event_wait"}


class Asked(NamedTuple):
    """One thing that a turn asked for, with the kind and the callee that its call-site has; timers have no callee."""

    kind: str
    callee: str


class Round(NamedTuple):
    """One time that a race was run: `places` has for each runner of `site` its place in what was asked, or None where it was not to be looked for."""

    site: RaceSite
    places: tuple[int | None, ...]


class KnownRaces:
    """The races of one source, to be found in what turns of it asked for."""

    def __init__(self, source: str | None) -> None:
        self._races = race_sites(source)
        self._sites = Sites(call_sites(source)) if self._races else None

    def __bool__(self) -> bool:
        return bool(self._races)

    def among(self, asked: Sequence[Asked], *, only: frozenset[str] | None = None) -> Iterator[Round]:
        """The rounds that this turn began. `only`: what was asked holds things of these kinds alone, and others are not looked for.

        A runner with a name is found where one site alone can have asked for it, and the turn asked for it once. Then the turn passed the whole
        race, with all its timers; these are found where it asked for no others.
        """
        for site in self._races:
            places = self._places(site, asked, only)
            if places is not None:
                yield Round(site, places)

    def _places(self, site: RaceSite, asked: Sequence[Asked], only: frozenset[str] | None) -> tuple[int | None, ...] | None:
        timers = [place for place, one in enumerate(asked) if one.kind == "timer"]
        in_order = sorted((runner.line, number) for number, runner in enumerate(site.runners) if runner.kind == "timer")
        if len(timers) != len(in_order):
            return None
        timer_of = {number: place for (_, number), place in zip(in_order, timers, strict=True)}
        found: list[int | None] = []
        for number, runner in enumerate(site.runners):
            if runner.kind == "timer":
                found.append(timer_of[number])
            elif only is not None and runner.kind not in only:
                found.append(None)
            else:
                place = self._place(runner, asked)
                if place is None:
                    return None
                found.append(place)
        is_certain = any(place is not None and runner.kind != "timer" for place, runner in zip(found, site.runners, strict=True))
        return tuple(found) if is_certain else None

    def _place(self, runner: Runner, asked: Sequence[Asked]) -> int | None:
        if self._sites is None or self._sites.line_of(runner.kind, runner.callee or "") != runner.line:
            return None
        places = [place for place, one in enumerate(asked) if one == (runner.kind, runner.callee)]
        return places[0] if len(places) == 1 else None


@lru_cache(maxsize=256)
def races_in(source: str | None) -> KnownRaces:
    """The races of a source: none where there is no source."""
    return KnownRaces(source)


NO_RACES = races_in(None)


def rounds_of(races: KnownRaces, drafts: Sequence[Draft]) -> Iterator[tuple[RaceSite, list[Draft]]]:
    """The rounds that a turn began, by the drafts of all that it asked for; those of a round stand in the order of its runners."""
    if not races or len(drafts) < 2:  # noqa: PLR2004  # a race takes two
        return
    asked = [Asked(_SITES.get(draft.kind, draft.kind), "" if draft.kind == "timer" else draft.name) for draft in drafts]
    for site, places in races.among(asked):
        yield site, [drafts[place] for place in places if place is not None]


def left_behind(site: RaceSite, drafts: Sequence[Draft]) -> Iterator[Draft]:
    """Of one round: the timers and waits that stay open and mean nothing any more, as the code has seen another one end.

    A call that has lost goes on: its work is done all the same.
    """
    if any(not draft.is_open and draft.done_turn for draft in drafts):
        for runner, draft in zip(site.runners, drafts, strict=True):
            if draft.is_open and runner.is_left and runner.kind in _WAITS:
                yield draft


def losers_among(races: KnownRaces, drafts: Sequence[Draft]) -> set[Draft]:
    """Who was left behind of all that a turn asked for. Only an open timer or wait can be."""
    if not any(draft.is_open and _SITES.get(draft.kind, draft.kind) in _WAITS for draft in drafts):
        return set()
    asked = [draft for draft in drafts if not draft.unasked]
    return {loser for site, runners in rounds_of(races, asked) for loser in left_behind(site, runners)}


def rivals_of(source: str | None, asked: Sequence[TimerCreated]) -> dict[int, frozenset[int]]:
    """For the engine: which timers a wait races, of the timers and waits that one turn asked for. Once one has fired, nothing takes an answer any more.

    Waits that are waited for otherwise, too, and all of which the source does not tell beyond doubt, are not in it.
    """
    races = races_in(source)
    if not races:
        return {}
    named = [Asked("event_wait", one.origin.name) if isinstance(one.origin, EventWait) else Asked("timer", "") for one in asked]
    found: dict[int, frozenset[int]] = {}
    for site, places in races.among(named, only=frozenset(_WAITS)):
        runners = [(runner, asked[place].event_id) for runner, place in zip(site.runners, places, strict=True) if place is not None]
        timers = frozenset(number for runner, number in runners if runner.kind == "timer")
        found |= {number: timers for runner, number in runners if runner.kind == "event_wait" and runner.is_left}
    return found
