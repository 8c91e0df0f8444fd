"""How a live view is put into a notebook: live, live with a still form beside it, or still; and in which colours."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import wflab as wf
from tests.lab.conftest import Story
from tests.waiting import eventually
from wflab.display import displays
from wflab.views.bundles import MIME
from wflab.views.widget import BUNDLES, ViewWidget

pytestmark = pytest.mark.skipif(
    not (BUNDLES / "run.js").exists(), reason="the widget is not built: cd extension && npm ci && npm run build"
)
WIDGET = "application/vnd.jupyter.widget-view+json"


class Output:
    """One output of a cell, as IPython's display handle writes to it."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data
        self.updates = 0

    def update(self, data: dict[str, Any], /, *, raw: bool, metadata: dict[str, Any] | None = None) -> None:
        assert raw
        assert metadata is None or isinstance(metadata, dict)
        self.data, self.updates = data, self.updates + 1


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Output]]:
    shown: list[Output] = []

    def display(data: dict[str, Any], **_: Any) -> Output:
        shown.append(Output(data))
        return shown[-1]

    monkeypatch.setattr(displays, "display", display)
    monkeypatch.setattr(displays, "STORE_PAUSE_S", 0.05)
    yield shown
    wf.options.display.mode = "auto"
    wf.options.palette = "default"


def waiting(lab: wf.Lab, seed: dict[str, Any]) -> wf.Run:
    run = lab.start(seed["request_escalation"], {"amount": 5000})
    lab.engine.wait_for_workflow_start(run.id, 30)
    return run


def test_normally_one_output_holds_the_live_view_and_the_still_form(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    waiting(lab, seed)._ipython_display_()
    assert len(outputs) == 1
    assert {WIDGET, MIME, "text/html", "text/plain"} <= set(outputs[0].data)


def test_both_puts_a_still_form_beside_the_live_view_until_the_run_is_over(
    lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]
) -> None:
    wf.options.display.mode = "both"
    run = waiting(lab, seed)
    run._ipython_display_()
    live, still = outputs
    assert WIDGET in live.data
    assert set(still.data) == {"text/html", "text/plain"}
    assert "RUNNING" in still.data["text/plain"]
    run.suspend()
    eventually(lambda: "SUSPENDED" in still.data["text/plain"])
    run.resume()
    run.approve()
    run.result(30)
    eventually(lambda: WIDGET not in live.data and "COMPLETED" in live.data["text/plain"])
    eventually(lambda: still.data == {"text/plain": ""})


def test_both_needs_no_second_output_where_the_extension_is(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    wf.options.display.mode = "both"
    lab.displays.has_extension = True
    waiting(lab, seed)._ipython_display_()
    assert len(outputs) == 1


def test_what_came_before_the_extension_said_so_goes_live_when_it_does(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    run = waiting(lab, seed)
    run.graph()._ipython_display_()
    run.approve()
    run.result(30)
    eventually(lambda: WIDGET not in outputs[0].data and "COMPLETED" in outputs[0].data["text/plain"])
    run.timeline()._ipython_display_()
    run._ipython_display_()
    kept = run.saga()
    kept._ipython_display_()
    kept.freeze()
    assert [WIDGET in output.data for output in outputs] == [False] * 4
    lab.displays.has_extension = True
    eventually(lambda: [WIDGET in output.data for output in outputs] == [True, True, False, False])
    assert lab.displays.publisher.settle(30)
    assert [output.updates for output in outputs][1:] == [1, 0, 0]
    assert [view.picture.view for view in lab.displays._live] == ["graph", "timeline"]


def test_all_threads_have_the_same_displays(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's first word and a cell's first view come at the same time."""

    class Slow(displays.Displays):
        def __init__(self, *given: Any) -> None:
            time.sleep(0.1)
            super().__init__(*given)

    monkeypatch.setattr("wflab.lab.Displays", Slow)
    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(lambda _: lab.displays, range(4)))) == 1


def test_only_so_many_still_forms_wait_for_an_extension(
    lab: wf.Lab, seed: dict[str, Any], outputs: list[Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(displays, "_EARLY_KEPT", 2)
    run = waiting(lab, seed)
    run.approve()
    run.result(30)
    for _ in range(3):
        run.graph()._ipython_display_()
    lab.displays.has_extension = True
    eventually(lambda: [WIDGET in output.data for output in outputs] == [False, True, True])


def test_static_shows_still_pictures_only(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    wf.options.display.mode = "static"
    waiting(lab, seed).graph()._ipython_display_()
    assert [WIDGET in output.data for output in outputs] == [False]


def test_a_new_palette_repaints_what_is_live(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    waiting(lab, seed)._ipython_display_()
    assert len(outputs) == 1
    (view,) = lab.displays._live
    assert view.message.get("palette") is None
    wf.options.palette = {"RUNNING": {"light": "#0070f0"}}
    eventually(lambda: view.message.get("palette") == {"RUNNING": ("#0070f0", "#ffffff", "#2271f7", "#000000")})
    wf.options.palette = "default"
    eventually(lambda: view.message.get("palette") is None)


def test_a_view_is_repainted_although_it_shows_the_same(escalation: Story) -> None:
    view = ViewWidget(escalation.picture(), lambda _message: None)
    before = view.message["seq"]
    assert not view.show(escalation.picture())
    assert view.message["seq"] == before
    view.repaint()
    view.show(escalation.picture())
    assert view.message["seq"] == before + 1


def test_the_theme_of_figures_is_the_one_that_a_page_said_last(lab: wf.Lab, seed: dict[str, Any], outputs: list[Output]) -> None:
    waiting(lab, seed)._ipython_display_()
    assert outputs
    (view,) = lab.displays._live
    view._receive({"type": "ready", "theme": "dark", "page": "p"})
    eventually(lambda: lab.fig.template == "wflab_dark")
