"""
title = "Versioning and patching"
pattern = "versioning/patching"
use_when = "The code of a workflow must change while old runs of it are still under way."
not_when = "Nothing is under way, or only activities change: edit and go on."
level = "advanced"
verbs = ["versioned_workflow", "is_patched", "wait_for_external_event"]
seconds = 15
tags = ["deployment", "migration", "compatibility", "patch"]
problems = ["change code while runs are under way", "non-determinism error after a deployment", "stalled after an edit", "new version"]
ends = "COMPLETED"
run = "Run versioning with the new one as latest: {NEW_IS_LATEST}"

[knobs]
NEW_IS_LATEST = { label = "the new version is said to be the latest" }

[failure]
says = "the new version was deployed, and nobody said that it is the latest"
knobs = { NEW_IS_LATEST = false }
ends = "COMPLETED"
fails = ["the_new_run_took_the_new_code", "the_patch_is_in_the_history"]
"""

import wflab as wf

NEW_IS_LATEST = True

wfr = wf.WorkflowRuntime()

@wfr.activity
def quote_price(ctx, order):
    return 100

@wfr.activity
def wrap_gift(ctx, order):
    return f"{order} is wrapped"

@wfr.versioned_workflow(name="gift_checkout", version_name="v1", is_latest=True)
def checkout_v1(ctx: wf.DaprWorkflowContext, order: str):
    price = yield ctx.call_activity(quote_price, input=order)
    yield ctx.wait_for_external_event("paid")
    return f"v1 sold {order} at {price}"

old = lab.start("gift_checkout", "A-16")

@wfr.versioned_workflow(name="gift_checkout", version_name="v2", is_latest=NEW_IS_LATEST)
def checkout_v2(ctx: wf.DaprWorkflowContext, order: str):
    price = yield ctx.call_activity(quote_price, input=order)
    if ctx.is_patched("gift wrap"):  # came later: runs that passed here before go on without
        yield ctx.call_activity(wrap_gift, input=order)
    yield ctx.wait_for_external_event("paid")
    return f"v2 sold {order} at {price}"

run = lab.start("gift_checkout", "A-17")
for each in (old, run):
    each.raise_event("paid")
run

# %% evidence
def the_old_run_kept_its_code(run):
    """the run that was under way ended with the code it began with"""
    output = run.others["old"].output
    return str(output).startswith("v1"), f"it came to: {output}"


def the_new_run_took_the_new_code(run):
    """the run that began after it took v2"""
    return str(run.output).startswith("v2"), f"it came to: {run.output}"


def the_patch_is_in_the_history(run):
    """the patch is recorded, so that every replay goes the same way"""
    patches = int((run.history["type"] == "PatchRecorded").sum())
    wrapped = len(run.done("wrap_gift"))
    return patches == 1 and wrapped == 1, f"{patches} patches recorded, {wrapped} gifts wrapped"
