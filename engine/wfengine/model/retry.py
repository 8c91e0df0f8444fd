"""Retry policies: Dapr's, with jitter and error types that are not worth a second try."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from wfengine.errors import InvalidArgument
from wfengine.model.failure import FailureDetails
from wfengine.model.spans import LONGEST_SPAN

_MOST_EXPLAINED = 100


class RetryPolicy:
    """When and how often a failed activity or child workflow is tried again.

    The pause before attempt n+1 is `first_retry_interval * backoff_coefficient ** (n-1)`, at most `max_retry_interval`;
    `max_number_of_attempts` counts the first try. No attempt starts at or after `retry_timeout`, reckoned from the first try by adding up
    the pauses (so that replay agrees). `jitter` (0 to 1) shortens each pause by up to that share, drawn from the call's identity.
    `non_retryable_error_types` are exception classes or their names; `NonRetryableError` is always one.
    """

    def __init__(
        self,
        *,
        first_retry_interval: timedelta,
        max_number_of_attempts: int,
        backoff_coefficient: float | None = 1.0,
        max_retry_interval: timedelta | None = None,
        retry_timeout: timedelta | None = None,
        jitter: float = 0.0,
        non_retryable_error_types: Sequence[str | type[BaseException]] | None = None,
    ) -> None:
        for name, span in (
            ("first_retry_interval", first_retry_interval),
            ("max_retry_interval", max_retry_interval),
            ("retry_timeout", retry_timeout),
        ):
            if not isinstance(span, timedelta) and (span is not None or name == "first_retry_interval"):
                raise InvalidArgument(f"{name} must be a timedelta, for example timedelta(seconds=5), not {span!r}.")
            if span is not None and span < timedelta(0):
                raise InvalidArgument(f"{name} must be >= 0, not {span}.")
        if not isinstance(max_number_of_attempts, int) or max_number_of_attempts < 1:
            raise InvalidArgument(
                f"max_number_of_attempts must be a number >= 1 (it counts the first try), not {max_number_of_attempts!r}."
            )
        if backoff_coefficient is not None and not backoff_coefficient >= 1:
            raise InvalidArgument(f"backoff_coefficient must be >= 1, not {backoff_coefficient}.")
        if not 0 <= jitter <= 1:
            raise InvalidArgument(f"jitter must be between 0 and 1, not {jitter}.")
        self._first_retry_interval = first_retry_interval
        self._max_number_of_attempts = max_number_of_attempts
        self._backoff_coefficient = backoff_coefficient
        self._max_retry_interval = max_retry_interval
        self._retry_timeout = retry_timeout
        self._jitter = jitter
        self._non_retryable = frozenset(t if isinstance(t, str) else t.__name__ for t in non_retryable_error_types or ())

    @property
    def obj(self) -> "RetryPolicy":
        """Itself; in Dapr, the policy that this one wraps."""
        return self

    @property
    def first_retry_interval(self) -> timedelta:
        """The pause after the first failure."""
        return self._first_retry_interval

    @property
    def max_number_of_attempts(self) -> int:
        """How many attempts there are at most, the first included."""
        return self._max_number_of_attempts

    @property
    def backoff_coefficient(self) -> float | None:
        """By how much each pause is longer than the one before."""
        return self._backoff_coefficient

    @property
    def max_retry_interval(self) -> timedelta | None:
        """The longest pause."""
        return self._max_retry_interval

    @property
    def retry_timeout(self) -> timedelta | None:
        """The span after the first try in which attempts may start."""
        return self._retry_timeout

    @property
    def jitter(self) -> float:
        """The share by which a pause may be shortened."""
        return self._jitter

    @property
    def non_retryable_error_types(self) -> frozenset[str]:
        """Names of exception classes that end the retries at once."""
        return self._non_retryable

    def __repr__(self) -> str:
        said = {
            "first_retry_interval": self._first_retry_interval,
            "max_number_of_attempts": self._max_number_of_attempts,
            "backoff_coefficient": self._backoff_coefficient,
            "max_retry_interval": self._max_retry_interval,
            "retry_timeout": self._retry_timeout,
            "jitter": self._jitter or None,
            "non_retryable_error_types": sorted(self._non_retryable) or None,
        }
        return f"RetryPolicy({', '.join(f'{name}={value!r}' for name, value in said.items() if value is not None)})"

    def pause_after(self, attempt: int, *, identity: str = "") -> timedelta | None:
        """The pause after the failed attempt `attempt` (1 is the first), or None where no further attempt is due."""
        pause = self._nominal_pause_after(attempt)
        return pause * (1 - self._jitter * _fraction(identity, attempt)) if self._jitter and pause else pause

    def _nominal_pause_after(self, attempt: int) -> timedelta | None:
        if attempt >= self._max_number_of_attempts:
            return None
        elapsed = timedelta(0)
        for earlier in range(1, attempt + 1):
            pause = self._nominal_pause(earlier)
            elapsed += pause
            if self._retry_timeout is not None and elapsed >= self._retry_timeout:
                return None
        return pause

    def gives_up_on(self, failure: FailureDetails) -> bool:
        """Whether this failure is not worth another attempt."""
        return failure.non_retryable or failure.error_type == "NonRetryableError" or failure.error_type in self._non_retryable

    def explain(self) -> str:
        """The schedule of attempts as text, one line each."""
        lines = ["attempt 1: at once"]
        elapsed = timedelta(0)
        attempt = 1
        while (pause := self._nominal_pause_after(attempt)) is not None and attempt < _MOST_EXPLAINED:
            elapsed += pause
            attempt += 1
            lines.append(f"attempt {attempt}: {pause.total_seconds():g} s later (+{elapsed.total_seconds():g} s after the first)")
        if attempt < self._max_number_of_attempts:
            reason = (
                "retry_timeout ends the retries"
                if attempt < _MOST_EXPLAINED
                else f"and so on, up to {self._max_number_of_attempts} attempts"
            )
            lines.append(reason)
        if self._jitter:
            lines.append(f"each pause is shortened by up to {self._jitter:.0%}")
        return "\n".join(lines)

    def _nominal_pause(self, attempt: int) -> timedelta:
        coefficient = self._backoff_coefficient or 1.0
        try:
            pause = self._first_retry_interval * coefficient ** (attempt - 1)
        except OverflowError:
            pause = LONGEST_SPAN
        longest = self._max_retry_interval
        return pause if longest is None else min(pause, longest)


def _fraction(identity: str, attempt: int) -> float:
    """A number in [0, 1) that is the same at every replay."""
    digest = hashlib.blake2b(f"{identity}/{attempt}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
