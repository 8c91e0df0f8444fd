"""The seed program, as a person coming from Dapr types it, and running source text as a notebook's cells do."""

import linecache
from itertools import count
from typing import Any

PROGRAM = """\
import wflab as wf
from datetime import timedelta

wfr = wf.WorkflowRuntime()

@wfr.activity(name="auto_approve")
def auto_approve(ctx, order):
    return None

@wfr.activity(name="handle_timeout")
def handle_timeout(ctx, order):
    return f"escalated order of {order['amount']}"

@wfr.activity(name="process_approval")
def process_approval(ctx, approval):
    return f"processed {approval}"

@wfr.workflow(name="request_escalation")
def request_escalation(ctx: wf.DaprWorkflowContext, order: dict):
    if order["amount"] < 1000:
        yield ctx.call_activity(auto_approve, input=order)
        return "auto-approved"
    approval = ctx.wait_for_external_event("human_approval")
    timeout = ctx.create_timer(timedelta(days=7))
    if (yield wf.when_any([approval, timeout])) == timeout:
        return (yield ctx.call_activity(handle_timeout, input=order))
    return (yield ctx.call_activity(process_approval, input=approval.get_result()))
"""

_numbers = count(1)


def run_cell(source: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run source as a cell: its functions have source text. Answers the names it leaves."""
    names = {} if names is None else names
    file = f"<cell {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)  # noqa: S102  # the tests' own text
    return names
