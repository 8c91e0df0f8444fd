"""
title = "External system interaction"
pattern = "external system interaction"
use_when = "A person or another system has to answer before the work goes on, and may not answer at all."
not_when = "The other side can be asked for its answer: call it in an activity."
level = "beginner"
verbs = ["wait_for_external_event", "create_timer", "when_any", "raise_event"]
seconds = 20
tags = ["approval", "human", "event", "timeout", "core"]
problems = ["wait for approval", "wait for a webhook", "payment callback", "human in the loop", "nobody answers"]
ends = "COMPLETED"
run = "Run approval that is answered: {ANSWER}"

[knobs]
ANSWER = { label = "what is answered", choices = ["approve", "reject", "nobody"] }
DEADLINE_SECONDS = { label = "time to answer (seconds)", low = 1, high = 3600 }

[failure]
says = "nobody answers: the deadline wins, and the workflow takes its other branch"
knobs = { ANSWER = "nobody" }
ends = "COMPLETED"
fails = ["answered_before_the_deadline", "a_second_answer_was_ignored"]
"""

import wflab as wf
from datetime import timedelta

ANSWER = "approve"
DEADLINE_SECONDS = 3

wfr = wf.WorkflowRuntime()

@wfr.activity
def ask_for_approval(ctx, order):
    return f"asked about order {order}"

@wfr.activity
def process_answer(ctx, is_approved):
    return "shipped" if is_approved else "declined"

@wfr.activity
def give_up(ctx, order):
    return "nobody answered"

@wfr.workflow
def order_approval(ctx: wf.DaprWorkflowContext, order: str):
    yield ctx.call_activity(ask_for_approval, input=order)
    approval = ctx.wait_for_external_event("order_approval")
    deadline = ctx.create_timer(timedelta(seconds=DEADLINE_SECONDS))
    if (yield wf.when_any([approval, deadline])) == deadline:
        return (yield ctx.call_activity(give_up, input=order))
    return (yield ctx.call_activity(process_answer, input=approval.get_result()))

run = lab.start(order_approval, "A-17")
if ANSWER != "nobody":
    run.raise_event("order_approval", ANSWER == "approve")
    run.raise_event("order_approval", ANSWER != "approve")  # somebody changes their mind: too late
run

# %% evidence
def answered_before_the_deadline(run):
    """the answer came before the deadline of {DEADLINE_SECONDS} s"""
    answered, gave_up = len(run.done("process_answer")), len(run.done("give_up"))
    return answered == 1 and not gave_up, "the deadline won" if gave_up else "the answer won" if answered else "neither came"


def the_answer_was_heard(run):
    """it did what was answered: {ANSWER}"""
    wanted = {"approve": "shipped", "reject": "declined", "nobody": "nobody answered"}[run.knobs["ANSWER"]]
    return run.output == wanted, f"it came to: {run.output}"


def a_second_answer_was_ignored(run):
    """a second answer was ignored"""
    came = int((run.history["type"] == "EventRaised").sum())
    used = run.inputs("process_answer")
    return used == [run.knobs["ANSWER"] == "approve"], f"{came} in the history, {len(used)} used"
