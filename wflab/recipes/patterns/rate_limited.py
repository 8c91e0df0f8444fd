"""
title = "Rate-limited fan-out"
pattern = "rate-limited fan-out"
use_when = "There is a lot to do at once, and the service behind it bears only so much."
not_when = "Nothing is overloaded by all at once: plain fan-out is faster and shorter."
level = "advanced"
verbs = ["when_any", "call_activity"]
seconds = 30
tags = ["parallel", "throttle", "window", "quota"]
problems = ["429 too many requests", "too many calls at once", "limit concurrency", "my API has a quota"]
ends = "COMPLETED"
run = "Run rate-limited fan-out of {ITEMS} items, {AT_ONCE} at once"

[knobs]
ITEMS = { label = "items", low = 1, high = 200 }
AT_ONCE = { label = "at once, at most", low = 1, high = 100 }
SERVICE_BEARS = { label = "calls the service bears at once", low = 1, high = 100 }

[failure]
says = "the window is wider than the service bears"
knobs = { AT_ONCE = 12 }
ends = "FAILED"
fails = ["the_service_was_not_overloaded", "all_items_were_done"]
"""

import time
import wflab as wf

ITEMS = 12
AT_ONCE = 3
SERVICE_BEARS = 3

wfr = wf.WorkflowRuntime()
busy = []  # the service's own count of calls under way

@wfr.activity
def call_service(ctx, item):
    busy.append(item)
    try:
        if len(busy) > SERVICE_BEARS:
            raise ConnectionError("429 Too Many Requests")
        time.sleep(0.2)
        return item
    finally:
        busy.remove(item)

@wfr.workflow
def call_in_a_window(ctx: wf.DaprWorkflowContext, items: int):
    waiting, under_way, done = list(range(items)), [], []
    while waiting or under_way:
        while waiting and len(under_way) < AT_ONCE:
            under_way.append(ctx.call_activity(call_service, input=waiting.pop(0)))
        first = yield wf.when_any(under_way)
        under_way.remove(first)
        done.append(first.get_result())
    return sorted(done)

run = lab.start(call_in_a_window, ITEMS)
run

# %% evidence
def the_window_was_kept(run):
    """never more than {AT_ONCE} were under way"""
    peak = run.peak("call_service", since="queued_at")
    return 0 < peak <= run.knobs["AT_ONCE"], f"peak {peak}"


def the_service_was_not_overloaded(run):
    """never more than the {SERVICE_BEARS} that the service bears, so no 429"""
    attempts = run.attempts("call_service")
    refused, peak = int((attempts["state"] == "FAILED").sum()), run.peak("call_service", since="queued_at")
    return not refused and peak <= run.knobs["SERVICE_BEARS"], f"{peak} asked at once, {refused} refused"


def all_items_were_done(run):
    """all {ITEMS} items were done"""
    return run.output == list(range(run.knobs["ITEMS"])), f"{len(run.output or [])} of {run.knobs['ITEMS']}"
