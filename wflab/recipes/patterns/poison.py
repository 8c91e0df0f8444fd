"""
title = "Poison item and quarantine"
pattern = "poison item/quarantine"
use_when = "One item of many fails for ever, and the others must not wait for it or fail with it."
not_when = "Half a batch is worth nothing: let it fail, and undo what was done."
level = "intermediate"
verbs = ["call_activity", "RetryPolicy", "TaskFailedError"]
seconds = 15
tags = ["batch", "dead letter", "retry", "parallel"]
problems = ["one bad row fails the whole batch", "dead letter queue", "poison message", "skip what cannot be read"]
ends = "COMPLETED"
run = "Run quarantine of row {POISON_ROW} of {ROWS}"

[knobs]
ROWS = { label = "rows", low = 1, high = 200 }
POISON_ROW = { label = "row that cannot be read (-1: none)", low = -1, high = 199 }
MAX_ATTEMPTS = { label = "attempts before quarantine", low = 1, high = 10 }
QUARANTINE = { label = "put it aside and go on" }

[failure]
says = "without a quarantine one row fails the whole batch"
knobs = { QUARANTINE = false }
ends = "FAILED"
fails = ["the_poison_was_put_aside", "the_others_were_imported"]
"""

import wflab as wf
from datetime import timedelta

ROWS = 6
POISON_ROW = 3
MAX_ATTEMPTS = 2
QUARANTINE = True

wfr = wf.WorkflowRuntime()

@wfr.activity
def import_row(ctx, row):
    if row == POISON_ROW:
        raise ValueError(f"row {row} cannot be read")
    return row

@wfr.activity
def put_into_quarantine(ctx, row):
    return row

@wfr.workflow
def import_rows(ctx: wf.DaprWorkflowContext, rows: int):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(seconds=0.1), max_number_of_attempts=MAX_ATTEMPTS)
    calls = [ctx.call_activity(import_row, input=row, retry_policy=policy) for row in range(rows)]
    imported, aside = [], []
    for row, call in enumerate(calls):
        try:
            imported.append((yield call))
        except wf.TaskFailedError:
            if not QUARANTINE:
                raise
            aside.append((yield ctx.call_activity(put_into_quarantine, input=row)))
    return {"imported": imported, "aside": aside}

run = lab.start(import_rows, ROWS)
run

# %% evidence
def the_poison_had_its_chance(run):
    """row {POISON_ROW} was tried {MAX_ATTEMPTS} times, and no more"""
    failed = int((run.attempts("import_row")["state"] == "FAILED").sum())
    wanted = run.knobs["MAX_ATTEMPTS"] if 0 <= run.knobs["POISON_ROW"] < run.knobs["ROWS"] else 0
    return failed == wanted, f"{failed} attempts failed"


def the_poison_was_put_aside(run):
    """then it was put into quarantine"""
    aside = run.inputs("put_into_quarantine")
    wanted = [run.knobs["POISON_ROW"]] if 0 <= run.knobs["POISON_ROW"] < run.knobs["ROWS"] else []
    return aside == wanted, f"in quarantine: {aside or 'nothing'}"


def the_others_were_imported(run):
    """all other rows were imported"""
    imported = (run.output or {}).get("imported", [])
    wanted = [row for row in range(run.knobs["ROWS"]) if row != run.knobs["POISON_ROW"]]
    return imported == wanted, f"{len(imported)} of {len(wanted)}"
