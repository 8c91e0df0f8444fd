"""The saga's picture: rows and lines from a trace, its still form, and what is sent of it. extension/tests/saga.test.ts reads the same sample."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.lab.analytics.saga_stories import SOURCE, UNDOS, Trip, rolled_back_in_part, sites
from tests.lab.conftest import BEGIN
from tests.lab.views.saga_pictures import empty, fan_out, in_doubt, in_part, long, past_the_pivot, picture, under_way
from tests.lab.views.test_card import HOSTILE, Tags, images
from wflab import protocol
from wflab.analytics.saga_acts import UndoAct, UndoActs
from wflab.analytics.saga_trace import trace_of
from wflab.views.bundles import MIME, bundle_of
from wflab.views.saga_card import saga_html, saga_text
from wflab.views.saga_picture import cut, detail_of

SAMPLES = Path(__file__).parents[2] / "protocol"


def told() -> dict[str, Any]:
    """A rollback with a bit of everything."""
    return protocol.as_data(protocol.ShowPicture(seq=1, picture=in_doubt()))


def hostile() -> protocol.SagaPicture:
    trip = Trip()
    UNDOS[HOSTILE] = HOSTILE
    trip.books(HOSTILE).fails_at(HOSTILE + "2", HOSTILE, HOSTILE)
    trip.ids[HOSTILE] = 0
    trip.why = HOSTILE
    return picture(trip.cannot_take_back(HOSTILE).broken(), source="", acts={"a0": UndoActs(acts=(_by_hand(HOSTILE),))})


def _by_hand(text: str) -> UndoAct:
    return UndoAct(verb="skip", undo=text, who=text, at=BEGIN, why=text)


def test_a_saga_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, write `told()` into the sample (as JSON, indent 1) and mend protocol/saga.ts."""
    assert json.loads(json.dumps(told())) == json.loads((SAMPLES / "saga.json").read_text())


def test_a_step_and_its_undo_are_one_row() -> None:
    ladder = in_part().story.ladder
    assert [(row.forward.name, row.back.name, row.back.order) for row in ladder.rows if row.forward and row.back] == [
        ("book_hotel", "cancel_hotel", "3"),
        ("book_flight", "cancel_flight", "2"),
        ("charge_card", "refund_card", "1"),
        ("ship", "recall", ""),
    ]
    assert [row.token for row in ladder.rows] == ["BOO-22", "BOO-22", "CHA-22", ""]
    assert [row.comp for row in ladder.rows] == ["failed", "compensated", "compensated", "not-needed"]


def test_rows_do_not_touch_and_each_bridge_is_level_with_its_row() -> None:
    ladder = in_part().story.ladder
    for before, after in zip(ladder.rows, ladder.rows[1:], strict=False):
        assert after.y >= before.y + before.height + 4
    assert ladder.height >= ladder.rows[-1].y + ladder.rows[-1].height
    for layout in (ladder.wide, ladder.narrow):
        assert [bridge.row for bridge in layout.bridges] == ["a0", "a1", "a2"]
        for bridge, row in zip(layout.bridges, ladder.rows, strict=False):
            centre = row.y + row.height / 2
            assert bridge.path == f"M{layout.back[0]:g} {centre:g}L{layout.forward[0] + layout.forward[1]:g} {centre:g}"
        assert layout.width <= 640


def test_the_way_turns_from_what_failed_into_the_first_undo() -> None:
    ladder = in_part().story.ladder
    failed, first = ladder.rows[3], ladder.rows[2]
    assert ladder.wide.turn.startswith(f"M224 {failed.y + 23:g}H410V{first.y + 46:g}")
    assert picture(Trip().books(*UNDOS).ends()).story.ladder.wide.turn == ""


def test_where_a_node_stands_in_the_way_it_turns_beside_the_column() -> None:
    ladder = in_doubt().story.ladder
    assert f"H{ladder.wide.back[0] - 12:g}V" in ladder.wide.turn


def test_in_time_mode_each_side_stands_at_its_moment() -> None:
    timed = in_part().story.timed
    names = [(row.forward or row.back).name for row in timed.rows]  # type: ignore[union-attr]  # one of the two is there
    assert names == ["book_hotel", "book_flight", "charge_card", "ship", "refund_card", "cancel_flight", "cancel_hotel"]
    moments = [row.at for row in timed.rows if row.at is not None]
    assert moments == sorted(moments) == [0, 200, 400, 600, 900, 1000, 1100]
    assert len(timed.wide.bridges) == 3


def test_clean_pairs_of_a_long_saga_are_folded_and_can_be_unfolded() -> None:
    story = long(60).story
    assert [(row.kind, row.count) for row in story.ladder.rows] == [("fold", 20), ("pair", 1), ("fold", 39), ("pair", 1)]
    assert (story.ladder.shown, story.ladder.total) == (61, 61)
    assert story.whole is not None
    assert len(story.whole.rows) == 61
    assert long(30).story.whole is None


def test_a_fan_out_is_one_row_with_the_same_cells_on_both_sides() -> None:
    [group, failed] = fan_out(200).story.ladder.rows
    assert (group.kind, group.count) == ("group", 200)
    assert group.forward is not None
    assert group.back is not None
    assert len(group.forward.cells) == len(group.back.cells) == 200
    assert [place for place, letter in enumerate(group.back.cells) if letter == "F"] == [7, 40]
    assert group.back.caption == "198 undone, 2 undo failed"
    assert failed.comp == "not-needed"


