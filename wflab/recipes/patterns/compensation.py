"""
title = "Compensation (saga)"
pattern = "compensation"
use_when = "Several systems must all change or none of them, and no transaction spans them."
not_when = "All changes are in one database: use its transaction."
level = "intermediate"
verbs = ["Saga", "step", "compensate"]
seconds = 10
tags = ["saga", "rollback", "undo", "transaction", "core"]
problems = ["undo what was done", "roll back when a step fails", "half a booking is left", "distributed transaction"]
ends = "FAILED"
run = "Run compensation of a trip whose {FAILING_PART} fails"

[knobs]
FAILING_PART = { label = "part that cannot be reserved", choices = ["car", "hotel", "flight", "none"] }
STUCK_PART = { label = "part that cannot be cancelled", choices = ["none", "flight", "hotel"] }

[failure]
says = "an undo fails as well: the others still run, and what is left is told"
knobs = { STUCK_PART = "hotel" }
ends = "FAILED"
fails = ["everything_was_undone"]
"""

import wflab as wf

FAILING_PART = "car"
STUCK_PART = "none"

wfr = wf.WorkflowRuntime()

@wfr.activity
def reserve_part(ctx, part):
    if part == FAILING_PART:
        raise ValueError(f"no {part} is free")
    return part

@wfr.activity
def cancel_part(ctx, part):
    if part == STUCK_PART:
        raise ValueError(f"the {part} cannot be cancelled any more")
    return part

@wfr.workflow
def book_all_parts(ctx: wf.DaprWorkflowContext, parts: list):
    saga = wf.Saga(ctx)
    try:
        for part in parts:
            yield saga.step(reserve_part, undo=cancel_part, input=part)
    except wf.TaskFailedError:
        yield from saga.compensate()  # undo gets what the step returned
        raise
    return "booked"

run = lab.start(book_all_parts, ["flight", "hotel", "car"])
run

# %% evidence
def compensations_ran_in_reverse_order(run):
    """compensations ran in reverse order"""
    undoing = run.spans[run.spans["compensates"].notna()].sort_values("queued_at")["compensates"].tolist()
    done = run.done("reserve_part").sort_values("queued_at")["call_id"].tolist()
    return undoing == done[::-1], f"{len(done)} reserved, {len(undoing)} undone" + (", the last one first" if undoing == done[::-1] else "")


def each_undo_is_tied_to_its_step(run):
    """each undo is recorded with the step it takes back"""
    undone, tied = run.attempts("cancel_part"), run.spans["compensates"].dropna()
    return len(undone) == len(tied) and set(tied) <= set(run.done("reserve_part")["call_id"]), f"{len(tied)} of {len(undone)} are tied"


def everything_was_undone(run):
    """nothing that was reserved is left"""
    reserved, undone = run.results("reserve_part"), run.results("cancel_part")
    left = [part for part in reserved if part not in undone]
    return not left, f"left: {', '.join(left)}" if left else f"{len(undone)} of {len(reserved)} cancelled"
