"""A saga in few words: the verdict, the sentence that explains it, and what is left of a step that was not taken back."""

from collections.abc import Sequence

import msgspec

from wfengine.model.instance import Status
from wflab.analytics.saga_trace import Pair, Trace

EMPTY = "No compensations are registered in this run."
EXAMPLE = """saga = wf.Saga(ctx)
try:
    hotel = yield saga.step(book_hotel, undo=cancel_hotel, input=trip)
except wf.TaskFailedError:
    yield from saga.compensate()"""
_MOST_NAMED = 3


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """`word` is one of COMMITTED, GOING FORWARD, ROLLING BACK 1/3, ROLLED BACK, PARTIALLY ROLLED BACK - 1 needs attention, ROLLBACK FAILED.

    `state` is the palette's state that goes with it, `sentence` says why. `to_undo` counts the steps that had to be undone, `undone` those that are,
    `attention` those that somebody must look at.
    """

    word: str
    state: str
    sentence: str
    to_undo: int = 0
    undone: int = 0
    attention: int = 0


def verdict_of(trace: Trace) -> Verdict:
    """How the saga stands, with what people did about it counted in."""
    if not trace.is_saga:
        return Verdict(word="NO SAGA", state="UNKNOWN", sentence=EMPTY)
    pairs = trace.pairs
    undone = sum(pair.backward in {"compensated", "resolved"} for pair in pairs)
    attention = sum(pair.needs_attention for pair in pairs)
    skipped = sum(pair.backward == "skipped" for pair in pairs)
    to_undo = undone + attention + skipped + sum(pair.backward in {"planned", "running"} for pair in pairs)
    counts = {"to_undo": to_undo, "undone": undone, "attention": attention}
    sentence = _sentence(trace, to_undo, undone)
    done = sum(pair.forward == "committed" for pair in pairs)
    if trace.phase == "forward":
        return Verdict(word=f"GOING FORWARD {done}/{len(pairs)}", state="RUNNING", sentence=sentence, **counts)
    if trace.phase == "committed":
        return Verdict(word="COMMITTED", state="COMPLETED", sentence=sentence, **counts)
    if trace.phase == "backward" or any(pair.backward == "running" for pair in pairs):
        return Verdict(word=f"ROLLING BACK {undone}/{to_undo}", state="RUNNING", sentence=sentence, **counts)
    if attention and not undone:
        return Verdict(word=f"ROLLBACK FAILED - {_need(attention)}", state="FAILED", sentence=sentence, **counts)
    if attention or skipped:
        told = _need(attention) if attention else f"{skipped} skipped"
        return Verdict(word=f"PARTIALLY ROLLED BACK - {told}", state="FAILED" if attention else "SUSPENDED", sentence=sentence, **counts)
    return Verdict(word="ROLLED BACK", state="COMPLETED", sentence=sentence, **counts)


def _need(count: int) -> str:
    return f"{count:,} needs attention" if count == 1 else f"{count:,} need attention"


def _sentence(trace: Trace, to_undo: int, undone: int) -> str:
    pairs = trace.pairs
    parts = [_begun(trace)]
    if trace.phase in {"backward", "turned back"}:
        parts.append(f"{undone:,} of {to_undo:,} completed steps are undone" if to_undo else "no completed step had to be undone")
    told = {
        "undo failed": [pair.undo or pair.step for pair in pairs if pair.backward == "failed"],
        "may have happened all the same": [pair.step for pair in pairs if pair.forward == "in-doubt" and pair.needs_attention],
        "never asked for": [pair.undo or "" for pair in pairs if pair.backward == "missing" and pair.forward == "committed"],
        "without an undo": [pair.step for pair in pairs if pair.backward == "no-undo" and trace.phase == "turned back"],
        "left by a person's decision": [pair.step for pair in pairs if pair.backward == "skipped"],
        "settled by hand": [pair.step for pair in pairs if pair.backward == "resolved"],
        "before the point of no return": [pair.step for pair in pairs if pair.backward == "pivot" and trace.phase != "committed"],
    }
    parts += [f"{what}: {_names(names)}" for what, names in told.items() if names]
    if trace.is_inferred:
        parts.append("which call undoes which is inferred from their names")
    return "; ".join(part for part in parts if part) + "."


def _begun(trace: Trace) -> str:
    pairs = trace.pairs
    done = sum(pair.forward == "committed" for pair in pairs)
    if trace.turned_at is None or trace.turned_at >= len(pairs):
        steps = "step" if len(pairs) == 1 else "steps"
        return f"{done:,} of {len(pairs):,} {steps} committed"
    turned = pairs[trace.turned_at]
    if turned.forward == "in-doubt":
        return f"{turned.step} is in doubt ({turned.doubt})"
    if turned.forward == "failed":
        failure = turned.call.failure if turned.call else None
        return f"{turned.step} failed" + (f" ({failure.error_type}: {_first_line(failure.message)})" if failure else "")
    return "the run was turned around" if trace.status is not Status.TERMINATED else "the run was terminated"


def _first_line(message: str) -> str:
    line = message.splitlines()[0] if message else ""
    return line if len(line) <= 80 else f"{line[:79]}…"  # noqa: PLR2004  # one line of a card


def _names(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - _MOST_NAMED} more" if len(distinct) > _MOST_NAMED else ""
    count = f" ({len(names):,} calls)" if len(names) > len(distinct) else ""
    return ", ".join(distinct[:_MOST_NAMED]) + more + count


def residual_of(pair: Pair) -> str:
    """What is left of a step that is not undone, in words; empty where nothing is."""
    last = pair.acts.last
    match pair.backward:
        case "failed":
            return f"{pair.step} stays done: {pair.undo} failed"
        case "missing" if pair.forward == "in-doubt":
            return f"{pair.step} may have happened: {pair.doubt}, and nothing undid it"
        case "missing":
            return f"{pair.step} stays done: {pair.undo} was never asked for"
        case "no-undo":
            return f"{pair.step} stays done: it has no undo"
        case "skipped" if last is not None:
            return f"{pair.step} stays done: skipped by {last.who}, {last.why}"
        case "resolved" if last is not None:
            return f"{pair.step} was settled by {last.who}: {last.why}"
    return ""
