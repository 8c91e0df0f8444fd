"""
title = "Async HTTP API"
pattern = "async HTTP API"
use_when = "Who asks must not wait: answer at once with an id (202 Accepted) and let them poll for the outcome."
not_when = "The work takes less than a request may: answer with the result."
level = "beginner"
verbs = ["schedule_new_workflow", "get_workflow_state", "set_custom_status"]
seconds = 20
tags = ["request-reply", "polling", "client", "core"]
problems = ["the request times out", "long running HTTP call", "poll for a result", "202 Accepted", "show progress"]
ends = "COMPLETED"
run = "Run async API with {PAGES} pages"

[knobs]
PAGES = { label = "pages to render", low = 1, high = 50 }
PAGE_SECONDS = { label = "time for each page (seconds)", low = 0.05, high = 5 }
PRINTER_BURNS = { label = "the printer burns" }

[failure]
says = "the work behind the id fails, and whoever polls reads FAILED"
knobs = { PRINTER_BURNS = true }
ends = "FAILED"
fails = ["the_last_poll_had_the_result"]
"""

import time
import wflab as wf

PAGES = 3
PAGE_SECONDS = 0.4
PRINTER_BURNS = False

wfr = wf.WorkflowRuntime()

@wfr.activity
def render_page(ctx, page):
    time.sleep(PAGE_SECONDS)
    if PRINTER_BURNS:
        raise RuntimeError("the printer burns")
    return f"page {page}"

@wfr.workflow
def render_report(ctx: wf.DaprWorkflowContext, pages: int):
    done = []
    for page in range(pages):
        ctx.set_custom_status(f"{page} of {pages} pages")
        done.append((yield ctx.call_activity(render_page, input=page)))
    return done

client = wf.DaprWorkflowClient()  # what an HTTP handler would hold
report = client.schedule_new_workflow(render_report, input=PAGES)
print("202 Accepted: /reports/" + report)
polls = []
while not polls or polls[-1] in ("PENDING", "RUNNING"):
    state = client.get_workflow_state(report)
    polls.append(state.runtime_status.name)
    print("200 OK:", polls[-1], state.serialized_custom_status or "")
    time.sleep(PAGE_SECONDS / 2)
run = lab.get(report)
run

# %% evidence
def the_id_came_before_the_work(run):
    """the id was given out before the first page was done"""
    pages = run.attempts("render_page")
    polls = run.names.get("polls", [])
    return bool(polls) and polls[0] in ("PENDING", "RUNNING"), f"the first poll read {polls[0] if polls else 'nothing'}; {len(pages)} pages were begun"


def it_was_polled_while_it_ran(run):
    """its state could be read while it ran"""
    polls = run.names.get("polls", [])
    running = sum(poll in ("PENDING", "RUNNING") for poll in polls)
    return running > 0, f"{len(polls)} polls, {running} while it ran"


def the_last_poll_had_the_result(run):
    """the last poll read COMPLETED, with all {PAGES} pages"""
    polls = run.names.get("polls", [])
    pages = len(run.output or [])
    return polls[-1:] == ["COMPLETED"] and pages == run.knobs["PAGES"], f"{polls[-1] if polls else 'no poll'}, {pages} pages"
