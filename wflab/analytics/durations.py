"""Spans of time in words: `6 d 23 h`, `1.5 s`, `210 ms`. The same words stand in the page, in static cards and in text."""

_UNITS = (("d", 86_400.0), ("h", 3_600.0), ("min", 60.0), ("s", 1.0))
_NEAR = 0.03
_SHORTEST_S = 0.001
_WITH_TENTHS_S = 10


def span_text(seconds: float) -> str:
    """A span to two units at most; negative spans count as none."""
    if not seconds > 0:  # also not-a-number
        return "0 s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms" if seconds >= _SHORTEST_S else "<1 ms"
    if seconds < _WITH_TENTHS_S:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for index, (unit, size) in enumerate(_UNITS):
        if whole >= size:
            count, rest = divmod(whole, int(size))
            if index + 1 == len(_UNITS):
                return f"{count} {unit}"
            smaller, smaller_size = _UNITS[index + 1]
            part = int(rest // smaller_size)
            return f"{count} {unit} {part} {smaller}" if part else f"{count} {unit}"
    return f"{whole} s"


def nominal_text(seconds: float) -> str:
    """The span somebody meant: within 3 % of a round number of its unit it is that number, so that `7 d` minus an instant is `7 d`."""
    for unit, size in _UNITS:
        count = round(seconds / size)
        if count >= 1 and abs(seconds - count * size) <= _NEAR * min(seconds, size):
            return f"{count} {unit}"
    return span_text(seconds)
