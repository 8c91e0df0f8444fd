"""
title = "Approval with escalation"
pattern = "approval with escalation"
use_when = "Somebody must answer; if they do not in time, somebody above them is asked."
not_when = "Nobody may decide in their place: wait longer, or take the timeout as a no."
level = "intermediate"
verbs = ["wait_for_external_event", "call_activity", "raise_event"]
seconds = 25
tags = ["approval", "human", "timeout", "reminder"]
problems = ["nobody answers in time", "escalate to the manager", "reminder and deadline", "approval chain"]
ends = "COMPLETED"
run = "Run escalation that the {ANSWERED_BY} answers"

[knobs]
ANSWERED_BY = { label = "who answers", choices = ["director", "manager", "nobody"] }
PATIENCE_SECONDS = { label = "time for each (seconds)", low = 0.5, high = 3600 }

[failure]
says = "nobody on the way up answers"
knobs = { ANSWERED_BY = "nobody" }
ends = "FAILED"
fails = ["the_right_one_decided"]
"""

import wflab as wf
from datetime import timedelta

ANSWERED_BY = "director"
PATIENCE_SECONDS = 1.0

wfr = wf.WorkflowRuntime()

@wfr.activity
def send_request(ctx, who):
    return f"mail to the {who}"

@wfr.activity
def record_decision(ctx, decision):
    return f"{decision['who']}: {'yes' if decision['answer'] else 'no'}"

@wfr.workflow
def escalated_approval(ctx: wf.DaprWorkflowContext, levels: list):
    for who in levels:
        yield ctx.call_activity(send_request, input=who)
        patience = timedelta(seconds=PATIENCE_SECONDS)
        try:
            answer = yield ctx.wait_for_external_event(f"{who}_approval", timeout=patience)
        except TimeoutError:
            continue  # on to whoever is above
        return (yield ctx.call_activity(record_decision, input={"who": who, "answer": answer}))
    raise TimeoutError("nobody answered")

run = lab.start(escalated_approval, ["manager", "director"])
if ANSWERED_BY != "nobody":
    run.raise_event(f"{ANSWERED_BY}_approval", True)  # kept until it is asked for
run

# %% evidence
def each_level_was_asked(run):
    """each level was asked, from the bottom up, and only until one answered"""
    levels = ["manager", "director"]
    wanted = levels[: levels.index(run.knobs["ANSWERED_BY"]) + 1] if run.knobs["ANSWERED_BY"] in levels else levels
    asked = run.inputs("send_request")
    return asked == wanted, " → ".join(asked) or "nobody was asked"


def the_silent_had_their_time(run):
    """who did not answer had {PATIENCE_SECONDS} s"""
    late = run.spans[(run.spans["kind"] == "event_wait") & (run.spans["outcome"] == "timed_out")]
    waited = [(end - begin).total_seconds() for begin, end in zip(late["queued_at"], late["ended_at"], strict=True)]
    return all(spent >= run.knobs["PATIENCE_SECONDS"] - 0.01 for spent in waited), ", ".join(f"{spent:.1f} s" for spent in waited) or "nobody was silent"


def the_right_one_decided(run):
    """the answer of the {ANSWERED_BY} decided"""
    return run.output == f"{run.knobs['ANSWERED_BY']}: yes", f"it came to: {run.output or run.failure}"
