"""Runs to draw as graphs, and their pictures."""

from datetime import timedelta

from tests.lab.conftest import Story
from wfengine.model import history as h
from wflab import protocol
from wflab.views.graph_nodes import RunGraph
from wflab.views.graph_picture import graph_picture, run_graph

BATCH = """\
def order_batch(ctx, chunks):
    yield ctx.call_activity(validate)
    yield when_all([ctx.call_activity(score_chunk, input=chunk) for chunk in chunks])
    approval = ctx.wait_for_external_event("approval")
    timeout = ctx.create_timer(timedelta(hours=24))
    if (yield when_any([approval, timeout])) == approval:
        yield ctx.call_activity(publish)
    else:
        yield ctx.call_activity(refund_all)
    yield ctx.call_child_workflow(notify)
"""


def graph_of(story: Story, source: str | None = None) -> RunGraph:
    return run_graph(story.instance, story.rows, source=source)


def picture(story: Story, source: str | None = None, **changes: object) -> protocol.GraphPicture:
    return graph_picture(graph_of(story, source), story.rows, now=story.now, ticks=False, **changes)  # type: ignore[arg-type]  # of graph_picture


def took(story: Story, number: int, seconds: float) -> Story:
    """The attempt ends now, and has taken so long."""
    started = story.now - timedelta(seconds=seconds)
    return story.tell(h.TaskCompleted(occurred_at=story.now, task_scheduled_id=number, result="1", started_at=started, worker="w1"))


def batch(width: int = 1000) -> Story:
    """A batch that validates, then scores chunks: none has ended yet. The chunks' event ids are 1 to `width`."""
    story = Story("order_batch")
    first = story.call("validate")
    story.later(seconds=1).turn().returns(first)
    for _ in range(width):
        story.call("score_chunk", payload='{"chunk": 1, "token": "t-17"}')
    return story


def raced() -> Story:
    """All chunks but one were scored, and ana approved before the day was over."""
    story = batch(30).turn()
    for number in range(1, 31):
        story.later(seconds=1)
        if number == 7:  # somewhere in the middle
            story.fails(number, "TimeoutError", "chunk 7 took too long")
        else:
            story.returns(number)
    story.turn()
    story.waits("approval")
    story.timer(hours=24)
    story.later(minutes=18).turn().raised("approval")
    story.call("publish")
    return story


def node(shown: protocol.GraphPicture, name: str) -> protocol.GraphGroup:
    return next(group for group in shown.groups if group.name == name and group.kind != "workflow")


def links(shown: protocol.GraphPicture, level: int = 3) -> set[tuple[str, str, str]]:
    names = {group.id: group.name for group in shown.groups}
    return {(names[edge.source], names[edge.target], edge.kind) for edge in shown.levels[level].edges}


QUOTES = """\
def quote(ctx, order):
    fast = ctx.call_activity(ask_fast, input=order)
    cheap = ctx.call_child_workflow(ask_cheap, input=order)
    limit = ctx.create_timer(timedelta(minutes=5))
    if (yield when_any([fast, cheap, limit])) == limit:
        yield ctx.call_activity(apologise)
    else:
        yield ctx.call_activity(offer)
"""


def quotes() -> Story:
    """An activity, a child workflow and a timer race. Their event ids are 0, 1 and 2."""
    story = Story("quote")
    story.call("ask_fast")
    story.child("ask_cheap")
    story.timer(minutes=5)
    return story


PATCHED = """\
def order(ctx, order):
    yield ctx.call_activity(reserve)
    if ctx.is_patched("ask-first"):
        asked, limit = ctx.wait_for_external_event("approval"), ctx.create_timer(timedelta(hours=24))
        yield when_any([asked, limit])
"""


def patched() -> Story:
    """A run whose code took a patched way after its first call, and that was suspended while it waited for a person."""
    story = Story("order")
    first = story.call("reserve")
    story.later(seconds=1).turn().returns(first)
    story.tell(h.PatchRecorded(occurred_at=story.now, name="ask-first"))
    story.waits("approval")
    story.timer(hours=24)
    story.later(minutes=2).tell(h.ExecutionSuspended(occurred_at=story.now, reason="audit"), seen=False)
    return story
