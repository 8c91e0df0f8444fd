"""
title = "Eternal workflow"
pattern = "continue-as-new"
use_when = "It goes on for months, round after round, and its history must not grow with it."
not_when = "There are a few dozen rounds: a loop is simpler, and one history tells it all."
level = "intermediate"
verbs = ["continue_as_new", "create_timer"]
seconds = 20
tags = ["loop", "cron", "history", "forever"]
problems = ["run every night", "history grows without end", "never ending workflow", "cron job"]
ends = "COMPLETED"
run = "Run eternal workflow for {ROUNDS} rounds"

[knobs]
ROUNDS = { label = "rounds until it may end", low = 1, high = 100 }
PAUSE_SECONDS = { label = "pause between rounds (seconds)", low = 0.01, high = 60 }
BROKEN_ROUND = { label = "round that fails (0: none)", low = 0, high = 100 }

[failure]
says = "a round fails, and with it the whole chain"
knobs = { BROKEN_ROUND = 3 }
ends = "FAILED"
fails = ["all_rounds_ran"]
"""

import wflab as wf
from datetime import timedelta

ROUNDS = 5  # a real one would not stop
PAUSE_SECONDS = 0.1
BROKEN_ROUND = 0

wfr = wf.WorkflowRuntime()

@wfr.activity
def clean_up(ctx, number):
    if number == BROKEN_ROUND:
        raise OSError(f"the disk was full in round {number}")
    return 100 * number

@wfr.workflow
def nightly_cleaning(ctx: wf.DaprWorkflowContext, state: dict):
    removed = yield ctx.call_activity(clean_up, input=state["round"])
    state = {"round": state["round"] + 1, "removed": state["removed"] + removed}
    if state["round"] > ROUNDS:
        return state
    yield ctx.create_timer(timedelta(seconds=PAUSE_SECONDS))
    ctx.continue_as_new(state)

run = lab.start(nightly_cleaning, {"round": 1, "removed": 0})
run

# %% evidence
def all_rounds_ran(run):
    """{ROUNDS} rounds ran, one generation each"""
    good = int((run.attempts("clean_up")["state"] == "COMPLETED").sum())
    generations = run.spans["generation"].max() + 1
    return good == run.knobs["ROUNDS"] == generations, f"{good} rounds in {generations} generations"


def no_history_grew(run):
    """the last history holds its own round and nothing of the ones before"""
    return len(run.history) <= 10 and len(run.attempts("clean_up", last=True)) == 1, f"{len(run.history)} events"


def the_state_was_handed_on(run):
    """each round began with what the one before handed on"""
    seen = run.spans[run.spans["kind"] == "workflow"].sort_values("generation")["outcome"].tolist()
    return all(one == "continued" for one in seen[:-1]), " → ".join(seen)
