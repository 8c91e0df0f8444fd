"""What is recorded of a failure: data, served from history and never rebuilt."""

import traceback

import msgspec

LONGEST_TRACE = 16_000
_OURS = "/wfengine/"


class FailureDetails(msgspec.Struct, gc=False, frozen=True):
    """The failure of an activity, a child workflow or a workflow, in Dapr's three parts and its order.

    `error_type` is the bare class name, as Dapr records it. `inner` is the failure that this one came of, where a program elsewhere tells of one.
    """

    message: str
    error_type: str
    stack_trace: str | None = None
    non_retryable: bool = False
    inner: "FailureDetails | msgspec.UnsetType" = msgspec.UNSET


def failure_of(error: BaseException, *, non_retryable: bool = False) -> FailureDetails:
    """Describe any exception, also one whose `str()` raises."""
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001  # the user's __str__ may do anything, SystemExit included
        message = "<the error's text could not be made>"
    try:
        trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
    except BaseException:  # noqa: BLE001  # likewise for a broken __repr__ or __cause__ chain
        trace = None
    return FailureDetails(
        message=_encodable(message),
        error_type=type(error).__name__,
        stack_trace=None if trace is None else _encodable(trace),
        non_retryable=non_retryable,
    )


def without_frames_of_ours(trace: str) -> str:
    """The frames of a stack trace that are the user's, as they were printed; none where it has none."""
    kept, is_kept = [], False
    for line in trace.splitlines():
        if line.startswith("  File "):
            is_kept = _OURS not in line.replace("\\", "/")
        elif not line.startswith("    "):
            is_kept = False
        if is_kept:
            kept.append(line)
    return "\n".join(kept)


def _encodable(text: str) -> str:
    """Lone surrogates cannot be kept as UTF-8; show them as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
