"""Which failures are marked new since a version: those that only the newest code of a workflow brought, in the whole history and not only in what is looked at."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.lab import fleet
from tests.lab.seed import run_cell
from wfengine.model.instance import ParentInstance, Status
from wfengine.model.work import Commit
from wflab.display.dashboard_handle import DashboardHandle

WITHIN_SECONDS = 60.0
OLD, NEW = ("ValueError", "card 17 declined"), ("KeyError", "sku 4711")
HOUR = timedelta(hours=1)


def failed(key: int, error: tuple[str, str], version: str | None, hours_ago: float, **more: Any) -> Commit:
    return fleet.run(key, status=Status.FAILED, error=error, version=version, created=fleet.NOW - hours_ago * HOUR, **more)


def marks(path: Path, *commits: Commit, **window: Any) -> dict[str, str]:
    """What each failure is new since, by its fingerprint."""
    fleet.record(path, commits)
    with wf.Lab(path) as lab:
        found = lab.failures(**window)
    return dict(zip(found["fingerprint"], found["new_since"], strict=True))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.duckdb"


def test_what_only_the_newest_version_fails_of_is_new_since_it(path: Path) -> None:
    assert marks(path, failed(1, OLD, "v1", 5), failed(2, OLD, "v2", 2), failed(3, NEW, "v2", 1)) == {
        "ValueError: card # declined": "",
        "KeyError: sku #": "v2",
    }


def test_with_one_version_only_nothing_is_new(path: Path) -> None:
    assert marks(path, failed(1, OLD, "v1", 5), failed(2, NEW, "v1", 1), failed(3, OLD, None, 1, name="refund", code_hash="ab")) == {
        "ValueError: card # declined": "",
        "KeyError: sku #": "",
    }


def test_the_newest_version_is_the_one_that_was_seen_first_last_whatever_its_name(path: Path) -> None:
    """v1 runs again after v2 came, as after a roll back: v2 is still the newest, and v1's failure no news."""
    runs = [fleet.run(1, version="v9", created=fleet.NOW - 9 * HOUR), failed(2, NEW, "v10", 5), failed(3, OLD, "v9", 1)]
    assert marks(path, *runs) == {"KeyError: sku #": "v10", "ValueError: card # declined": ""}


def test_a_window_or_a_filter_does_not_make_old_failures_new(path: Path) -> None:
    fleet.record(path, [failed(1, OLD, "v1", 30), failed(2, OLD, "v2", 1), failed(3, NEW, "v2", 1)])
    with wf.Lab(path) as lab:
        recent: Any = lab.failures(since=fleet.NOW - 2 * HOUR).set_index("fingerprint")
        assert recent["count"].to_dict() == {"ValueError: card # declined": 1, "KeyError: sku #": 1}
        assert recent["share"].to_list() == [0.5, 0.5]
        assert recent.loc["ValueError: card # declined", "first_seen"] > fleet.NOW - 2 * HOUR, "of those that are asked for"
        assert recent["new_since"].to_dict() == {"ValueError: card # declined": "", "KeyError: sku #": "v2"}
        shown = lab.dashboard(version="v2").source.picture().failures
        assert {line.fingerprint: line.new_since for line in shown} == recent["new_since"].to_dict()
        assert lab.failures(since=fleet.NOW - timedelta(minutes=1)).empty


def test_a_failure_that_a_child_had_on_older_code_is_not_new(path: Path) -> None:
    parent = ParentInstance(key=9, instance_id="batch-9", name="batch", task_id=0)
    runs = [fleet.run(9, name="batch"), failed(1, OLD, "v1", 5, parent=parent), failed(2, OLD, "v2", 1)]
    assert marks(path, *runs) == {"ValueError: card # declined": ""}


def test_code_without_a_version_goes_by_its_hash(path: Path) -> None:
    one, other = "11112222aaaa", "33334444bbbb"
    runs = [fleet.run(1, code_hash=one, created=fleet.NOW - 5 * HOUR), failed(2, NEW, None, 1, code_hash=other)]
    assert marks(path, *runs) == {"KeyError: sku #": "33334444"}


