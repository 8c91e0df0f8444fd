"""
title = "Monitor"
pattern = "monitor"
use_when = "Something outside has to be looked at again and again until it is as it should be."
not_when = "The other side can tell you: wait for its event."
level = "beginner"
verbs = ["call_activity", "create_timer"]
seconds = 20
tags = ["polling", "timer", "loop", "core"]
problems = ["wait until a service is up", "check every few minutes", "poll a status", "sleep between checks"]
ends = "COMPLETED"
run = "Run monitor of a service that is up at check {UP_AT_CHECK}"

[knobs]
UP_AT_CHECK = { label = "the service is up at check", low = 1, high = 50 }
MAX_CHECKS = { label = "checks before it gives up", low = 1, high = 50 }
PAUSE_SECONDS = { label = "first pause (seconds)", low = 0.01, high = 5 }

[failure]
says = "the service stays down, and the monitor gives up"
knobs = { UP_AT_CHECK = 9 }
ends = "FAILED"
fails = ["it_stopped_when_the_service_was_up"]
"""

import wflab as wf
from datetime import timedelta

UP_AT_CHECK = 3
MAX_CHECKS = 5
PAUSE_SECONDS = 0.1

wfr = wf.WorkflowRuntime()

@wfr.activity
def check_service(ctx, number):
    return "up" if number >= UP_AT_CHECK else "down"

@wfr.activity
def all_clear(ctx, checks):
    return f"up after {checks} checks"

@wfr.workflow
def watch_service(ctx: wf.DaprWorkflowContext, service: str):
    pause = timedelta(seconds=PAUSE_SECONDS)
    for number in range(1, MAX_CHECKS + 1):
        if (yield ctx.call_activity(check_service, input=number)) == "up":
            return (yield ctx.call_activity(all_clear, input=number))
        yield ctx.create_timer(pause)
        pause *= 2  # look less often, the longer it lasts
    raise TimeoutError(f"{service} is still down after {MAX_CHECKS} checks")

run = lab.start(watch_service, "search")
run

# %% evidence
from itertools import pairwise


def a_pause_followed_each_check(run):
    """a durable timer ran between each two checks"""
    checks = int((run.attempts("check_service")["state"] == "COMPLETED").sum())
    fired = run.spans[(run.spans["kind"] == "timer") & (run.spans["outcome"] == "fired")]
    return checks > 0 and len(fired) in (checks - 1, checks), f"{checks} checks, {len(fired)} pauses"


def the_pauses_grew(run):
    """each pause was twice as long as the one before"""
    timers = run.spans[(run.spans["kind"] == "timer") & (run.spans["outcome"] == "fired")].sort_values("queued_at")
    asked = [(end - begin).total_seconds() for begin, end in zip(timers["queued_at"], timers["fire_at"], strict=True)]
    told = ", ".join(f"{pause:.2g} s" for pause in asked) or "no pause"
    return all(1.9 < later / earlier < 2.1 for earlier, later in pairwise(asked)), told


def it_stopped_when_the_service_was_up(run):
    """it ended by itself at check {UP_AT_CHECK}, when the service was up"""
    seen = run.results("check_service")
    return seen[-1:] == ["up"] and len(seen) == run.knobs["UP_AT_CHECK"], f"{len(seen)} checks, the last read {seen[-1] if seen else 'nothing'}"
