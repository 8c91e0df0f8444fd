"""A saga as a DataFrame, one row per pair."""

import pandas as pd

from wfengine.model.payload import from_json
from wflab.analytics.saga_trace import Pair, Trace
from wflab.analytics.saga_verdict import residual_of
from wflab.analytics.steps import Step

FORWARD = ("committed", "failed", "in-doubt", "running", "not-reached")
BACKWARD = ("planned", "running", "compensated", "failed", "missing", "skipped", "resolved", "no-undo", "not-needed", "pivot")
_TIMES = ("began", "ended", "undo_began", "undo_ended")


def saga_frame(trace: Trace) -> pd.DataFrame:
    """One row per pair, in the order in which the steps were asked for.

    | column | is |
    |---|---|
    | id | the step's name in the run, for `retry`, `skip` and `resolve`; `-0` and on for steps that were never asked for |
    | step, kind, state | what was done; activity, child or step (inline); committed, failed, in-doubt, running, not-reached |
    | attempts, began, ended | of the step (UTC; missing: not yet) |
    | undo, undo_state | what undoes it; planned, running, compensated, failed, missing (it was to run and was never asked for), skipped, resolved, no-undo, not-needed, pivot |
    | undo_attempts, undo_began, undo_ended | likewise of the undo, retries by people not counted |
    | order | the undo's place among the compensations, from 1, in the order they were asked for |
    | link | how it is known what undoes what: explicit, declared (in the source), inferred (from names) |
    | pivot | whether the step is the point of no return |
    | effect | the step's result, which is what its undo is told |
    | residual, attention | what is left, in words; whether somebody must look at it |
    | error, undo_error | type and message |
    | key | the idempotency key of the undo, the same for every retry |
    | act, who, why | what a person did about it last |
    """
    frame = pd.DataFrame([_row(pair) for pair in trace.pairs], columns=list(_row(_NOTHING)))
    for column in _TIMES:
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("us")
    frame["order"] = frame["order"].astype("Int64")
    frame["state"] = pd.Categorical(frame["state"], categories=FORWARD, ordered=True)
    frame["undo_state"] = pd.Categorical(frame["undo_state"], categories=BACKWARD, ordered=True)
    return frame


_NOTHING = Pair(id="", step="", undo=None, forward="not-reached", backward="not-needed")


def _row(pair: Pair) -> dict[str, object]:
    call, undo, last = pair.call, pair.undo_call, pair.acts.last
    return {
        "id": pair.id,
        "step": pair.step,
        "kind": pair.kind,
        "state": pair.forward,
        "attempts": 0 if call is None else len(call.attempts),
        "began": None if call is None else call.created_at,
        "ended": None if call is None else call.ended_at,
        "undo": pair.undo,
        "undo_state": pair.backward,
        "undo_attempts": 0 if undo is None else len(undo.attempts),
        "undo_began": None if undo is None else undo.created_at,
        "undo_ended": None if undo is None else undo.ended_at,
        "order": pair.order,
        "link": pair.link,
        "pivot": pair.is_pivot,
        "effect": None if call is None else from_json(call.result),
        "residual": residual_of(pair),
        "attention": pair.needs_attention,
        "error": _error(call),
        "undo_error": _error(undo),
        "key": pair.key,
        "act": None if last is None else last.verb,
        "who": None if last is None else last.who,
        "why": None if last is None else last.why or None,
    }


def _error(step: Step | None) -> str | None:
    return None if step is None or step.failure is None else f"{step.failure.error_type}: {step.failure.message}"
