"""Which call undoes which, guessed from their names: for histories that do not say so themselves.

`cancel_hotel` undoes `book_hotel`, `RefundCard` `ChargeCard`, `undo_ship` and `ship_undo` undo `ship`. A guess, and shown as one.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

# What undoes, and what each is the counterpart of where the rest of the name says nothing.
_COUNTERPARTS: dict[str, tuple[str, ...]] = {
    "cancel": ("book", "order", "schedule", "create", "place", "reserve", "request"),
    "refund": ("charge", "pay", "debit", "capture", "bill", "collect"),
    "release": ("reserve", "hold", "lock", "acquire", "allocate", "block"),
    "void": ("authorize", "authorise", "capture", "charge"),
    "return": ("borrow", "take", "withdraw"),
    "credit": ("debit", "charge"),
    "unreserve": ("reserve",),
    "unbook": ("book",),
    "unlock": ("lock",),
    "restore": ("remove", "take", "deduct", "decrement"),
    "delete": ("create", "insert", "add", "upload"),
    "remove": ("create", "insert", "add", "put"),
    "undo": (),
    "revert": (),
    "reverse": (),
    "rollback": (),
    "compensate": (),
}
_NOUNS = {
    "cancellation": "cancel",
    "compensation": "compensate",
    "reversal": "reverse",
    "rollback": "rollback",
    "undo": "undo",
    "refund": "refund",
}
_ALWAYS = ("undo", "revert", "reverse", "rollback", "compensate")
_FILLERS = {"activity", "action", "step", "task", "async", "the", "a", "of", "for"}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
WHOLE, SUBJECT, COUNTERPART = 3, 2, 1


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in whatever case it is written: `CancelHotelBooking`, `cancel-hotel-booking`, `cancel_hotel_booking`."""
    words = tuple(word.lower() for word in _WORD.findall(name))
    return tuple(word for word in words if word not in _FILLERS) or words


def undoing_of(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The word that says that this undoes something, and what is left of the name; None where no word does."""
    words = words_of(name)
    if not words:
        return None
    if words[:2] == ("roll", "back"):
        return "rollback", words[2:]
    if words[0] in _COUNTERPARTS:
        return words[0], words[1:]
    if words[-1] in _NOUNS:
        return _NOUNS[words[-1]], words[:-1]
    return None


@lru_cache(4096)
def likeness(undo: str, step: str) -> int:
    """How sure it is, by their names alone, that `undo` undoes `step`: WHOLE, SUBJECT, COUNTERPART, or 0 for not at all."""
    found = undoing_of(undo)
    if found is None or undo == step:
        return 0
    verb, rest = found
    done = words_of(step)
    if rest and rest == done:
        return WHOLE
    counterparts = _COUNTERPARTS[verb]
    fits = verb in _ALWAYS or done[:1] == () or done[0] in counterparts
    if rest and len(done) > 1 and _same_thing(rest, done[1:]):
        return SUBJECT if fits or undoing_of(step) is None else 0
    return COUNTERPART if not rest and done[:1] and done[0] in counterparts else 0


def pairs_by_name(steps: Sequence[str], undos: Sequence[str]) -> dict[int, int]:
    """Which of `undos` (places, in the order they were called) undoes which of `steps`: the best likeness, of equals the last step not yet undone."""
    taken: set[int] = set()
    found: dict[int, int] = {}
    for place, undo in enumerate(undos):
        able = [(likeness(undo, step), index) for index, step in enumerate(steps) if index not in taken]
        best, index = max(able, default=(0, -1))
        if best:
            taken.add(index)
            found[place] = index
    return found


def _same_thing(rest: tuple[str, ...], done: tuple[str, ...]) -> bool:
    return rest == done or rest[: len(done)] == done or done[: len(rest)] == rest