def test_ten_thousand_steps_are_a_few_rows() -> None:
    story = fan_out(10_000).story
    assert len(story.ladder.rows) == 2
    assert story.ladder.rows[0].count == 10_000
    assert len(msgspec.json.encode(story)) < 20_000


def test_very_many_exceptions_are_cut_and_counted() -> None:
    trip = Trip()
    names = [f"book_{place}" for place in range(400)]
    trip.books(*names).fails_at("ship")
    story = picture(trip.broken(), source="").story
    assert not story.is_saga
    source = "def trip(ctx, given):\n    saga = wf.Saga(ctx)\n" + "".join(
        f"    yield saga.step({name}, undo=un_{name})\n" for name in names
    )
    story = picture(trip, source=source).story
    assert (story.ladder.shown, story.ladder.total) == (300, 401)
    assert (len(story.residuals), story.residuals_total) == (50, 400)
    assert story.word == "ROLLBACK FAILED - 400 need attention"


def test_a_long_saga_fits_into_a_notebook() -> None:
    whole = long(300)
    assert len(msgspec.json.encode(whole)) > 200_000
    saved = cut(whole)
    assert len(msgspec.json.encode(saved)) <= 200_000
    assert saved.story.whole is None
    assert saved.story.word == whole.story.word


def test_what_is_left_says_what_can_be_done_about_it() -> None:
    story = in_doubt().story
    assert [(one.step, one.can) for one in story.residuals] == [
        ("book_hotel", ["retry", "skip", "resolve"]),
        ("charge_card", ["skip", "resolve"]),
    ]
    acts = {"a0": UndoActs(acts=(_by_hand("later"),))}
    [one] = picture(rolled_back_in_part(), acts=acts).story.residuals
    assert (one.needs_attention, one.act, one.can) == (False, "skip by later", ["retry", "resolve"])


def test_the_detail_has_both_payloads() -> None:
    story = rolled_back_in_part()
    trace = trace_of(story.instance, story.rows, sites=sites(SOURCE))
    detail = detail_of(trace.pairs[0])
    assert detail.forward.output is not None
    assert detail.back.input is not None
    assert detail.forward.output.text == detail.back.input.text == '"BOO-22"'
    assert ("idempotency key", "call-6") in detail.back.facts
    assert detail.back.error == "OSError: hotel is lost"


def test_what_is_called_a_secret_is_not_carried_across() -> None:
    trip = Trip()
    trip.ids["book_hotel"] = trip.call("book_hotel")
    trip.turn().returns(trip.ids["book_hotel"], '{"api_key": "s3cret"}').fails_at("ship")
    told = picture(trip.takes_back("book_hotel").broken())
    assert b"s3cret" not in msgspec.json.encode(told)
    assert "(hidden)" in told.story.ladder.rows[0].token


# The still form.


def test_the_text_tells_both_sides_and_no_times() -> None:
    assert saga_text(under_way()).splitlines() == [
        "trip RUNNING: ROLLING BACK 1/3",
        "  book_hotel   committed <- cancel_hotel planned",
        "  book_flight  committed <- cancel_flight being undone (2)",
        "  charge_card  committed <- refund_card undone (1)",
        "  ship         failed <- recall not needed",
    ]


def test_the_text_of_a_run_without_a_saga_shows_how_to_write_one() -> None:
    assert saga_text(empty()).splitlines()[-1].strip() == "yield from saga.compensate()"


def test_the_image_says_in_words_what_it_shows() -> None:
    html = saga_html(in_part())
    [(_, image)] = [(tag, attributes) for tag, attributes in Tags(html).found if tag == "img" and "Saga" in str(attributes["alt"])]
    assert "PARTIALLY ROLLED BACK - 1 needs attention" in str(image["alt"])
    assert "book_hotel committed , cancel_hotel undo failed (3)" in str(image["alt"])
    assert html.count("<tr>") == 1 + 4
    assert "Residual effects: 1" in html


@pytest.mark.parametrize("drawn", [in_part, in_doubt, under_way, long, fan_out, empty, past_the_pivot, hostile])
def test_the_card_has_only_what_a_sanitiser_keeps(drawn: Any) -> None:
    html = saga_html(drawn())
    tags = Tags(html).found
    allowed = {
        "div", "b", "code", "span", "img", "details", "summary", "pre", "table", "caption", "thead", "tbody", "tr", "th", "td", "ul", "li",
    }  # fmt: skip
    assert {tag for tag, _ in tags} <= allowed
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    for image in images(html):
        assert len(image) < 40_000
        assert not {"script", "image", "foreignObject"} & {element.tag.rpartition("}")[2] for element in ET.fromstring(image).iter()}  # noqa: S314  # our own


def test_the_same_picture_gives_the_same_bundle_with_nothing_but_data() -> None:
    bundle = bundle_of(in_doubt())
    assert bundle == bundle_of(in_doubt())
    assert json.loads(json.dumps(bundle))[MIME]["view"] == "saga"
