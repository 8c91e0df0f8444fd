"""What a person meets in a real kernel: every mishap is one line that says what to do, and nothing of the engine stands above it."""

from collections.abc import Iterator

import pytest

from tests.lab.kernel import Kernel
from tests.lab.seed import PROGRAM

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("bench")) as kernel:
        assert kernel.run("%load_ext wflab").printed == ""
        assert kernel.run(PROGRAM).status == "ok"
        assert kernel.run("run = lab.start(request_escalation, {'amount': 5000}, 'held'); 'started'").status == "ok"
        yield kernel


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("lab.start(request_escalation, {'amount': {1, 2}})", "PayloadError: the input of workflow 'request_escalation' is not JSON: set at $.amount. Pass sorted(value)."),
        ("run.raise_event('human_approval', float('nan'))", "PayloadError: the data of event 'human_approval' is not JSON: nan at $. Pass None or a string instead."),
        ("lab.start('unknown', 1)", "DefinitionNotFound: No workflow named 'unknown' is registered (registered: request_escalation). Run the cell that defines it, then try again."),
        ("%wf start unknown 1", "DefinitionNotFound: No workflow named 'unknown' is registered (registered: request_escalation). Run the cell that defines it, then try again."),
        ("wfr.register_workflow(lambda ctx: None)", "InvalidArgument: Cannot infer a name from a lambda function. Define it with `def`, or give a name: register_...(fn, name='...')."),
        ("wf.workflow(lambda ctx: None)", "InvalidArgument: Cannot infer a name from a lambda function. Define it with `def`, or give a name: register_...(fn, name='...')."),
        ("lab.start(lambda ctx: None)", "InvalidArgument: Cannot infer a name from a lambda function. Define it with `def`, or give a name: register_...(fn, name='...')."),
        ("lab.start(request_escalation, {'amount': 1}, 'held')", "InstanceAlreadyExists: The id 'held' is in use: workflow 'request_escalation' is RUNNING. Pass another instance_id (or none), or terminate that instance first."),
        ("%wf raise nobody human_approval", "InstanceNotFound: No workflow instance has the id 'nobody'. `%wf ls` lists the ids that exist."),
        ("run.result(timeout=0)", "WaitTimedOut: Not there after 0 seconds; it goes on, wait again."),
        ("lab.sql('selec 1')", 'InvalidArgument: DuckDB: Parser Error: syntax error at or near "selec"'),
        ("lab.sql('delete from history')", "InvalidArgument: history is the engine's and can only be read: it is the record. Make a table of your own: CREATE TABLE mine AS FROM history."),
        ("lab.clock.advance(timedelta(days=7))", "InvalidArgument: The lab's clock is real and cannot be moved. Call lab.clock.virtual() first."),
        ("%wf frobnicate", "UsageError: %wf has no verb 'frobnicate'; there are start, ls, show, graph, timeline, replay, saga, why, history, steps, raise, approve, reject, suspend, resume, terminate, purge, rerun, fork, inbox, dashboard, recipes, api-log, serve, apps, recipe, check, lint, clock, crash, help. `%wf help VERB` explains one."),
        ("%wf start", "UsageError: %wf start takes a workflow's name: %wf start order amount=500"),
        ("%wf start request_escalation amount=1/0", "UsageError: '1/0' is no Python expression that can be evaluated here (ZeroDivisionError: division by zero)."),
        ("%wf show", "UsageError: %wf show takes one id, the beginning of one, or `last`."),
        ("%wf show 'held", "UsageError: %wf show: No closing quotation."),
        ("%wf ls SLEEPING", "InvalidArgument: There is no status 'SLEEPING'; there are PENDING, RUNNING, COMPLETED, FAILED, TERMINATED, SUSPENDED, CONTINUED_AS_NEW, CANCELED, STALLED."),
        ("%wf raise held", "UsageError: %wf raise takes an id and the event's name: %wf raise last human_approval True"),
        ("%wf crash now", "UsageError: %wf crash kills the %%victim kernel; `%wf crash --yes` kills this one."),
        ("%wf crash", "UsageError: There is no %%victim kernel to kill. `%wf crash --yes` kills this very kernel; nothing recorded is lost."),
        ("%wf help frobnicate", "UsageError: %wf has no verb 'frobnicate'; there are start, ls, show, graph, timeline, replay, saga, why, history, steps, raise, approve, reject, suspend, resume, terminate, purge, rerun, fork, inbox, dashboard, recipes, api-log, serve, apps, recipe, check, lint, clock, crash, help."),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_by_one_line_that_says_what_to_do(kernel: Kernel, code: str, told: str) -> None:
    shown = kernel.run(code)
    assert shown.status == "error"
    assert shown.mishap == told


