"""Spans of time that may be asked for: what is added to the present must still be a date."""

from datetime import timedelta

LONGEST_SPAN = timedelta(days=36_500)
