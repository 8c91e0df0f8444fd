"""Retry policies: what they refuse, and how they explain themselves."""

from datetime import timedelta
from typing import Any

import pytest

from wfengine.errors import InvalidArgument
from wfengine.model.retry import RetryPolicy

GOOD: dict[str, Any] = {"first_retry_interval": timedelta(seconds=1), "max_number_of_attempts": 4}


@pytest.mark.parametrize(
    "bad",
    [
        {"first_retry_interval": 5},
        {"first_retry_interval": None},
        {"first_retry_interval": timedelta(seconds=-1)},
        {"max_number_of_attempts": 0},
        {"max_number_of_attempts": "3"},
        {"backoff_coefficient": 0.5},
        {"backoff_coefficient": float("nan")},
        {"max_retry_interval": timedelta(seconds=-1)},
        {"retry_timeout": 60},
        {"jitter": 1.5},
        {"jitter": float("nan")},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_with_the_name_of_what_is_wrong(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(bad))):
        RetryPolicy(**{**GOOD, **bad})


def test_a_policy_explains_its_schedule() -> None:
    told = RetryPolicy(**GOOD, backoff_coefficient=2, retry_timeout=timedelta(seconds=5), jitter=0.1).explain()
    assert told.splitlines() == [
        "attempt 1: at once",
        "attempt 2: 1 s later (+1 s after the first)",
        "attempt 3: 2 s later (+3 s after the first)",
        "retry_timeout ends the retries",
        "each pause is shortened by up to 10%",
    ]


def test_pauses_beyond_all_measure_are_a_century() -> None:
    policy = RetryPolicy(first_retry_interval=timedelta(days=1), max_number_of_attempts=3000, backoff_coefficient=10)
    assert policy.pause_after(12) == timedelta(days=36_500)
