"""
title = "Fan-out/fan-in"
pattern = "fan-out/fan-in"
use_when = "Many pieces of work do not need each other, and what comes next needs them all."
not_when = "The service behind it may be called only so often: use rate-limited fan-out."
level = "beginner"
verbs = ["call_activity", "when_all"]
seconds = 20
tags = ["parallel", "batch", "aggregate", "core"]
problems = ["my loop is slow", "many items at once", "process a list in parallel", "wait for all results"]
ends = "COMPLETED"
run = "Run fan-out with {ITEMS} items"

[knobs]
ITEMS = { label = "items", low = 1, high = 1000 }
WORK_SECONDS = { label = "work on each item (seconds)", low = 0.0, high = 5 }
BROKEN_ITEM = { label = "item that cannot be scored (-1: none)", low = -1, high = 999 }

[failure]
says = "one of the items cannot be scored, and `when_all` passes that on"
knobs = { BROKEN_ITEM = 3 }
ends = "FAILED"
fails = ["every_item_came_back", "results_were_put_together"]
"""

import time
import wflab as wf

ITEMS = 10
WORK_SECONDS = 0.5
BROKEN_ITEM = -1

wfr = wf.WorkflowRuntime()

@wfr.activity
def list_items(ctx, count):
    return list(range(count))

@wfr.activity
def score_item(ctx, item):
    time.sleep(WORK_SECONDS)
    if item == BROKEN_ITEM:
        raise ValueError(f"item {item} cannot be scored")
    return item * item

@wfr.activity
def add_scores(ctx, scores):
    return sum(scores)

@wfr.workflow
def score_items(ctx: wf.DaprWorkflowContext, count: int):
    items = yield ctx.call_activity(list_items, input=count)
    scores = yield wf.when_all([ctx.call_activity(score_item, input=item) for item in items])
    return (yield ctx.call_activity(add_scores, input=scores))

run = lab.start(score_items, ITEMS)
run

# %% evidence
def all_were_asked_for_together(run):
    """all {ITEMS} items were asked for in one turn of the code"""
    asked = run.history[(run.history["type"] == "TaskScheduled") & (run.history["name"] == "score_item")]
    turns = asked["turn"].nunique()
    return len(asked) == run.knobs["ITEMS"] and turns == 1, f"{len(asked)} items in {turns} turn{'' if turns == 1 else 's'}"


def many_ran_at_once(run):
    """several ran at once: a peak concurrency of 10, or of all where there are fewer"""
    wanted, peak = min(10, run.knobs["ITEMS"]), run.peak("score_item")
    return peak >= wanted or not run.knobs["WORK_SECONDS"], f"peak concurrency {peak}"


def every_item_came_back(run):
    """all {ITEMS} items came back"""
    states = run.attempts("score_item")["state"]
    good, bad = int((states == "COMPLETED").sum()), int((states == "FAILED").sum())
    return good == run.knobs["ITEMS"], f"{good} came back" + (f", {bad} failed" if bad else "")


def results_were_put_together(run):
    """the sum is that of all items, in their order"""
    wanted = sum(item * item for item in range(run.knobs["ITEMS"]))
    return run.output == wanted, f"{run.output}, of {wanted}"
