"""The live display's door in the kernel: clicks come out once, whichever way and however often they arrive."""

import json
import queue
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ipykernel.comm.comm import BaseComm

from tests.lab.conftest import Story
from tests.lab.views.timeline_stories import fan
from tests.lab.views.timeline_stories import picture as timeline_picture
from wflab.views import widget
from wflab.views.widget import BUNDLES, ViewWidget, listen_everywhere

CLICK = json.loads((Path(__file__).parents[2] / "protocol" / "act.json").read_text())
pytestmark = pytest.mark.skipif(
    not (BUNDLES / "run.js").exists(), reason="the widget is not built: cd extension && npm ci && npm run build"
)


class Comm:
    """As much of ipykernel 7.4's comm as the override touches."""

    def __init__(self) -> None:
        self._reply_subshell_for: Any = lambda _data, _default: "the shell that published last"


def test_a_click_is_passed_on_once_although_it_arrives_twice(escalation: Story) -> None:
    acts: queue.SimpleQueue[Any] = queue.SimpleQueue()
    view = ViewWidget(escalation.picture(), acts.put)
    view._receive(CLICK)
    view._hear(view, CLICK, [])
    assert acts.get_nowait().event == "human_approval"
    assert acts.empty()
    view._receive({**CLICK, "token": "another click"})
    assert not acts.empty()


def test_a_page_tells_its_theme(escalation: Story) -> None:
    view = ViewWidget(escalation.picture(), lambda _message: None)
    view._receive({"type": "ready", "theme": "dark"})
    assert view.theme == "dark"


def test_a_view_is_seen_until_every_page_says_that_it_is_not(escalation: Story) -> None:
    view = ViewWidget(escalation.picture(), lambda _message: None)
    assert view.is_seen
    for page in ("a", "b"):
        view._receive({"type": "ready", "theme": "light", "page": page})
    view._receive({"type": "sight", "page": "a", "is_seen": False})
    assert view.is_seen
    view._receive({"type": "sight", "page": "b", "is_seen": False})
    assert not view.is_seen


def test_once_the_lab_is_closed_the_picture_stays_and_says_so_to_pages_to_come(escalation: Story) -> None:
    view = ViewWidget(escalation.picture(), lambda _message: None)
    before = view.message
    view.part()
    assert view.message == {**before, "seq": 2, "is_closed": True}
    assert "is_closed" not in before


def test_a_picture_that_shows_the_same_is_not_sent_again(escalation: Story) -> None:
    view = ViewWidget(escalation.picture(), lambda _message: None)
    escalation.later(seconds=3)
    assert not view.show(escalation.picture())
    escalation.raised("human_approval")
    assert view.show(escalation.picture())
    assert view.message["seq"] == 2


def test_the_display_has_the_static_card_beside_the_widget(escalation: Story) -> None:
    data, _ = ViewWidget(escalation.picture(), lambda _message: None)._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "application/vnd.wflab.view+json", "text/html", "text/plain"}
    assert data["text/plain"].startswith("request_escalation RUNNING")


def test_messages_are_heard_in_the_channels_thread_and_go_where_the_page_asked() -> None:
    heard: list[object] = []
    comm = Comm()
    listen_everywhere(comm, heard.append)
    assert comm._reply_subshell_for({"method": "custom", "content": CLICK}, "the page's") == "the page's"
    assert comm._reply_subshell_for({"method": "update", "state": {}}, None) is None
    assert heard == [CLICK]


def test_a_listener_that_raises_does_not_reach_the_kernels_channel(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_content: object) -> None:
        raise LookupError("gone")

    comm = Comm()
    listen_everywhere(comm, broken)
    assert comm._reply_subshell_for({"method": "custom", "content": CLICK}, "s") == "s"
    assert "could not be passed on" in caplog.text


def test_a_kernel_without_the_hook_is_left_as_it_is() -> None:
    comm = object()
    listen_everywhere(comm, print)
    assert not hasattr(comm, "_reply_subshell_for")


def test_this_kernels_comms_still_ask_where_messages_go() -> None:
    """Private to ipykernel: should a release drop it, clicks during a blocked cell need another way in."""
    if tuple(int(part) for part in version("ipykernel").split(".")[:2]) < (7, 4):
        pytest.skip("the hook came with ipykernel 7.4; before it, messages go where the page asked")
    assert hasattr(BaseComm, "_reply_subshell_for")


def test_a_missing_bundle_says_how_to_build_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    widget.bundle_text.cache_clear()
    monkeypatch.setattr(widget, "BUNDLES", tmp_path)
    with pytest.raises(FileNotFoundError, match="npm run build"):
        widget.bundle_text("run")


def test_what_changed_is_told_in_parts_and_the_whole_to_a_page_that_comes_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state of the widget holds the whole picture all the time; a page that was there gets the change alone."""
    story = fan(200, done=0.5)
    view = ViewWidget(timeline_picture(story), lambda _message: None)
    sent: list[Any] = []
    states: list[object] = []
    monkeypatch.setattr(view, "send", sent.append)
    monkeypatch.setattr(view, "send_state", lambda key: states.append(key))  # noqa: PLW0108  # it is called by that name
    story.call("more")
    assert view.show(timeline_picture(story, like=view.picture))
    assert [(message["type"], message["since"], message["seq"]) for message in sent] == [("change", 1, 2)]
    assert states == []
    assert view.message["seq"] == 2
    assert view.message["picture"]["spans"]["rows"]["count"] == 203
    view._receive({"type": "ready", "theme": "light", "page": "another"})
    assert not view.show(view.picture)
    assert view.message["seq"] == 3
    assert states == ["message"]
