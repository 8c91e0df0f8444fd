"""The words and looks of a saga: one place for page, picture, table and text."""

from wflab.analytics.durations import span_text
from wflab.analytics.saga_trace import BackwardState, ForwardState, Pair
from wflab.analytics.steps import Step

FORWARD_WORDS: dict[ForwardState, str] = {
    "committed": "committed",
    "failed": "failed",
    "in-doubt": "in doubt",
    "running": "running",
    "not-reached": "not reached",
}
BACKWARD_WORDS: dict[BackwardState, str] = {
    "planned": "planned",
    "running": "being undone",
    "compensated": "undone",
    "failed": "undo failed",
    "missing": "not undone",
    "skipped": "skipped",
    "resolved": "settled by hand",
    "no-undo": "no undo",
    "not-needed": "not needed",
    "pivot": "no way back",
}
FORWARD_LOOKS: dict[ForwardState, str] = {
    "committed": "COMPLETED",
    "failed": "FAILED",
    "in-doubt": "SUSPENDED",
    "running": "RUNNING",
    "not-reached": "PENDING",
}
BACKWARD_LOOKS: dict[BackwardState, str] = {
    "planned": "PENDING",
    "running": "RUNNING",
    "compensated": "COMPLETED",
    "failed": "FAILED",
    "missing": "STALLED",
    "skipped": "CANCELED",
    "resolved": "CONTINUED_AS_NEW",
    "no-undo": "UNKNOWN",
    "not-needed": "PENDING",
    "pivot": "TERMINATED",
}
SLIGHT: frozenset[BackwardState] = frozenset({"no-undo", "not-needed", "pivot"})
_LONGEST = 60


def word_of_forward(pair: Pair) -> str:
    """What people read of the step."""
    return FORWARD_WORDS[pair.forward]


def word_of_backward(pair: Pair) -> str:
    """What people read of the undo."""
    if pair.backward == "missing":
        return "not undone: check it" if pair.forward == "in-doubt" else "never asked for"
    return "point of no return" if pair.backward == "pivot" and pair.is_pivot else BACKWARD_WORDS[pair.backward]


def caption_of_forward(pair: Pair) -> str:
    """What stands behind the word: why it failed, how often it was tried, how long it took."""
    if pair.call is None:
        return ""
    if pair.forward == "in-doubt":
        return pair.doubt
    return _caption(pair.call)


def caption_of_backward(pair: Pair) -> str:
    """Likewise of the undo, and who did what about it."""
    last = pair.acts.last
    if last is not None and last.verb != "retry" and pair.backward in {"skipped", "resolved"}:
        return cut(f"{last.who}: {last.why}")
    retries = [act for act in pair.acts.acts if act.verb == "retry"]
    if retries:
        told = f"retry {len(retries)} by {retries[-1].who}"
        return cut(f"{told}: {retries[-1].error}" if pair.backward == "failed" and retries[-1].error else told)
    return "" if pair.undo_call is None else _caption(pair.undo_call)


def cut(text: str) -> str:
    """One line of a node."""
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else f"{flat[: _LONGEST - 1]}…"


def took_of(step: Step) -> float | None:
    """Seconds from its first beginning to its end; None while it is open."""
    return None if step.ended_at is None else max(0.0, (step.ended_at - (step.started_at or step.created_at)).total_seconds())


def _caption(step: Step) -> str:
    parts = []
    if step.failure is not None and step.ended_at is not None:
        parts.append(f"{step.failure.error_type}: {step.failure.message}")
    else:
        took = took_of(step)
        parts += [] if took is None else [span_text(took)]
    if len(step.attempts) > 1:
        parts.insert(0, f"{len(step.attempts)} attempts")
    return cut(" · ".join(parts))
