"""The timeline without a script: what GitHub, nbconvert and an untrusted notebook show of it."""

import re
from base64 import b64decode

from tests.lab.conftest import Story
from tests.lab.views.test_card import HOSTILE
from tests.lab.views.timeline_stories import MINOR, chatty, fan, picture, race, stalled, suspended
from wflab.views.bundles import bundle_of
from wflab.views.card import framed, header
from wflab.views.timeline_card import timeline_html, timeline_text


def svg_of(html: str) -> str:
    found = re.search(r'<img alt="Timeline[^>]*src="data:image/svg\+xml;base64,([^"]+)"', html)
    assert found
    return b64decode(found[1]).decode()


def test_the_text_tells_calls_with_their_attempts_and_no_times() -> None:
    assert timeline_text(picture(race())).splitlines() == [
        "order COMPLETED",
        "  charge_card     COMPLETED (FAILED, FAILED, COMPLETED)",
        "  human_approval  COMPLETED (raised)",
        "  timer 7 d       CANCELED (cancelled)",
        "  ship            COMPLETED",
    ]


def test_the_image_says_in_words_what_it_shows() -> None:
    html = timeline_html(picture(race()))
    [sentence] = re.findall(r'<img alt="(Timeline[^"]+)"', html)
    assert "charge_card, 3 attempts, failed, failed, completed, total 3.5 s, 1.9 s of backoff" in sentence
    assert "timer 7 d, canceled, cancelled" in sentence
    assert html.count("<tr>") == 1 + 5


def test_it_is_small_and_has_nothing_that_a_sanitiser_takes_away() -> None:
    for story in (race(), fan(2000), suspended()):
        html = timeline_html(picture(story))
        assert len(svg_of(html)) < 40_000
        assert not re.search(r"<(style|script|svg)", html)


def test_more_than_sixty_rows_are_grouped() -> None:
    story = Story()
    for number in range(100):
        done = story.call(f"step_{number % 5}")
        story.later(seconds=1).turn().returns(done)
    html = timeline_html(picture(story.ends()))
    assert html.count("<tr>") <= 61
    assert "step_0 ×20" in html


def test_hostile_names_are_text() -> None:
    story = Story(HOSTILE)
    number = story.call(HOSTILE)
    story.later(seconds=1).turn().fails(number, HOSTILE, HOSTILE)
    html = timeline_html(picture(story.ends()))
    assert "<script" not in html
    assert "<script" not in svg_of(html)
    assert "<img src=x" not in html


def test_minor_calls_are_one_line_and_a_stall_is_drawn() -> None:
    drawn = picture(chatty(), minor=MINOR)
    assert timeline_text(drawn).splitlines()[1:] == ["  charge_card  COMPLETED", "  +37 minor    36 COMPLETED, 1 FAILED"]
    assert "+37 minor" in svg_of(timeline_html(drawn))
    assert 'stroke-dasharray="1 3"' in svg_of(timeline_html(picture(stalled().later(seconds=2))))


def test_it_stands_in_the_frame_that_all_cards_have() -> None:
    drawn = picture(race())
    card = timeline_html(drawn)
    assert card.startswith(framed("timeline", drawn, "x", []).partition(' aria-label="')[0])
    label = re.search(r' aria-label="([^"]+)"', card)
    image = re.search(r'<img alt="(Timeline[^"]+)"', card)
    assert label
    assert image
    assert label[1] == image[1], "whoever cannot see the frame hears what is in it"
    assert card.count(header(drawn)) == 1
    for style in ("border:", "background:var(--jp-layout-color1,transparent)"):
        assert style in card.partition(">")[0]


def test_the_bundle_has_all_three_forms() -> None:
    bundle = bundle_of(picture(race()))
    assert set(bundle) == {"application/vnd.wflab.view+json", "text/html", "text/plain"}
    assert bundle["application/vnd.wflab.view+json"]["view"] == "timeline"
