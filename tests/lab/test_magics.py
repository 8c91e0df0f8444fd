"""`%wf`, in an IPython shell of this process; what needs a kernel of its own is in test_kernel.py."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import wflab as wf
from tests.lab.seed import PROGRAM
from tests.waiting import eventually
from wfengine.errors import InstanceNotFound, InvalidArgument, NotADatabase, StoreInUse
from wflab.current import NoLab
from wflab.lab import current
from wflab.magics import _LOADED
from wflab.verbs.completing import offered

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 30.0
MAGICS_PAGE = Path(__file__).parents[2] / "docs" / "magics.md"
VERBS = [
    "start", "ls", "show", "graph", "timeline", "replay", "saga", "why", "history", "steps", "raise", "approve", "reject", "suspend", "resume", "terminate", "purge", "rerun", "fork",
    "inbox", "dashboard", "recipes", "api-log", "serve", "apps", "recipe", "check", "lint", "clock", "crash", "help",
]  # fmt: skip
CELL_MAGICS = ["workflow", "activity", "wfsql", "victim"]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell in an empty folder, without wflab."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("WFLAB_DB", raising=False)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    yield shell
    if _LOADED in shell.__dict__:
        wf.unload_ipython_extension(shell)
    if shell.history_manager is not None:
        shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def shell(bare: InteractiveShell) -> InteractiveShell:
    bare.run_line_magic("load_ext", "wflab")
    bare.run_cell(PROGRAM).raise_error()
    return bare


def wf_(shell: InteractiveShell, line: str = "") -> Any:
    return shell.run_line_magic("wf", line)


def cell_(shell: InteractiveShell, name: str, line: str, cell: str) -> Any:
    return shell.run_cell_magic(name, line, cell)


def test_loading_opens_a_lab_beside_the_notebook_and_binds_it(
    bare: InteractiveShell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare.run_line_magic("load_ext", "wflab")
    assert capsys.readouterr().out == ""
    assert bare.user_ns["lab"] is wf.current_lab()
    assert (tmp_path / "wflab.duckdb").exists()


def test_an_environment_variable_names_another_file(bare: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WFLAB_DB", str(tmp_path / "orders.duckdb"))
    bare.run_line_magic("load_ext", "wflab")
    assert wf.current_lab().path.name == "orders.duckdb"


def test_a_lab_that_is_open_already_is_used(bare: InteractiveShell, tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "mine.duckdb") as lab:
        bare.run_line_magic("load_ext", "wflab")
        assert bare.user_ns["lab"] is lab


def test_loading_again_changes_nothing_and_reloading_opens_the_lab_anew(shell: InteractiveShell) -> None:
    first = wf.current_lab()
    shell.run_line_magic("load_ext", "wflab")
    assert wf.current_lab() is first
    matchers = len(shell.Completer.custom_matchers)
    for _ in range(2):
        shell.run_line_magic("reload_ext", "wflab")
        assert wf.current_lab() is shell.user_ns["lab"] is not first
        assert len(shell.Completer.custom_matchers) == matchers
    shell.run_cell(PROGRAM).raise_error()
    assert wf_(shell, "start request_escalation amount=500").result(WITHIN_SECONDS) == "auto-approved"


def test_what_a_runtime_registered_is_there_in_the_lab_that_is_loaded_anew(shell: InteractiveShell) -> None:
    shell.run_cell("late = wf.WorkflowRuntime()\nlate = None").raise_error()
    shell.run_line_magic("reload_ext", "wflab")
    assert wf_(shell, "start request_escalation amount=500").result(WITHIN_SECONDS) == "auto-approved"
    shell.run_cell("lab.close()").raise_error()
    shell.run_line_magic("load_ext", "wflab")
    assert wf_(shell, "start request_escalation amount=500").result(WITHIN_SECONDS) == "auto-approved"


def test_once_the_lab_is_closed_loading_opens_it_again(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    first = wf.current_lab()
    shell.run_cell("lab.close()").raise_error()
    shell.run_line_magic("load_ext", "wflab")
    assert "already loaded" not in capsys.readouterr().out
    assert wf.current_lab() is shell.user_ns["lab"] is not first


def test_the_lab_that_is_loaded_has_the_limits_of_the_options(bare: InteractiveShell) -> None:
    wf.options.limits = wf.Limits(most_activities=2)
    try:
        bare.run_line_magic("load_ext", "wflab")
        assert wf.current_lab().engine.limits == wf.Limits(most_activities=2)
        wf.options.limits = None
        bare.run_line_magic("reload_ext", "wflab")
        assert wf.current_lab().engine.limits == wf.Limits()
        with pytest.raises(InvalidArgument, match=r"limits is a wf\.Limits"):
            wf.options.limits = 2  # type: ignore[assignment]  # which is the mistake
    finally:
        wf.options.limits = None


def test_unloading_closes_the_lab_and_takes_the_name_away(shell: InteractiveShell, tmp_path: Path) -> None:
    shell.run_line_magic("unload_ext", "wflab")
    assert "lab" not in shell.user_ns
    with pytest.raises(NoLab):
        wf.current_lab()
    with pytest.raises(NoLab):
        wf_(shell, "ls")
    wf.Lab(tmp_path / "wflab.duckdb").close()


def test_loading_tells_what_goes_on(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order")
    shell.run_line_magic("unload_ext", "wflab")
    capsys.readouterr()
    shell.run_line_magic("load_ext", "wflab")
    assert capsys.readouterr().out == "1 workflow goes on from where it was.\n", "its runtime brings what it had registered"


def test_a_file_that_cannot_be_opened_leaves_nothing_loaded(bare: InteractiveShell, tmp_path: Path) -> None:
    place = tmp_path / "wflab.duckdb"
    place.write_text("no database\n" * 1000)
    with pytest.raises(NotADatabase):
        bare.run_line_magic("load_ext", "wflab")
    assert bare.extension_manager is not None
    assert "wflab" not in bare.extension_manager.loaded
    place.unlink()
    with wf.Lab(place) as lab:
        wf_lab_is_hidden(lab)
        with pytest.raises(StoreInUse):
            bare.run_line_magic("load_ext", "wflab")
        assert "lab" not in bare.user_ns
    bare.run_line_magic("load_ext", "wflab")
    assert bare.user_ns["lab"].status == "running on wflab.duckdb"


def wf_lab_is_hidden(lab: wf.Lab) -> None:
    """As if another process had opened it."""
    current.leave(lab)


def test_the_cheat_sheet_lists_every_verb_and_the_latest_runs(shell: InteractiveShell) -> None:
    sheet = wf_(shell)
    assert [line.split()[1] for line in repr(sheet).splitlines()] == VERBS
    wf_(shell, "start request_escalation amount=500 --id order").result(WITHIN_SECONDS)
    sheet = wf_(shell)
    assert repr(sheet).endswith("latest runs:\n  request_escalation COMPLETED  order")
    html = sheet._repr_html_()
    assert all(f"<code>%wf {verb}" in html for verb in VERBS)
    assert "Latest runs" in html


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_explained(shell: InteractiveShell, verb: str) -> None:
    sheet = wf_(shell, f"help {verb}")
    usage, purpose, python = repr(sheet).splitlines()
    assert usage.startswith(f"%wf {verb}")
    assert "in Python: " in python
    assert all(text in unescape(sheet._repr_html_()) for text in (usage, purpose.strip(), python.removeprefix("    in Python: ")))
    assert f"`{usage}`" in MAGICS_PAGE.read_text().replace("\\|", "|"), "docs/magics.md tells of every verb"


@pytest.mark.parametrize("name", CELL_MAGICS)
def test_every_cell_magic_is_explained(shell: InteractiveShell, name: str) -> None:
    assert name in shell.magics_manager.magics["cell"]
    assert f"%%{name}" in str(shell.magics_manager.magics["cell"][name].__doc__) or name == "victim"
    assert f"`%%{name}" in MAGICS_PAGE.read_text()


def test_a_shell_without_a_lab_has_a_cheat_sheet_and_says_how_to_open_one(shell: InteractiveShell) -> None:
    wf.current_lab().close()
    assert "start NAME" in repr(wf_(shell))
    for line in ("ls", "start x", "why last", "approve last"):
        with pytest.raises(NoLab, match="%load_ext wflab"):
            wf_(shell, line)


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("amount=5000", {"amount": 5000}),
        ("amount = 5000", None),
        ("amount=2500*2 note='a = b, c=d'", {"amount": 5000, "note": "a = b, c=d"}),
        ("amount=5000 note=dict(a=1, b=2) c='d'", {"amount": 5000, "note": {"a": 1, "b": 2}, "c": "d"}),
        ("amount=size note=[x for x in range(3)]", {"amount": 5000, "note": [0, 1, 2]}),
        ("amount=5000 fine=size == 5000", {"amount": 5000, "fine": True}),
        ("{'amount': 5000}", {"amount": 5000}),
        ("dict(amount=5000)", {"amount": 5000}),
        ("{'amount': size, 'note': 'it\\'s'}", {"amount": 5000, "note": "it's"}),
    ],
)
def test_start_takes_keys_and_values_or_one_expression(shell: InteractiveShell, line: str, given: Any) -> None:
    shell.user_ns["size"] = 5000
    if given is None:
        with pytest.raises(UsageError, match="no Python expression"):
            wf_(shell, f"start request_escalation {line}")
        return
    assert wf_(shell, f"start request_escalation {line}").input == given


def test_start_takes_an_id_and_gives_the_run(shell: InteractiveShell) -> None:
    shell.run_cell("run = %wf start request_escalation amount=500 --id order-1").raise_error()
    assert shell.user_ns["run"].id == "order-1"
    assert shell.user_ns["run"].result(WITHIN_SECONDS) == "auto-approved"
    assert wf_(shell, "start request_escalation --id=order-2 {'amount': 500}").id == "order-2"


def test_a_run_is_acted_on_by_id_prefix_or_last(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order-1")
    wf_(shell, "start request_escalation amount=5000 --id pear-1")
    lab = wf.current_lab()
    for instance_id in ("order-1", "pear-1"):
        lab.engine.wait_for_workflow_start(instance_id, WITHIN_SECONDS)
    assert "waits for the event 'human_approval'" in wf_(shell, "why ord")
    assert wf_(shell, "show last").id == "pear-1"
    assert wf_(shell, "history pear").type[0] == "ExecutionStarted"
    assert wf_(shell, "suspend last").status == "SUSPENDED"
    assert wf_(shell, "resume last").status == "RUNNING"
    assert wf_(shell, "raise last human_approval {'by': 'ana'}").result(WITHIN_SECONDS) == "processed {'by': 'ana'}"
    assert wf_(shell, "reject order").result(WITHIN_SECONDS) == "processed False"
    wf_(shell, "start request_escalation amount=5000 --id third")
    assert wf_(shell, "approve third human_approval").result(WITHIN_SECONDS) == "processed True"
    wf_(shell, "start request_escalation amount=5000 --id fourth")
    assert wf_(shell, "terminate last").id == "fourth"
    assert wf_(shell, "ls").count() == 4
    assert wf_(shell, "ls request_escalation TERMINATED").count() == 1
    acts = list(lab.sql("select what from audit order by position").what)
    assert acts == ["suspend", "resume", "raise_event human_approval", "reject human_approval", "approve human_approval", "terminate"]


@pytest.mark.parametrize("line", ["show", "why a b", "history", "suspend", "approve", "reject a b c", "raise", "raise last", "show 'x", "approve 'x", "start", "crash soon", "help nothing", "nothing"])  # fmt: skip
def test_a_line_that_cannot_be_understood_is_a_usage_error_of_one_line(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(UsageError, match=r"^[^\n]+$"):
        wf_(shell, line)


@pytest.mark.parametrize("line", ["show nobody", "why nobody", "approve nobody", "raise nobody x", "terminate nobody"])
def test_an_unknown_id_is_answered_with_where_to_find_them(shell: InteractiveShell, line: str) -> None:
    with pytest.raises(InstanceNotFound, match="`%wf ls` lists the ids that exist") as caught:
        wf_(shell, line)
    assert caught.value._render_traceback_() == [f"InstanceNotFound: {caught.value}"]


def test_approving_what_does_not_wait_says_so(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=500").result(WITHIN_SECONDS)
    with pytest.raises(InvalidArgument, match="waits for nothing any more"):
        wf_(shell, "approve last")


def test_values_in_braces_are_not_filled_in_by_ipython(shell: InteractiveShell) -> None:
    shell.user_ns["amount"] = 1
    assert wf_(shell, "start request_escalation {'amount': 5000, 'note': '$amount {amount}'}").input["note"] == "$amount {amount}"


def test_hostile_names_are_shown_as_text(shell: InteractiveShell) -> None:
    lab = wf.current_lab()
    name = "<img src=x onerror=alert(1)>"
    lab.engine.register_workflow(lambda _: None, name)
    lab.start(name, instance_id="<script>alert(1)</script>").result(WITHIN_SECONDS)
    html = wf_(shell)._repr_html_()
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_runs_are_listed_by_a_status_in_small_letters_and_shown_step_by_step(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order-1")
    wf.current_lab().engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    assert wf_(shell, "ls running").count() == 1
    assert wf_(shell, "ls completed").count() == 0
    assert list(wf_(shell, "steps order").kind) == ["event", "timer"]


def test_a_run_is_rerun_and_purged(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order-1")
    run = wf_(shell, "approve order-1 human_approval")
    run.result(WITHIN_SECONDS)
    event_id = int(run.history().query("type == 'TaskScheduled'").event_id.iloc[-1])
    again = wf_(shell, f"rerun order-1 {event_id}")
    assert again.result(WITHIN_SECONDS) == run.output
    wf_(shell, "purge order-1")
    assert repr(run) == "Run(purged)"
    wf_(shell, "start request_escalation amount=5000 --id order-2")
    wf_(shell, "purge order-2 --force")
    assert wf_(shell, "ls").count() == 1


def test_a_run_is_forked_at_an_event(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order-1")
    wf.current_lab().engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    fork = wf_(shell, "fork order-1")
    assert fork.id != "order-1"
    assert fork.input == {"amount": 5000}
    assert fork.forked_from.instance_id == "order-1"
    assert wf_(shell, "fork order-1 --at 0").forked_from.at == 0
    with pytest.raises(UsageError, match="behind --at"):
        wf_(shell, "fork order-1 --at begin")


def test_the_views_of_the_whole_lab_are_shown_and_take_no_arguments(shell: InteractiveShell) -> None:
    for verb, said in (("inbox", "Nothing is waiting on you"), ("dashboard", "o runs"), ("recipes", "Task chaining")):
        assert said in wf_(shell, verb).text(), verb
        with pytest.raises(UsageError, match="takes no arguments"):
            wf_(shell, f"{verb} x")


def test_a_recipe_is_shown_or_put_into_the_next_cell(shell: InteractiveShell) -> None:
    assert "Fan-out" in wf_(shell, "recipe fanout ITEMS=7").text()
    assert wf_(shell, "recipe fanout --insert ITEMS=7") is None
    assert shell.rl_next_input == wf.current_lab().recipes().code("fanout", ITEMS=7)
    for line in ("recipe", "recipe fanout 7"):
        with pytest.raises(UsageError, match="takes a recipe's name"):
            wf_(shell, line)
    with pytest.raises(InvalidArgument, match="did you mean 'fanout'"):
        wf_(shell, "recipe fanot")


def test_a_workflow_is_checked_and_linted(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=500").result(WITHIN_SECONDS)
    assert wf_(shell, "check request_escalation").agree == 1
    assert wf_(shell, "check").loc["request_escalation"].to_dict() == {"replayed": 1, "agree": 1, "disagree": 0}
    assert len(wf_(shell, "lint request_escalation").df()) == 0
    for line in ("check a b", "lint", "lint a b"):
        with pytest.raises(UsageError, match="one workflow's name"):
            wf_(shell, line)


def test_the_clock_is_moved_by_a_span(shell: InteractiveShell) -> None:
    assert repr(wf_(shell, "clock")) == "real clock"
    before = wf_(shell, "clock virtual").now()
    assert wf_(shell, "clock +7d").now() - before == timedelta(days=7)
    assert not wf_(shell, "clock real").is_virtual


def test_a_cell_is_the_body_of_a_workflow_or_an_activity(shell: InteractiveShell) -> None:
    cell_(shell, "activity", "charge(ctx, order)", 'text = """\ntwo\n"""\nreturn [order["amount"], text]\n')
    cell_(shell, "workflow", "order", 'paid = yield ctx.call_activity("charge", input=input)\nreturn paid\n')
    run = wf_(shell, "start order amount=3")
    assert run.result(WITHIN_SECONDS) == [3, "\ntwo\n"], "what stands in a text of several lines is not moved"
    assert run.source() == 'def order(ctx, input):\n    paid = yield ctx.call_activity("charge", input=input)\n    return paid\n'
    assert run.graph().df().name.tolist().count("charge") == 1, "its call-sites are found in the source"


def test_a_cell_whose_body_awaits_is_a_coroutine(shell: InteractiveShell) -> None:
    cell_(shell, "workflow", "waits", 'return await ctx.wait_for_external_event("go")\n')
    wf_(shell, "start waits --id one")
    wf_(shell, "raise one go 7")
    assert wf.current_lab().get("one").result(WITHIN_SECONDS) == 7


def test_a_cell_may_bring_its_own_function_and_what_that_needs(shell: InteractiveShell) -> None:
    cell_(shell, "workflow", "double-order", "FACTOR = 2\n\n\ndef doubled(ctx, amount):\n    return FACTOR * amount\n")
    assert wf_(shell, "start double-order 4").result(WITHIN_SECONDS) == 8
    assert shell.user_ns["doubled"](None, 1) == 2


@pytest.mark.parametrize(
    ("line", "cell", "said"),
    [
        ("", "return 1", "takes the workflow's name"),
        ("order(ctx", "return 1", "takes the workflow's name"),
        ("order", "return 1 +", "line 1: invalid syntax"),
        ("order", "\n", "the cell is empty"),
        ("order(ctx, x)", "def f(ctx, x):\n    return x", "its parameters stand there"),
    ],
)
def test_a_cell_of_which_no_workflow_can_be_made_is_refused_in_one_line(shell: InteractiveShell, line: str, cell: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cell_(shell, "workflow", line, cell)
    assert "\n" not in str(caught.value)


def test_what_a_defining_cell_raises_is_raised_and_nothing_is_registered(shell: InteractiveShell) -> None:
    with pytest.raises(ZeroDivisionError):
        cell_(shell, "workflow", "broken", "1 / 0\n\ndef broken(ctx, input):\n    return 1\n")
    assert "broken" not in wf.current_lab().engine.registry.names("workflow")


def test_a_cell_of_sql_answers_with_a_frame_and_takes_parameters_and_variables(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=500 --id one").result(WITHIN_SECONDS)
    shell.user_ns["wanted"] = "one"
    query = "select status, $mark as mark from instances where instance_id = $wanted"
    answer = cell_(shell, "wfsql", "found mark=1 + 1", query)
    assert answer.to_dict("records") == [{"status": "COMPLETED", "mark": 2}]
    assert shell.user_ns["found"] is answer
    with pytest.raises(UsageError, match="parameters as key=value"):
        cell_(shell, "wfsql", "1 + 1", query)
    with pytest.raises(InvalidArgument, match="DuckDB"):
        cell_(shell, "wfsql", "", "select nothing from nowhere")


def test_what_can_be_completed_fits_the_place(shell: InteractiveShell) -> None:
    wf_(shell, "start request_escalation amount=5000 --id order-1")
    wf.current_lab().engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    verbs = shell.__dict__[_LOADED][0].verbs
    assert offered("%wf re", verbs) == ["replay", "reject", "resume", "rerun", "recipes", "recipe"]
    assert offered("%wf start req", verbs) == ["request_escalation"]
    assert offered("%wf start request_escalation --", verbs) == ["--id"]
    assert offered("%wf why ", verbs) == ["last", "order-1"]
    assert offered("%wf approve order-1 ", verbs) == ["human_approval"]
    assert offered("%wf approve nobody ", verbs) == []
    assert offered("%wf ls request_escalation F", verbs) == ["FAILED"]
    assert offered("%wf recipe fan", verbs) == ["fanout"]
    assert offered("%wf recipe fanout --", verbs) == ["--insert"]
    assert offered("%wf clock v", verbs) == ["virtual"]
    assert offered("%wf nothing ", verbs) == []
    assert offered("print(%wf ", verbs) == []


def test_the_lab_is_served_and_its_apps_are_shown_and_acted_on(shell: InteractiveShell, tmp_path: Path) -> None:
    assert repr(wf_(shell, "serve grpc_port=0 http_port=0")).startswith("Served at HTTP")
    assert repr(wf_(shell, "apps")).startswith("No apps yet.")
    (tmp_path / "app.py").write_text("import signal; print('hello', flush=True); signal.pause()")
    app = wf.current_lab().run_app("orders", [sys.executable, "app.py"], directory=tmp_path)
    assert offered("%wf apps o", shell.__dict__[_LOADED][0].verbs) == ["orders"]
    eventually(lambda: len(app.output) == 1)
    wf_(shell, "apps orders --restart")
    eventually(lambda: len(app.output) == 2)
    assert wf_(shell, "apps orders --stop").state == "stopped"
    assert wf_(shell, "apps --stop")["orders"].state == "stopped"
    for line in ("apps orders --stop --restart", "apps --restart", "apps a b", "serve 50001"):
        with pytest.raises(UsageError):
            wf_(shell, line)


def test_the_api_log_takes_words_and_values(shell: InteractiveShell) -> None:
    log = wf_(shell, "api-log app=order-service outcome=failed since=15m")
    assert (log.filter.app, log.filter.outcome, log.filter.since) == ("order-service", "failed", "15m")
    shell.user_ns["chosen"] = "orders"
    assert wf_(shell, "api-log app=chosen text='a b'").filter.app == "orders"
    with pytest.raises(UsageError, match="key=value"):
        wf_(shell, "api-log orders")
