"""The picture of a run: its small graph, stable places, and everything a display says."""

import msgspec
import pytest

from tests.lab.conftest import Story, approval
from wfengine.model.history import EventRaised
from wfengine.model.instance import Status
from wflab import protocol
from wflab.views.layout import LANE
from wflab.views.picture import picture_of


def node(picture: protocol.Picture, name: str) -> protocol.Node:
    return next(found for found in picture.graph.nodes if found.name == name)


def links(picture: protocol.Picture) -> set[tuple[str, str, str]]:
    names = {found.id: found.name for found in picture.graph.nodes}
    return {(names[edge.source], names[edge.target], edge.kind) for edge in picture.graph.edges}


def fan_out(width: int) -> Story:
    story = Story("order_batch")
    first = story.call("validate")
    story.turn().returns(first)
    for _ in range(width):
        story.call("score_chunk")
    return story


def chain(names: list[str]) -> Story:
    story = Story("pipeline")
    for name in names:
        number = story.call(name)
        story.later(seconds=1).turn().returns(number)
    return story


def test_a_thousand_calls_of_one_name_are_one_node_with_their_counts() -> None:
    story = fan_out(1000)
    story.turn().fails(1).returns(2)
    picture = story.picture()
    found = node(picture, "score_chunk")
    assert (found.count, found.counts, found.state) == (1000, {"FAILED": 1, "COMPLETED": 1, "RUNNING": 998}, "FAILED")
    assert found.error == "1x ValueError"
    assert len(found.cells) == 250
    assert found.cells.startswith("FR")
    assert len(msgspec.json.encode(picture)) < 4_000


def test_calls_of_different_names_that_are_waited_for_together_join() -> None:
    story = Story()
    hotel, flight = story.call("hotel"), story.call("flight")
    story.turn().returns(hotel)
    story.turn().returns(flight)
    story.call("confirm")
    assert links(story.picture()) == {
        ("start", "hotel", "flow"),
        ("start", "flight", "flow"),
        ("flight", "confirm", "flow"),
        ("hotel", "confirm", "join"),
    }


def test_the_loser_of_a_race_leads_nowhere(escalation: Story) -> None:
    escalation.turn().raised("human_approval")
    number = escalation.call("process_approval")
    escalation.turn().returns(number, '"ok"').ends(Status.COMPLETED, '"ok"')
    picture = escalation.picture()
    assert ("start", "timer 7 d", "lost") in links(picture)
    assert ("process_approval", "COMPLETED", "flow") in links(picture)
    assert not any(source == "timer 7 d" for source, _, _ in links(picture))


def test_a_short_loop_is_drawn_out_and_a_long_one_folded_with_its_way_back() -> None:
    assert len([n for n in chain(["poll"] * 12).picture().graph.nodes if n.name == "poll"]) == 12
    picture = chain(["poll", "rest"] * 20).picture()
    assert (node(picture, "poll").count, node(picture, "rest").count) == (20, 20)
    assert node(picture, "poll").is_loop
    assert links(picture) == {("start", "poll", "flow"), ("poll", "rest", "flow"), ("rest", "poll", "loop")}


def test_the_middle_of_a_very_long_graph_is_folded_away_and_counted() -> None:
    picture = chain([f"step_{number}" for number in range(200)]).picture()
    assert len(picture.graph.nodes) <= 82
    more = next(found for found in picture.graph.nodes if found.kind == "more")
    assert more.count == picture.graph.hidden == 120
    assert picture.steps_total == 200


@pytest.mark.parametrize("told", [approval, lambda: fan_out(30), lambda: chain(["a", "b", "c", "a"])])
def test_no_node_moves_when_the_history_goes_on(told: object) -> None:
    story = told()  # type: ignore[operator]  # one of the builders above
    story.later(seconds=1).turn().raised("human_approval")
    story.call("after")
    story.call("beside")
    places: dict[str, tuple[float, float]] = {}
    for count in range(1, len(story.rows) + 1):
        for found in story.retold(count).picture().graph.nodes:
            if found.id != "end":
                assert places.setdefault(found.id, (found.x, found.y)) == (found.x, found.y)


def test_no_two_nodes_overlap_and_a_chain_is_a_straight_line() -> None:
    story = fan_out(3)
    story.waits("go")
    story.child("ship")
    nodes = story.picture().graph.nodes
    for index, one in enumerate(nodes):
        for other in nodes[:index]:
            apart = one.x >= other.x + other.width or other.x >= one.x + one.width
            assert apart or abs(one.y - other.y) >= LANE
    (edge,) = [edge for edge in story.picture().graph.edges if edge.source == "start"]
    assert "C" not in edge.path


def test_waits_are_offered_while_the_run_can_be_answered(escalation: Story) -> None:
    picture = escalation.picture()
    assert [(wait.event, wait.until) for wait in picture.waits] == [("human_approval", None)]
    escalation.raised("human_approval", seen=False)
    after = escalation.picture()
    assert (after.waits, after.answered) == ([], [picture.waits[0].id])


def test_an_accepted_event_that_is_not_yet_in_the_history_answers_too(escalation: Story) -> None:
    event = EventRaised(occurred_at=escalation.now, name="human_approval")
    assert picture_of(escalation.instance, escalation.rows, now=escalation.now, why="", inbox=[event], source=escalation.source).waits == []


def test_what_is_called_a_secret_is_not_shown() -> None:
    story = Story(payload='{"user": "ana", "card_token": "4242", "nested": {"password": "x"}}')
    shown = story.picture().input
    assert shown is not None
    assert "4242" not in shown.text
    assert '"x"' not in shown.text
    assert "ana" in shown.text


def test_a_huge_payload_is_cut_and_says_so() -> None:
    story = Story(payload='{"api_key": "k-17", "text": "' + "a" * 300_000 + '"}')
    shown = story.picture().input
    assert shown is not None
    assert (len(shown.text), shown.cut, shown.size > 300_000) == (4000, True, True)
    assert "k-17" not in shown.text


def test_a_run_that_has_not_begun_has_a_picture() -> None:
    story = Story()
    story.rows.clear()
    story.status = Status.PENDING
    picture = story.picture()
    assert ([found.kind for found in picture.graph.nodes], picture.started, picture.events_total) == (["start"], None, 0)
