"""What the timeline's kernel and page say to each other. extension/tests/timeline.test.ts reads the same samples."""

import json
from pathlib import Path
from typing import Any

import msgspec

from tests.lab.views.timeline_stories import MINOR, chatty, fan, picture, race
from wflab import protocol
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_rows import rows_of, spoken

SAMPLES = Path(__file__).parents[2] / "protocol"


def told() -> protocol.TimelinePicture:
    """A run with retries, a wait, a timer, a gap, and a group."""
    return picture(race(), limits={"": 8, "charge_card": 2, "nobody_calls_it": 1})


def folded() -> list[dict[str, Any]]:
    """The rows of two stories, as both sides fold them."""
    found = []
    for story, minor in ((race(), ()), (fan(30), ()), (chatty(), MINOR)):
        drawn = picture(story, minor=minor)
        rows = rows_of(spans_from(drawn.spans, drawn.parents), minor=minor)
        found.append(
            {
                "picture": msgspec.to_builtins(drawn),
                "rows": [
                    {"key": row.key, "depth": row.depth, "state": row.state, "count": row.count, "spoken": spoken(row, drawn.now)}
                    for row in rows
                ],
            }
        )
    return found


def test_a_timeline_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, write `told()` into the sample (as JSON, indent 1) and mend protocol/timeline.ts."""
    sent = json.loads(msgspec.json.encode(protocol.ShowPicture(seq=3, picture=told())))
    assert sent == json.loads((SAMPLES / "timeline.json").read_text())


def test_rows_are_folded_as_in_the_sample() -> None:
    """Likewise with `folded()` and views/timeline/rows.ts."""
    assert json.loads(json.dumps(folded())) == json.loads((SAMPLES / "timeline_rows.json").read_text())
