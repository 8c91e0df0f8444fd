"""`lab.fig`: each answer as a figure that says its units, keeps hue for states, and says what to do where there is nothing to draw."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import plotly.io as pio
import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.figures.template import INK, MUTED
from wflab.views.colour import contrast
from wflab.views.palette import PALETTE, Theme

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def full(tmp_path: Path) -> Iterator[wf.Lab]:
    """A day of four workflows in three versions, some under way, one with a hostile error."""
    now = datetime.now(UTC)
    live = [
        fleet.run(5000 + n, name="order", status=Status.RUNNING, created=now - timedelta(seconds=30 + n), version="v3") for n in range(20)
    ]
    hostile = fleet.run(
        6000, name="order", status=Status.FAILED, created=now - timedelta(hours=1), error=(HOSTILE, HOSTILE), activity=HOSTILE
    )
    fleet.record(tmp_path / "fig.duckdb", [*fleet.mixed(600, now=now), *live, hostile])
    with wf.Lab(tmp_path / "fig.duckdb") as lab:
        yield lab


def every(lab: wf.Lab) -> dict[str, Any]:
    return {
        "success_rates": lab.fig.success_rates(),
        "durations": lab.fig.durations(by=["name", "version"]),
        "boxes": lab.fig.durations(kind="box"),
        "failures": lab.fig.failures(),
        "throughput": lab.fig.throughput(),
        "survival": lab.fig.survival(),
        "variants": lab.fig.variants("order"),
        "compare_versions": lab.fig.compare_versions("order"),
        "runs": lab.fig.runs(),
    }


def colours_in(figure: Any) -> set[str]:
    """Every colour of marks: of traces, not of the template."""
    found = set()
    for trace in figure.data:
        for part in (trace.marker, trace.line) if trace.type == "scatter" else (trace.marker,) if trace.type == "bar" else (trace.line,):
            if part.color is not None:
                found.add(str(part.color))
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_figure_has_a_title_named_axes_and_only_colours_that_mean_a_state(full: wf.Lab, theme: Theme) -> None:
    full.displays.theme = theme
    allowed = {look.fill(theme) for look in PALETTE.states.values()} | {INK[theme], MUTED[theme]}
    for name, figure in every(full).items():
        assert figure.layout.title.text, name
        assert figure.layout.xaxis.title.text, name
        assert colours_in(figure) <= allowed, name
        assert figure.layout.template.layout.paper_bgcolor == PALETTE.surface[theme], name
        assert figure.to_json().count("NaN") == 0, name
        assert len(figure.to_json()) < 400_000, name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_ink_is_easy_to_read_on_the_surface(theme: Theme) -> None:
    for ink in (INK[theme], MUTED[theme]):
        assert contrast(ink, PALETTE.surface[theme]) >= 4.5


def test_states_are_told_by_their_glyphs_too(full: wf.Lab) -> None:
    told = {trace.name for trace in full.fig.throughput().data}
    assert any(name.startswith("✓ COMPLETED ") for name in told)
    assert any(name.startswith("✕ FAILED ") for name in told)
    groups = [trace for trace in full.fig.survival().data if trace.name and trace.line.dash]
    assert len({trace.line.dash for trace in groups}) == len(groups) == 4


def test_the_numbers_in_a_figure_are_the_answer_s(full: wf.Lab) -> None:
    rates, drawn = full.success_rates(), full.fig.success_rates().data[0]
    assert list(drawn.x) == pytest.approx(list(rates["rate"]))
    assert list(drawn.error_x.arrayminus) == pytest.approx(list(rates["rate"] - rates["low"]))
    first = rates.iloc[0].to_dict()
    assert drawn.text[0].endswith(f"({int(first['numerator']):,}/{int(first['denominator']):,})")
    assert f"= {int(first['numerator']):,} of {int(first['denominator']):,}" in drawn.hovertext[0]
    ended = full.throughput()
    assert sum(sum(trace.y) for trace in full.fig.throughput().data) == ended["count"].sum()
    curve = full.survival(by=None, name="order")
    assert list(full.fig.survival(by=None, name="order").data[2].y) == pytest.approx(list(curve["survival"]))
    assert sum(len(trace.y) for trace in full.fig.runs(10).data) == 10
    assert "the newest 10 of 621" in full.fig.runs(10).layout.title.text


def test_what_workflows_say_is_text(full: wf.Lab) -> None:
    for figure in (full.fig.failures(), full.fig.variants("order"), full.fig.runs()):
        shown = figure.to_json()
        assert "<img" not in shown
        assert "u003cimg" not in shown


def test_without_runs_a_figure_says_what_to_do(lab: wf.Lab) -> None:
    for name, figure in every(lab).items():
        assert len(figure.data) == 0, name
        (note,) = figure.layout.annotations
        assert "lab." in note.text, name
        assert figure.layout.title.text, name


def test_places_without_plotly_show_the_table_and_say_what_it_is(full: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")  # as in JupyterLab
    for name, figure in every(full).items():
        bundle = figure._repr_mimebundle_()
        assert set(bundle) >= {"application/vnd.plotly.v1+json", "text/html", "text/plain"}, name
        assert "<table" in bundle["text/html"], name
        assert "<img" not in bundle["text/html"], name
        assert len(bundle["text/html"]) < 60_000, name
        assert bundle["text/plain"].startswith("Figure: "), name


def test_options_that_make_no_sense_are_refused(lab: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="'ecdf' or 'box'"):
        lab.fig.durations(kind="pie")  # type: ignore[arg-type]
    for wrong in (0, 5000, True, "all"):
        with pytest.raises(InvalidArgument, match="a number of runs from 1 to 1,000"):
            lab.fig.runs(wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="no grouping by 'colour'"):
        lab.fig.success_rates(by="colour")


def test_the_template_is_plotly_s_to_use_and_follows_the_palette(lab: wf.Lab) -> None:
    assert lab.fig.template == "wflab_light"
    assert pio.templates["wflab_light"].layout.font.color == INK["light"]
    lab.displays.theme = "dark"
    assert lab.fig.template == "wflab_dark"
    assert "wflab_light" not in (pio.templates.default or "")
    lab.start(_registered(lab)).result(60)
    wf.options.palette = {"COMPLETED": {"dark": "#5fd0a4"}}
    try:
        assert lab.fig.throughput().data[0].marker.color == "#5fd0a4"
    finally:
        wf.options.palette = "default"


def _registered(lab: wf.Lab) -> str:
    lab.engine.register_workflow(lambda _: None, "nothing")
    return "nothing"


def test_plotly_is_not_imported_before_the_first_figure() -> None:
    """It costs half a second, which nobody pays who draws nothing."""
    said = "import sys, wflab; assert not [name for name in sys.modules if name.partition('.')[0] == 'plotly'], 'imported'"
    subprocess.run([sys.executable, "-c", said], check=True, timeout=100)
