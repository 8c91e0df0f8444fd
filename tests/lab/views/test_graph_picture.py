"""The graph's picture: one node for each call-site, what it says, what led to what, and that nothing moves."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.lab.conftest import ESCALATION, Story, approval
from tests.lab.views.graph_stories import BATCH, PATCHED, QUOTES, batch, graph_of, links, node, patched, picture, quotes, raced, took
from tests.lab.views.test_card import hostile
from tests.lab.views.test_picture import chain, fan_out
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wflab import protocol
from wflab.analytics.call_sites import call_sites
from wflab.analytics.race_rounds import races_in
from wflab.analytics.spans import spans_of
from wflab.views.graph_picture import NO_PLAN, Laying, graph_picture, run_graph
from wflab.views.graph_scopes import MOST_GROUPS
from wflab.views.group_fold import GroupFold

SAMPLE = Path(__file__).parents[2] / "protocol" / "graph.json"


def test_a_thousand_calls_of_one_site_are_one_node() -> None:
    story = batch()
    story.turn().fails(1).returns(2)
    shown = picture(story, BATCH)
    found = node(shown, "score_chunk")
    assert (found.count, found.counts, found.state) == (1000, {"COMPLETED": 1, "RUNNING": 998, "FAILED": 1}, "FAILED")
    assert len(found.cells) == 250
    assert found.cells.startswith("fR"), "the first cell holds the failure and others: it is notched"
    assert [(error.message, error.count, error.index) for error in found.errors] == [("ValueError: no", 1, 0)]
    assert len(msgspec.json.encode(shown)) < 12_000


def test_groups_have_the_keys_that_spans_have() -> None:
    story = raced()
    shown = picture(story, BATCH)
    keys = {span.group_key for span in spans_of(story.instance, story.rows, sites=call_sites(BATCH))}
    drawn = {group.id for group in shown.groups if group.count and group.kind != "race"}
    assert drawn == keys


def test_a_worst_state_wins_a_cell_and_up_to_250_calls_have_their_own() -> None:
    story = batch(250)
    for number in range(1, 251):
        if number != 100:  # the one that goes on
            story.returns(number)
    cells = node(picture(story), "score_chunk").cells
    assert (len(cells), cells.index("R"), set(cells)) == (250, 99, {"C", "R"})


def test_durations_are_told_as_24_bins_with_a_median() -> None:
    story = batch(100)
    for number in range(1, 101):
        took(story.later(seconds=1), number, seconds=0.1 if number <= 60 else 10)  # more of the quick ones
    found = node(picture(story), "score_chunk").durations
    assert found is not None
    assert (len(found.bins), sum(found.bins), found.bins[0], found.bins[-1]) == (24, 100, 60, 40)
    assert (found.p50, found.p95) == (100.0, 10_000.0)


def test_when_the_rest_is_done_is_told_from_30_completions_on_as_a_range() -> None:
    story = batch(100)
    for number in range(1, 30):
        story.later(seconds=1).returns(number)
    assert node(picture(story), "score_chunk").eta is None
    story.later(seconds=1).returns(30)
    eta = node(picture(story), "score_chunk").eta
    assert eta is not None
    assert eta[0] < 70_000 < eta[1]


def test_what_is_held_up_is_pending_and_what_the_end_left_open_is_canceled() -> None:
    story = batch(3)
    run = graph_of(story)
    run.held_up = [2, 3]
    held = graph_picture(run, story.rows, now=story.now)
    assert node(held, "score_chunk").counts == {"RUNNING": 1, "PENDING": 2}
    story.ends(Status.TERMINATED)
    assert node(picture(story), "score_chunk").counts == {"CANCELED": 3}


def test_a_race_has_a_node_a_winner_and_a_loser_and_what_follows_follows_from_the_race() -> None:
    shown = picture(raced(), BATCH)
    assert {link for link in links(shown) if "first of" in link[:2]} == {
        ("approval", "first of", "won"),
        ("timer 1 d", "first of", "lost"),
        ("first of", "publish", "flow"),
        ("first of", "refund_all", "planned"),
    }
    assert (node(shown, "first of").note, node(shown, "timer 1 d").state, node(shown, "timer 1 d").note) == (
        "approval won",
        "CANCELED",
        "lost the race",
    )
    waiting = picture(approval(), ESCALATION)
    assert (node(waiting, "first of").state, {kind for _, _, kind in links(waiting)}) == ("SUSPENDED", {"flow", "planned"})


def test_calls_are_a_race_where_the_source_says_so_and_who_ended_first_has_won() -> None:
    story = quotes()
    waiting = picture(story, QUOTES)
    race = node(waiting, "first of")
    assert (race.state, race.note, race.line) == ("SUSPENDED", "of 3", 5)
    assert {kind for _, target, kind in links(waiting) if target == "first of"} == {"flow"}
    story.later(seconds=2).turn().returns(0)
    story.call("offer")
    shown = picture(story, QUOTES)
    assert {link for link in links(shown) if "first of" in link[:2]} == {
        ("ask_fast", "first of", "won"),
        ("ask_cheap", "first of", "lost"),
        ("timer 5 min", "first of", "lost"),
        ("first of", "offer", "flow"),
        ("first of", "apologise", "planned"),
    }
    assert node(shown, "first of").note == "ask_fast won"
    assert (node(shown, "ask_cheap").state, node(shown, "ask_cheap").note) == ("RUNNING", "lost the race, goes on")
    assert (node(shown, "timer 5 min").state, node(shown, "timer 5 min").note) == ("CANCELED", "lost the race")
    assert node(picture(story.ends(), QUOTES), "ask_cheap").note == "lost the race"


def test_of_two_that_ended_in_one_turn_the_first_in_the_record_has_won_even_by_failing() -> None:
    story = quotes().later(seconds=2).turn()
    story.tell(
        h.ChildWorkflowInstanceFailed(occurred_at=story.now, task_scheduled_id=1, failure=FailureDetails(message="no", error_type="E"))
    )
    story.returns(0)
    story.call("offer")
    shown = picture(story, QUOTES)
    assert node(shown, "first of").note == "ask_cheap failed first"
    assert {link for link in links(shown) if link[2] in {"won", "lost", "flow"}} == {
        ("ask_fast", "first of", "lost"),
        ("ask_cheap", "first of", "won"),
        ("timer 5 min", "first of", "lost"),
        ("first of", "offer", "flow"),
    }


def test_a_call_that_is_tried_again_has_not_won_by_its_failed_attempt() -> None:
    source = QUOTES.replace("input=order)\n    cheap", "input=order, retry_policy=RETRY)\n    cheap")
    story = quotes().turn().fails(0)
    story.backs_off("ask_fast", "call-0", 1, seconds=30)
    assert node(picture(story, source), "first of").note == "of 3"
    story.later(minutes=5).turn().fires(2)
    assert node(picture(story, source), "first of").note == "timer 5 min won"


def test_a_loser_that_is_waited_for_after_all_leads_on_and_one_that_is_left_does_not() -> None:
    story = quotes().turn().returns(0)
    offered = story.call("offer")
    story.turn().tell(h.ChildWorkflowInstanceCompleted(occurred_at=story.now, task_scheduled_id=1, result="1"))
    story.turn().returns(offered)
    story.call("send")
    assert {link for link in links(picture(story, QUOTES)) if link[1] == "send"} == {("offer", "send", "flow")}
    waited_for = QUOTES + "    yield cheap\n    yield ctx.call_activity(send)\n"
    assert ("ask_cheap", "send", "flow") in links(picture(story, waited_for))


@pytest.mark.parametrize("source", [None, QUOTES.replace("when_any", "when_all"), QUOTES + "    yield ctx.call_activity(ask_fast)\n"])
def test_calls_are_no_race_where_the_source_leaves_a_doubt(source: str | None) -> None:
    story = quotes().turn().returns(0)
    story.call("offer")
    shown = picture(story, source)
    assert all(group.kind != "race" for group in shown.groups)
    assert ("ask_fast", "offer", "flow") in links(shown)


def test_what_the_source_still_comes_to_is_planned_and_what_it_has_passed_by_is_not_taken() -> None:
    before = picture(batch(3), BATCH)
    assert {group.name: group.planned for group in before.groups if group.planned} == dict.fromkeys(
        ["approval", "timer", "publish", "refund_all", "notify"], "planned"
    )
    assert {("timer", "publish", "planned"), ("timer", "refund_all", "planned"), ("publish", "notify", "planned")} <= links(before)
    after = picture(raced(), BATCH)
    assert {group.name: group.planned for group in after.groups if group.planned} == {"refund_all": "not taken", "notify": "planned"}
    ended = picture(raced().ends(), BATCH)
    assert {group.planned for group in ended.groups} == {"", "not taken"}


def test_without_a_source_there_is_no_plan_and_a_word_about_it() -> None:
    assert NO_PLAN in picture(batch(3)).strips
    assert picture(batch(3), BATCH).strips == []


def test_a_run_that_has_not_begun_is_its_plan_alone() -> None:
    story = Story("order_batch")
    story.rows.clear()
    story.status = Status.PENDING
    shown = picture(story, BATCH, strips=["waiting for a worker: none registered for `order_batch`"])
    assert {group.planned for group in shown.groups if group.kind != "workflow"} == {"planned"}
    assert shown.strips == ["waiting for a worker: none registered for `order_batch`"]


def test_a_loop_is_folded_with_its_way_back_and_its_rounds() -> None:
    shown = picture(chain(["poll", "rest"] * 20))
    assert (node(shown, "poll").count, node(shown, "poll").rounds, node(shown, "poll").is_loop) == (20, 20, True)
    assert links(shown) == {("poll", "rest", "flow"), ("rest", "poll", "loop")}
    alone = picture(chain(["poll"] * 3))
    assert links(alone) == {("poll", "poll", "loop")}


def test_calls_that_are_waited_for_together_all_lead_on() -> None:
    story = Story()
    hotel, flight = story.call("hotel"), story.call("flight")
    story.turn().returns(hotel)
    story.turn().returns(flight)
    story.call("confirm")
    assert links(picture(story)) == {("hotel", "confirm", "flow"), ("flight", "confirm", "flow")}


def test_suspensions_and_patches_hang_where_the_run_was_and_only_at_the_level_of_all_details() -> None:
    story = patched()
    shown = picture(story, PATCHED)
    assert {link for link in links(shown) if link[2] == "mark"} == {("reserve", "ask-first", "mark"), ("first of", "suspended", "mark")}
    paused, patch = node(shown, "suspended"), node(shown, "ask-first")
    assert (paused.kind, paused.state, paused.count, paused.note, paused.since is not None) == ("suspend", "SUSPENDED", 1, "audit", True)
    assert (patch.kind, patch.state) == ("patch", "COMPLETED")
    assert (shown.calls_total, shown.groups_total) == (3, 4), "they are no calls"
    kinds = {group.id: group.kind for group in shown.groups}
    assert {kinds[place] for place in shown.levels[2].places} == {"activity"}
    story.later(minutes=3).tell(h.ExecutionResumed(occurred_at=story.now), seen=False)
    story.later(minutes=1).tell(h.ExecutionSuspended(occurred_at=story.now), seen=False)
    story.later(minutes=1).tell(h.ExecutionResumed(occurred_at=story.now), seen=False)
    paused = node(picture(story, PATCHED), "suspended")
    assert (paused.state, paused.count, paused.took_ms, paused.since) == ("COMPLETED", 2, 240_000.0, None)
    spans = {span.group_key for span in spans_of(story.instance, story.rows)}
    assert paused.id in spans


@pytest.mark.parametrize("level", [1, 2, 3])
def test_what_a_level_hides_is_led_through(level: int) -> None:
    story = raced()
    story.child("notify")
    shown = picture(story, BATCH)
    names = {group.id: group.kind for group in shown.groups}
    kinds = {names[place] for place in shown.levels[level].places}
    assert kinds == {1: {"activity"}, 2: {"activity", "child"}, 3: {"activity", "child", "event_wait", "timer", "race"}}[level]
    assert (("score_chunk", "publish", "flow") in links(shown, level)) == (level < 3)  # the waits are hidden below it
    assert list(shown.levels[0].places) == [shown.groups[0].id]


@pytest.mark.parametrize("told", [approval, raced, quotes, patched, lambda: fan_out(30), lambda: chain(["a", "b", "c", "a"])])
def test_no_node_moves_when_the_history_goes_on(told: object) -> None:
    story = told()  # type: ignore[operator]  # one of the builders above
    story.later(seconds=1).turn().raised("human_approval")
    story.call("after")
    story.call("beside")
    places: dict[str, tuple[float, float]] = {}
    for count in range(1, len(story.rows) + 1):
        for name, place in picture(story.retold(count)).levels[3].places.items():
            assert places.setdefault(name, place[:2]) == place[:2]


@pytest.mark.parametrize("portion", [1, 3, 50])
def test_a_history_read_in_portions_gives_the_same_picture(portion: int) -> None:
    for story, source in (
        (raced(), BATCH),
        (hostile(), BATCH),
        (approval(), BATCH),
        (chain(["poll", "rest"] * 5), BATCH),
        (quotes(), QUOTES),
        (patched(), BATCH),
    ):
        fold = GroupFold(story.name, call_sites(source), raced=races_in(source))
        for begin in range(0, len(story.rows), portion):
            fold.take(story.rows[begin : begin + portion])
        whole = graph_of(story, source)
        in_portions = msgspec.structs.replace(whole, fold=fold)
        assert graph_picture(in_portions, story.rows, now=story.now) == graph_picture(whole, story.rows, now=story.now)


def late_join() -> Story:
    """A loop that only its second round tells of."""
    story = Story()
    for name in ("poll", "rest", "poll", "poll"):
        story.turn().returns(story.call(name))
    return story


def test_whoever_asks_for_it_has_the_graph_laid_out_anew_and_kept_so() -> None:
    story = late_join()
    run, laying = graph_of(story), Laying()
    before = graph_picture(run, story.rows, now=story.now, laying=laying)
    poll = node(before, "poll").id
    assert before.levels[3].places[poll][3] < 60, "one call, when it was placed"
    laying.tidy()
    tidy = graph_picture(run, story.rows, now=story.now, laying=laying)
    assert tidy.levels[3].places[poll][3] > 100, "room for what it has become"
    assert graph_picture(run, story.rows, now=story.now, laying=laying).levels == tidy.levels
    read = len(story.rows)
    for name in ("poll", "rest", "send", "poll"):
        story.turn().returns(story.call(name))
    run.fold.take(story.rows[read:])
    later = graph_picture(run, story.rows, now=story.now, laying=laying).levels[3]
    assert {name: later.places[name] for name in tidy.levels[3].places} == tidy.levels[3].places
    assert len(later.places) == len(tidy.levels[3].places) + 1


@pytest.mark.parametrize("told", [raced, quotes, patched, late_join])
def test_laid_out_anew_no_node_covers_another_and_lines_lead_to_the_right(told: Callable[[], Story]) -> None:
    story = told()
    laying = Laying()
    laying.tidy()
    source = QUOTES if told is quotes else BATCH
    shown = graph_picture(graph_of(story, source), story.rows, now=story.now, laying=laying)
    for level in shown.levels[1:]:
        boxes = list(level.places.values())
        for number, (x, y, width, height) in enumerate(boxes):
            for other in boxes[number + 1 :]:
                assert x + width <= other[0] or other[0] + other[2] <= x or y + height <= other[1] or other[1] + other[3] <= y
        for edge in level.edges:
            if edge.kind != "loop":
                assert level.places[edge.source][0] < level.places[edge.target][0]


def test_a_call_that_is_tried_again_is_one_call_with_its_attempts() -> None:
    story = Story()
    number = story.call("charge", identity="c")
    story.later(seconds=1).turn().fails(number, "CardDeclined")
    story.backs_off("charge", "c", 1, seconds=30)
    found = node(picture(story), "charge")
    assert (found.count, found.state, found.note, found.errors, found.until is not None) == (1, "RUNNING", "backoff", [], True)
    again = story.turn().call("charge", identity="c", attempt=2)
    story.turn().returns(again)
    found = node(picture(story), "charge")
    assert (found.state, found.attempts, found.attempts_total) == ("COMPLETED", ["FAILED", "COMPLETED"], 2)


def test_a_child_is_expanded_in_place_within_a_frame() -> None:
    story = Story("order")
    first = story.call("reserve")
    story.turn().returns(first)
    story.child("ship")
    child = Story("ship", instance_id="child-1")
    child.call("pack")
    run = graph_of(story)
    (frame,) = [name for name in run.fold.groups if "child" in name]
    run.inner[frame] = run_graph(child.instance, child.rows, parent_group=frame)
    shown = graph_picture(run, story.rows, now=story.now)
    pack = node(shown, "pack")
    assert (pack.frame, pack.instance_id, pack.id) == (frame, "child-1", f"{frame}/workflow ship/activity pack")
    level = shown.levels[3]
    x, y, width, height = level.places[frame]
    inner = level.places[pack.id]
    assert level.frames == [frame]
    assert (inner[0] > x, inner[1] > y, inner[0] + inner[2] < x + width, inner[1] + inner[3] < y + height) == (True,) * 4
    assert (node(shown, "ship").can_expand, node(shown, "ship").is_expanded) == (True, True)


def test_more_than_sixty_groups_are_folded_into_scopes_that_open_on_a_path() -> None:
    story = chain([f"step_{number}" for number in range(150)])
    shown = picture(story)
    assert ([crumb.label for crumb in shown.path], len(shown.levels[3].places), shown.groups_total) == (["pipeline"], 8, 150)
    folded = shown.groups[1]
    assert (folded.kind, folded.name, folded.count, folded.count_of_groups, folded.can_expand) == (
        "scope",
        "call-sites 1 to 20",
        20,
        20,
        True,
    )
    inside = picture(story, path=[shown.groups[2].id])
    assert [crumb.label for crumb in inside.path] == ["pipeline", "call-sites 21 to 40"]
    assert [group.name for group in inside.groups if group.kind == "activity"] == [f"step_{number}" for number in range(20, 40)]
    assert picture(story, path=["no such scope"]).path == shown.path


def test_call_sites_of_important_activities_stand_beside_the_scopes() -> None:
    story = chain([f"step_{number}" for number in range(150)])
    shown = picture(story, important={"step_30", "step_31", "unheard_of"})
    names = [group.name for group in shown.groups[1:]]
    assert names[:5] == ["call-sites 1 to 20", "call-sites 21 to 30", "step_30", "step_31", "call-sites 31 to 50"]
    assert sum(group.count for group in shown.groups[1:]) == 150
    found = links(shown)
    assert {("call-sites 21 to 30", "step_30", "flow"), ("step_30", "step_31", "flow"), ("step_31", "call-sites 31 to 50", "flow")} <= found
    everything = picture(story, important={f"step_{number}" for number in range(150)})
    assert [group.kind for group in everything.groups[1:]] == ["scope"] * 8, "what is all important is folded after all"


def test_scopes_are_the_constructs_of_the_source_where_it_is_known() -> None:
    lines = ["def wide(ctx, x):", "    if x:", *(f"        yield ctx.call_activity(a{n})" for n in range(40)), "    else:"]
    lines += [f"        yield ctx.call_activity(b{n})" for n in range(40)]
    story = Story("wide")
    for number in range(40):
        story.turn().returns(story.call(f"a{number}"))
    shown = picture(story, "\n".join(lines))
    assert [(group.name, group.planned, group.count) for group in shown.groups[1:]] == [
        ("if in line 2", "", 40),
        ("else in line 2", "planned", 0),
    ]
    assert len(shown.groups) - 1 <= MOST_GROUPS


def test_more_than_two_hundred_groups_are_rows_of_a_matrix() -> None:
    shown = picture(chain([f"step_{number}" for number in range(300)]))
    assert (shown.mode, shown.levels, len(shown.groups)) == ("matrix", [], 301)


def test_hostile_names_stay_text_and_make_a_picture() -> None:
    shown = picture(hostile())
    assert isinstance(shown, protocol.GraphPicture)
    assert msgspec.convert(msgspec.to_builtins(shown), protocol.GraphPicture) == shown


def test_small_groups_show_inputs_without_what_is_called_a_secret() -> None:
    (row, *_) = node(picture(batch(3)), "score_chunk").worst
    assert "t-17" not in row.input
    assert "chunk" in row.input


def test_a_graph_is_sent_as_in_the_sample() -> None:
    """extension/tests/graph.test.ts reads the same. After a change that is meant, write it anew: see the module's last line."""
    assert sample_message() == json.loads(SAMPLE.read_text())


def sample_message() -> dict[str, Any]:
    generations = [protocol.Generation(number=0, state="CONTINUED_AS_NEW", began=0.0, ended=1000.0)]
    shown = picture(raced(), BATCH, why="order_batch runs publish for 0 s.", generations=generations, generations_total=1)
    return json.loads(json.dumps(protocol.as_data(protocol.ShowPicture(seq=3, picture=shown))))  # type: ignore[no-any-return]


if __name__ == "__main__":
    SAMPLE.write_text(json.dumps(sample_message(), indent=1, ensure_ascii=False) + "\n")
