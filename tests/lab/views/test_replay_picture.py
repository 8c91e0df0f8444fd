"""The picture of a replay: what is sent of how many steps, in what order of use, and its still form."""

import json
from itertools import pairwise
from pathlib import Path

import msgspec

from tests.lab.views.replay_stories import loop, looped, note, ordered, parted, picture
from tests.lab.views.test_card import HOSTILE
from wflab import protocol
from wflab.views.bundles import bundle_of, snapshot_of
from wflab.views.replay_picture import MOST_DETAILED, chosen

SAMPLES = Path(__file__).parents[2] / "protocol"
LARGEST_SNAPSHOT = 256 * 1024


def test_a_replay_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, write this message into the sample (as JSON, indent 1) and mend protocol/replay.ts."""
    sent = json.loads(
        msgspec.json.encode(protocol.ShowPicture(seq=3, picture=picture(ordered(), divergence=parted(), notes=[note(5, "charged twice?")])))
    )
    assert sent == json.loads((SAMPLES / "replay.json").read_text())


def test_one_letter_a_step_says_what_it_took_up() -> None:
    told = picture(ordered())
    assert told.outcomes == "SCFFCETC"
    assert told.marks == "  RR E  "
    assert told.failures == [3, 4]
    assert len(told.sizes) == told.steps_total == 8


def test_a_step_has_its_variables_with_what_became_of_them() -> None:
    told = picture(ordered())
    pay = told.details.steps[4]
    assert pay.changed == ["pay", "note"]
    variables = {one.name: (one.change, told.details.values[one.value][0]) for one in pay.frames[0].variables}
    assert variables["pay"] == ("added", "{'id': 'p-3', 'amount': 1800}")
    assert variables["inv"] == ("same", "'rsv-991'")
    gone = next(one for one in told.details.steps[5].frames[0].variables if one.name == "inv")
    assert (gone.change, gone.value, told.details.values[gone.old][0]) == ("removed", -1, "'rsv-991'")
    note = next(one for one in told.details.steps[6].frames[0].variables if one.name == "note")
    assert note.change == "changed"


def test_of_many_steps_the_last_and_those_about_failures_come_first() -> None:
    order = chosen(10_000, [4_000], 10_000)
    assert MOST_DETAILED - 20 < len(order) <= MOST_DETAILED
    assert set(range(9_901, 10_001)) | set(range(3_995, 4_006)) <= set(order)
    spread = sorted(number for number in order if number < 3_900)
    assert max(later - earlier for earlier, later in pairwise(spread)) <= 50


def test_a_snapshot_of_a_long_run_has_room_in_a_notebook_and_says_what_it_lacks() -> None:
    told = picture(looped(3_000), loop)
    saved = json.dumps(snapshot_of(told))
    assert told.steps_total == 3_001
    assert len(saved) < LARGEST_SNAPSHOT
    assert 100 <= len(told.details.steps) <= MOST_DETAILED
    assert "come from the kernel" in told.left_out[0]


def test_a_snapshot_has_room_for_forty_thousand_characters_of_notes() -> None:
    saved = snapshot_of(picture(ordered(), notes=[note(1 + place % 8, "x" * 2000, id=f"n{place}") for place in range(200)]))
    assert len(json.dumps(saved)) < LARGEST_SNAPSHOT
    assert len(saved["picture"]["notes"]) == 20
    assert saved["picture"]["left_out"] == ["20 of 200 notes are kept; the others need a kernel"]


def test_the_still_form_has_the_steps_and_the_code_with_its_hits() -> None:
    bundle = bundle_of(picture(ordered()))
    html = bundle["text/html"]
    assert "<style" not in html
    assert "<svg" not in html
    assert 'alt="Replay of order, COMPLETED: 8 steps, 2 of them took a failure."' in html
    assert "charge_card (attempt 3) completed" in html
    assert "x1" in html
    assert bundle["text/plain"].splitlines()[5] == "    5  line 4    charge_card (attempt 3) completed  (pay, note)"


def test_what_a_workflow_supplies_is_text_in_the_still_form() -> None:
    told = picture(ordered())
    hostile = msgspec.structs.replace(
        told, name=HOSTILE, banners=[HOSTILE], divergence=msgspec.structs.replace(parted(), expected=HOSTILE, cause=HOSTILE)
    )
    html = bundle_of(hostile)["text/html"]
    assert HOSTILE not in html
    assert "<script" not in html


def test_events_alone_have_no_variables_and_say_why() -> None:
    told = picture(ordered(), None)
    assert told.level == "events"
    assert all(step.frames == [] for step in told.details.steps)
    assert "is not in memory" in bundle_of(told)["text/html"]
