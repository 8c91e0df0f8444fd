"""
title = "Task chaining"
pattern = "task chaining"
use_when = "Steps follow one another, and each needs what the one before found out; one of them is flaky."
not_when = "The steps do not need each other's results: fan out, and wait once."
level = "beginner"
verbs = ["call_activity", "RetryPolicy"]
seconds = 10
tags = ["sequence", "retry", "core"]
problems = ["my activity is flaky", "a service sometimes does not answer", "retry with backoff", "steps in order"]
ends = "COMPLETED"
run = "Run task chaining with {FAILURES_BEFORE_SUCCESS} failures before success"

[knobs]
FAILURES_BEFORE_SUCCESS = { label = "failures before success", low = 0, high = 20 }
MAX_ATTEMPTS = { label = "attempts that the retry policy allows", low = 1, high = 20 }
PAUSE_SECONDS = { label = "pause before the next attempt (seconds)", low = 0.01, high = 5 }

[failure]
says = "the station stays silent longer than the retry policy has patience"
knobs = { FAILURES_BEFORE_SUCCESS = 5 }
ends = "FAILED"
fails = ["succeeded_within_the_policy", "steps_ran_in_order", "each_output_was_the_next_input"]
"""

import wflab as wf
from datetime import timedelta

FAILURES_BEFORE_SUCCESS = 2
MAX_ATTEMPTS = 3
PAUSE_SECONDS = 0.1

wfr = wf.WorkflowRuntime()

@wfr.activity
def fetch_readings(ctx, station):
    if ctx.attempt <= FAILURES_BEFORE_SUCCESS:
        raise ConnectionError(f"{station} does not answer")
    return [17, 19, 24]

@wfr.activity
def average_of(ctx, readings):
    return sum(readings) / len(readings)

@wfr.activity
def write_report(ctx, average):
    return f"{average:.0f} degrees on average"

@wfr.workflow
def weather_report(ctx: wf.DaprWorkflowContext, station: str):
    policy = wf.RetryPolicy(
        first_retry_interval=timedelta(seconds=PAUSE_SECONDS), max_number_of_attempts=MAX_ATTEMPTS
    )
    readings = yield ctx.call_activity(fetch_readings, input=station, retry_policy=policy)
    average = yield ctx.call_activity(average_of, input=readings)
    return (yield ctx.call_activity(write_report, input=average))

run = lab.start(weather_report, "Vienna")
run

# %% evidence
def succeeded_within_the_policy(run):
    """{FAILURES_BEFORE_SUCCESS} failed attempts, then success within the retry policy"""
    attempts = run.attempts("fetch_readings")
    failed = int((attempts["state"] == "FAILED").sum())
    succeeded = bool((attempts["state"] == "COMPLETED").any())
    wanted = run.knobs["FAILURES_BEFORE_SUCCESS"]
    return succeeded and failed == wanted, f"{failed} of {len(attempts)} attempts failed; the policy allows {run.knobs['MAX_ATTEMPTS']}"


def steps_ran_in_order(run):
    """fetch_readings, average_of and write_report ran one after the other"""
    done = run.done().sort_values("ended_at")["name"].tolist()
    return done == ["fetch_readings", "average_of", "write_report"], " → ".join(done) or "no step completed"


def each_output_was_the_next_input(run):
    """each step got what the one before returned"""
    got, gave = run.inputs("average_of"), run.results("fetch_readings")
    last, average = run.inputs("write_report"), run.results("average_of")
    return bool(gave) and got == gave and bool(average) and last == average, f"average_of got {got or 'nothing'}, write_report {last or 'nothing'}"