def test_a_version_whose_code_was_edited_is_told_with_its_hash(path: Path) -> None:
    runs = [fleet.run(1, version="v1", code_hash="1" * 64, created=fleet.NOW - 5 * HOUR), failed(2, NEW, "v1", 1, code_hash="2" * 64)]
    assert marks(path, *runs) == {"KeyError: sku #": "v1 22222222"}


def test_a_run_that_no_code_has_taken_up_is_no_version(path: Path) -> None:
    """A start may name its version before any code ran: that row has no hash, and is not another version beside the one with it."""
    waiting = fleet.run(1, version="v1", status=Status.RUNNING, created=fleet.NOW - 5 * HOUR)
    assert marks(path, waiting, failed(2, NEW, "v1", 1, code_hash="2" * 64)) == {"KeyError: sku #": ""}


def test_a_failure_of_several_workflows_is_new_only_where_it_is_in_all_of_them(path: Path) -> None:
    older = [fleet.run(n, name=name, version="v1", created=fleet.NOW - 9 * HOUR) for n, name in enumerate(("order", "refund"), 1)]
    both = [failed(3, NEW, "v2", 1), failed(4, NEW, "v3", 2, name="refund")]
    fleet.record(path, [*older, *both, failed(5, OLD, "v2", 1), failed(6, OLD, "v1", 2, name="refund")])
    with wf.Lab(path) as lab:
        found: Any = lab.failures().set_index("fingerprint")
    assert found["new_since"].to_dict() == {"KeyError: sku #": "order v2, refund v3", "ValueError: card # declined": ""}
    assert list(found.loc["KeyError: sku #", "workflows"]) == ["order", "refund"]


def test_the_mark_is_on_the_dashboard_with_its_definition_and_its_query(path: Path) -> None:
    fleet.record(path, [failed(1, OLD, "v1", 5), failed(2, NEW, "v2", 1)])
    with wf.Lab(path) as lab:
        dash: DashboardHandle = lab.dashboard()
        picture = dash.source.picture()
        assert {line.fingerprint: line.new_since for line in picture.failures} == {
            "KeyError: sku #": "v2",
            "ValueError: card # declined": "",
        }
        assert "New since a version:" in picture.definition
        told = dash.explain("failures")
        assert "New since a version:" in told.definition
        again = lab.sql(told.sql)
        assert dict(zip(again["fingerprint"], again["new_since"], strict=True))["KeyError: sku #"] == "v2"
        assert "New since a version:" in repr(lab.failures())
        assert "new since v2" in lab.fig.failures().data[0].hovertext[0]
        html = dash.html()
    assert "New since" in html


def test_a_version_s_top_failure_is_one_that_its_own_runs_had(path: Path) -> None:
    fleet.record(path, [failed(n, OLD, "v1", 5) for n in range(1, 4)] + [failed(4, NEW, "v2", 1)])
    with wf.Lab(path) as lab:
        lines = lab.dashboard().source.picture().workflows
        assert [list(versions) for versions in lab.failures()["versions"]] == [["order@v1"], ["order@v2"]]
    assert {line.version: line.failure for line in lines} == {"v1": "ValueError: card # declined", "v2": "KeyError: sku #"}


DEPLOYED = """\
import wflab as wf

wfr = wf.WorkflowRuntime()

@wfr.workflow(name="greeting")
def greeting(ctx, name):
    if name == "nobody":
        raise LookupError(f"no card for {name}")
    return name
    yield
"""


def test_a_cell_that_is_edited_and_run_again_is_a_deploy(lab: wf.Lab) -> None:
    first = run_cell(DEPLOYED)["greeting"]
    assert lab.start(first, "ana").result(WITHIN_SECONDS) == "ana"
    with pytest.raises(wf.WorkflowFailed):
        lab.start(first, "nobody").result(WITHIN_SECONDS)
    assert lab.failures()["new_since"].to_list() == [""], "one version only"
    edited = run_cell(DEPLOYED.replace('"nobody"', '"ana"').replace("no card for", "no letter for"))["greeting"]
    with pytest.raises(wf.WorkflowFailed):
        lab.start(edited, "ana").result(WITHIN_SECONDS)
    newest = lab.compare_versions("greeting")["version"].to_list()[-1]
    found = lab.failures().set_index("fingerprint")["new_since"].to_dict()
    assert found == {"LookupError: no card for nobody": "", "LookupError: no letter for ana": newest}
