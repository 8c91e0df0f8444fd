"""The live display's door in the kernel: clicks come out once, whichever way and however often they arrive."""

import json
import queue
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ipykernel.comm.comm import BaseComm

from tests.lab.conftest import Story
from wflab import protocol
from wflab.views import run_view
from wflab.views.run_view import RunView, listen_everywhere

CLICK = json.loads((Path(__file__).parents[2] / "protocol" / "act.json").read_text())
pytestmark = pytest.mark.skipif(not run_view.BUNDLE.exists(), reason="the widget is not built: cd extension && npm ci && npm run build")


class Comm:
    """As much of ipykernel 7.4's comm as the override touches."""

    def __init__(self) -> None:
        self._reply_subshell_for: Any = lambda _data, _default: "the shell that published last"


def test_a_click_is_passed_on_once_although_it_arrives_twice(escalation: Story) -> None:
    acts: queue.SimpleQueue[protocol.Act] = queue.SimpleQueue()
    view = RunView(escalation.picture(), acts.put)
    view._receive(CLICK)
    view._hear(view, CLICK, [])
    assert acts.get_nowait().event == "human_approval"
    assert acts.empty()
    view._receive({**CLICK, "token": "another click"})
    assert not acts.empty()


def test_a_page_tells_its_theme(escalation: Story) -> None:
    view = RunView(escalation.picture(), lambda _act: None)
    view._receive({"type": "ready", "theme": "dark"})
    assert view.theme == "dark"


def test_a_picture_that_shows_the_same_is_not_sent_again(escalation: Story) -> None:
    view = RunView(escalation.picture(), lambda _act: None)
    escalation.later(seconds=3)
    assert not view.show(escalation.picture())
    escalation.raised("human_approval")
    assert view.show(escalation.picture())
    assert view.message["seq"] == 2


def test_the_display_has_the_static_card_beside_the_widget(escalation: Story) -> None:
    data, _ = RunView(escalation.picture(), lambda _act: None)._repr_mimebundle_()
    assert set(data) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
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
    run_view.bundle_text.cache_clear()
    monkeypatch.setattr(run_view, "BUNDLE", tmp_path / "widget.js")
    with pytest.raises(FileNotFoundError, match="npm run build"):
        run_view.bundle_text()
