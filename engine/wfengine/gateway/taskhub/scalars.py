"""Times, texts, statuses and failures, as the wire has them and as we do.

A payload on the wire is any text; ours is JSON. Text that is none is kept as a JSON string, so that SQL and the views can read all there is, with a space
before it, so that it goes out again as it came: Dapr's SDKs for Python, JavaScript and Go make no JSON of a custom status, and read it
likewise. An empty text counts as none, as in Dapr's SDKs.
"""

import json
from datetime import UTC, datetime, timedelta

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER_SECONDS, NEVER_NANOS = 253_402_300_799, 999_999_999
"""The end of the year 9999: Dapr's SDKs set a timer for then where they wait without a deadline."""

_MARK = " "
_NO_JSON = _MARK + '"'

STATUSES = {
    Status.RUNNING: pb.ORCHESTRATION_STATUS_RUNNING,
    Status.COMPLETED: pb.ORCHESTRATION_STATUS_COMPLETED,
    Status.CONTINUED_AS_NEW: pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW,
    Status.FAILED: pb.ORCHESTRATION_STATUS_FAILED,
    Status.CANCELED: pb.ORCHESTRATION_STATUS_CANCELED,
    Status.TERMINATED: pb.ORCHESTRATION_STATUS_TERMINATED,
    Status.PENDING: pb.ORCHESTRATION_STATUS_PENDING,
    Status.SUSPENDED: pb.ORCHESTRATION_STATUS_SUSPENDED,
    Status.STALLED: pb.ORCHESTRATION_STATUS_STALLED,
}
OUR_STATUSES = {number: status for status, number in STATUSES.items()}


def timestamp(moment: datetime) -> Timestamp:
    """An aware moment on the wire."""
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86400 + since.seconds, nanos=since.microseconds * 1000)


def moment(stamp: Timestamp) -> datetime | None:
    """Aware UTC, to the microsecond; None from the end of the year 9999 on, which no timer reaches."""
    if stamp.seconds >= NEVER_SECONDS:
        return None
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
    except OverflowError:
        return None if stamp.seconds > 0 else datetime.min.replace(tzinfo=UTC)


def text(value: str | None) -> StringValue | None:
    """A payload on the wire."""
    return None if value is None else StringValue(value=as_it_came(value))


def as_it_came(value: str) -> str:
    """The text that `json_text` made this of."""
    if value.startswith(_NO_JSON):
        found: str = json.loads(value)
        return found
    return value


def payload(value: StringValue) -> str | None:
    """A payload as we keep it: JSON text, or None."""
    found: str = value.value
    return json_text(found)


def json_text(found: str) -> str | None:
    """The text itself where it is JSON, else a JSON string of it that is marked as such; None for an empty one."""
    if not found:
        return None
    if not _is_json(found):
        return _MARK + json.dumps(found, ensure_ascii=False)
    return found.lstrip() if found.startswith(_NO_JSON) else found


def _is_json(found: str) -> bool:
    try:
        msgspec.json.decode(found, type=msgspec.Raw)
    except msgspec.DecodeError:
        try:
            json.loads(found)  # Python's SDK sends NaN, and reads it
        except (ValueError, RecursionError):
            return False
    except RecursionError:  # nested deeper than anybody could read
        return False
    return True


def failure_on_wire(failure: FailureDetails) -> pb.TaskFailureDetails:
    """A failure, as it is told."""
    return pb.TaskFailureDetails(
        errorType=failure.error_type,
        errorMessage=failure.message,
        stackTrace=text(failure.stack_trace),
        innerFailure=failure_on_wire(failure.inner) if isinstance(failure.inner, FailureDetails) else None,
        isNonRetriable=failure.non_retryable,
    )


def failure(told: pb.TaskFailureDetails) -> FailureDetails:
    """A failure, as a worker tells of it."""
    return FailureDetails(
        message=told.errorMessage,
        error_type=told.errorType,
        stack_trace=told.stackTrace.value if told.HasField("stackTrace") else None,
        non_retryable=told.isNonRetriable,
        inner=failure(told.innerFailure) if told.HasField("innerFailure") else msgspec.UNSET,
    )
