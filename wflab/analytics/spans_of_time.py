"""Spans of time as people type them: '90s', '45m', '24h', '7d', '2w'."""

from datetime import timedelta

from wfengine.errors import InvalidArgument

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(span: str) -> timedelta:
    """A span from text such as '24h'. Raises InvalidArgument."""
    number, unit = span[:-1], span[-1:]
    if unit not in _UNITS or not number.replace(".", "", 1).isdecimal():
        raise InvalidArgument(f"A span is text such as '24h', '90m' or '7d', or a timedelta, not {span!r}.")
    return timedelta(**{_UNITS[unit]: float(number)})
