"""How what a span stands for ended, and what is told of it: the words for it, its failure, the size of its payloads."""

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wflab.analytics.fingerprints import fingerprint
from wflab.analytics.span import Outcome, SpanState
from wflab.analytics.step import Attempt, Phase, Step, StepState

_TIMEOUT = "ActivityTimeoutError"
PHASES_OF_RUNS: dict[SpanState, Phase] = {
    SpanState.PENDING: "queued",
    SpanState.SUSPENDED: "waiting",
    SpanState.STALLED: "waiting",
    **dict.fromkeys((SpanState.COMPLETED, SpanState.FAILED, SpanState.TERMINATED, SpanState.CANCELED, SpanState.CONTINUED_AS_NEW), "done"),
}
OUTCOMES_OF_RUNS: dict[SpanState, Outcome] = {
    SpanState.COMPLETED: "returned",
    SpanState.FAILED: "failed",
    SpanState.TERMINATED: "terminated",
    SpanState.CANCELED: "cancelled",
    SpanState.CONTINUED_AS_NEW: "continued",
}


def outcome_of_step(step: Step) -> Outcome:
    """Of a step that is no call."""
    is_done = step.state is StepState.COMPLETED
    if step.kind == "child":
        return "detached" if is_done else "refused"
    if step.phase != "done":
        return ""
    if step.kind == "timer":
        return "fired" if is_done else "cancelled"
    if is_done:
        return "raised" if step.id.startswith("a") else "buffered"
    return "cancelled" if step.ended_at is None else "timed_out"


def outcome_of_attempt(attempt: Attempt) -> Outcome:
    """How one try of a call ended, "" while it is open."""
    match attempt.state:
        case StepState.COMPLETED:
            return "returned"
        case StepState.FAILED:
            return "timed_out" if attempt.failure is not None and attempt.failure.error_type == _TIMEOUT else "failed"
        case StepState.CANCELED:
            return "abandoned"
    return ""


def error_fields(failure: FailureDetails | None) -> dict[str, str | None]:
    """The fields of a span that tell a failure; none where there is none."""
    if failure is None:
        return {}
    return {
        "error_type": failure.error_type,
        "error_message": failure.message,
        "error_fp": fingerprint(failure.error_type, failure.message),
    }


def json_bytes(text: str | None) -> int | None:
    """The bytes of a JSON text."""
    return None if text is None else len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def source_of_rerun(started: h.ExecutionStarted | None) -> str | None:
    """The instance whose past this one shares: what it draws its random numbers from begins with that one's id."""
    if started is None or started.seed is None:
        return None
    return started.seed.rsplit("/", 2)[0]
