"""
title = "Child workflows"
pattern = "child workflows"
use_when = "A part of the work is a process of its own: with a history, retries and a view of its own, used by several."
not_when = "It is one call: an activity is cheaper and easier to read."
level = "intermediate"
verbs = ["call_child_workflow", "when_all"]
seconds = 15
tags = ["composition", "parallel", "reuse"]
problems = ["my workflow is too long", "split a big workflow", "reuse a workflow in another", "history grows too large"]
ends = "COMPLETED"
run = "Run child workflows for {REGIONS} regions"

[knobs]
REGIONS = { label = "regions", low = 1, high = 100 }
BROKEN_REGION = { label = "region whose child fails (-1: none)", low = -1, high = 99 }

[failure]
says = "one child fails, and its parent hears of it at its `yield`"
knobs = { BROKEN_REGION = 1 }
ends = "FAILED"
fails = ["every_child_completed", "the_parent_put_them_together"]
"""

import wflab as wf

REGIONS = 3
BROKEN_REGION = -1

wfr = wf.WorkflowRuntime()

@wfr.activity
def count_orders(ctx, region):
    if region == BROKEN_REGION:
        raise ValueError(f"the books of region {region} do not add up")
    return 10 * (region + 1)

@wfr.activity
def lock_books(ctx, region):
    return f"region {region} is closed"

@wfr.workflow
def close_region(ctx: wf.DaprWorkflowContext, region: int):
    orders = yield ctx.call_activity(count_orders, input=region)
    yield ctx.call_activity(lock_books, input=region)
    return orders

@wfr.workflow
def close_month(ctx: wf.DaprWorkflowContext, regions: int):
    children = [ctx.call_child_workflow(close_region, input=region) for region in range(regions)]
    return sum((yield wf.when_all(children)))

run = lab.start(close_month, REGIONS)
run

# %% evidence
def each_region_had_a_child(run):
    """{REGIONS} children, each an instance of its own"""
    children = run.spans[(run.spans["kind"] == "child") & (run.spans["name"] == "close_region")]
    ids = children["child_id"].nunique()
    return ids == run.knobs["REGIONS"], f"{ids} instances"


def every_child_completed(run):
    """every child completed"""
    states = run.spans[run.spans["kind"] == "child"]["state"]
    good = int((states == "COMPLETED").sum())
    return good == run.knobs["REGIONS"], f"{good} of {len(states)} completed"


def the_parent_put_them_together(run):
    """the parent got all their results"""
    wanted = sum(10 * (region + 1) for region in range(run.knobs["REGIONS"]))
    return run.output == wanted, f"{run.output}, of {wanted}"