def test_a_file_that_is_no_database_is_left_alone(kernel: Kernel) -> None:
    shown = kernel.run("open('notes.txt', 'w').write('dear diary, ' * 100); wf.Lab('notes.txt')")
    assert shown.mishap.endswith("notes.txt is not a DuckDB database; it was left as it is. Pass another file: wf.Lab('other.duckdb').")
    assert shown.mishap.startswith("NotADatabase: ")
    assert "\n" not in shown.mishap
    assert kernel.run("open('notes.txt').read() == 'dear diary, ' * 100").text == "True"


def test_a_failed_workflow_is_told_in_one_line_and_then_where_it_failed(kernel: Kernel) -> None:
    kernel.run("@wfr.workflow\ndef breaks(ctx):\n    raise ValueError('no stock')\nbroken = lab.start(breaks, instance_id='b1')")
    told = "WorkflowFailed: Workflow 'breaks' (b1) is FAILED: ValueError: no stock"
    for waiting in ("broken.result(30)", "await broken"):
        first, place, line = kernel.run(waiting).mishap.splitlines()
        assert (first, line.strip()) == (told, "raise ValueError('no stock')")
        assert place.endswith(", line 3, in breaks")


def test_a_cell_can_await_a_run_and_the_same_program_again_changes_nothing(kernel: Kernel) -> None:
    assert kernel.run("await lab.start(request_escalation, {'amount': 500})").text == "'auto-approved'"
    assert kernel.run(PROGRAM).status == "ok"
    assert (
        kernel.run("lab.sql('select count(*) as n from definitions where name = $name', name='request_escalation').n[0]").text
        == "np.int64(1)"
    )


def test_the_display_of_a_run_is_a_widget_with_html_and_text_beside_it(kernel: Kernel) -> None:
    shown = kernel.run("run")
    bundles = [message["content"]["data"] for message in shown.messages if message["msg_type"] == "display_data"]
    assert [sorted(bundle) for bundle in bundles] == [
        ["application/vnd.jupyter.widget-view+json", "application/vnd.wflab.view+json", "text/html", "text/plain"]
    ]
    assert "request_escalation RUNNING" in shown.text
    assert "human_approval" in shown.html


def test_tab_offers_verbs_names_ids_and_events(kernel: Kernel) -> None:
    assert set(kernel.complete("%wf ")) >= {"start", "approve", "crash", "help"}
    assert kernel.complete("%wf appr") == ["approve"]
    assert kernel.complete("%wf start req") == ["request_escalation"]
    assert "held" in kernel.complete("%wf why he")
    assert "last" in kernel.complete("%wf approve ")
    assert kernel.complete("%wf help rej") == ["reject"]


def test_ctrl_c_ends_the_waiting_and_not_the_workflow(kernel: Kernel) -> None:
    kernel.run("waiting = lab.start(request_escalation, {'amount': 5000}, 'interrupted')")
    for wait in ("waiting.result()", "await waiting"):
        request = kernel.begin(f"print('here', flush=True)\n{wait}")
        kernel.said(request, "here")
        shown = kernel.stop(request)
        assert shown.status == "error"
        assert "KeyboardInterrupt" in shown.error or "CancelledError" in shown.error
        assert kernel.run("str(waiting.status)").text == "'RUNNING'"
    assert kernel.run("waiting.approve(); waiting.result(30)").text == "'processed True'"


def test_the_engine_goes_on_while_a_cell_computes(kernel: Kernel) -> None:
    code = "busy = lab.start(request_escalation, {'amount': 500}, 'meanwhile')\nwhile not busy._lab.engine.when_finished('meanwhile').done():\n    sum(range(1000))\nbusy.output"
    assert kernel.run(code).text == "'auto-approved'"


def test_what_a_deep_ctrl_c_leaves_behind_is_a_working_lab(kernel: Kernel) -> None:
    for _ in range(5):
        request = kernel.begin(
            "print('here', flush=True)\nwhile True:\n    lab.start(request_escalation, {'amount': 500}); lab.runs.count()"
        )
        kernel.said(request, "here")
        assert "KeyboardInterrupt" in kernel.stop(request).error
    assert kernel.run("lab.status").text == "'running on wflab.duckdb'"
    assert kernel.run("lab.start(request_escalation, {'amount': 500}).result(30)").text == "'auto-approved'"
